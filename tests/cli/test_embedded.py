"""The embedded cluster as the engine finds it, and a machine that has the engine alone."""

import pytest

from drillbook.cli import embedded
from drillbook.model.errors import UsageError


def test_the_checkouts_own_is_found_and_takes_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        embedded.run(["up", "--help"])
    assert ended.value.code == 0
    assert "drillbook staging up" in capsys.readouterr().out


def test_without_it_the_command_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "GROUP", "drillbook.nobody")
    assert embedded.installed() is None
    with pytest.raises(UsageError, match="pip install -e staging"):
        embedded.run(["up"])
