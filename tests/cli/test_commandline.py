"""`--leave-standing` with its duration, and without."""

import pytest
import typer
from typer.testing import CliRunner

from drillbook.cli.commandline import DrillCommand, standing
from drillbook.cluster.settings import Settings

app = typer.Typer()


@app.command(cls=DrillCommand)
def _drill(paths: list[str] | None = None, leave_standing: str | None = None) -> None:
    print(paths, standing(Settings(leave_standing="7m"), leave_standing))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "None None"),
        ("--leave-standing", "None 7m"),
        ("--leave-standing 5m", "None 5m"),
        ("--leave-standing=5m", "None 5m"),
        ("--leave-standing --paths features/x", "['features/x'] 7m"),
    ],
)
def test_the_duration_may_be_left_out(words: str, said: str) -> None:
    assert CliRunner().invoke(app, words.split()).stdout.strip() == said
