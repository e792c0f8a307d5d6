"""The generator: as many runbooks as asked for, each its own, none with a problem of its own."""

import shutil
from pathlib import Path

import pytest
from rich.console import Console

from drillbook.book import lint, reader
from drillbook.book.monitoring import load_alerts
from drillbook.cli.commands.inspect import list_runbooks
from drillbook.cluster import settings
from drillbook.evidence import records
from tests import generate


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated")
    generate.runbooks(3, folder)
    generate.monitoring(3, folder)
    return folder


def test_each_runbook_has_three_causes_of_four_scenarios(checkout: Path) -> None:
    runbooks, problems = reader.read_all(reader.discover(checkout), checkout)
    assert problems == []
    assert len({r.id for r in runbooks}) == len({r.alerts for r in runbooks}) == 3
    assert [[len(c.scenarios) for c in r.causes] for r in runbooks] == [[4, 4, 4]] * 3


@pytest.mark.parametrize("environment", generate.ENVIRONMENTS)
def test_lint_finds_nothing_in_their_text(checkout: Path, environment: str) -> None:
    runbooks, _ = reader.read_all(reader.discover(checkout), checkout)
    book = lint.Book(
        runbooks=tuple(runbooks),
        bound={},
        alerts=load_alerts(checkout, environment),
        scrape_s=5,
        evaluation_s=5,
    )
    assert lint.problems(book) == []


def test_list_reads_an_accepted_record_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate.runbooks(5, tmp_path)
    generate.monitoring(5, tmp_path)
    for name in ("reports/proof", "steps", "scripts"):
        shutil.copytree(generate.HERE / name, tmp_path / name)
    accepted, read, seen = list(tmp_path.rglob("RB-*.json")), records.read, list[Path]()

    def noted(path: Path) -> records.Drill:
        seen.append(path)
        return read(path)

    monkeypatch.setattr(records, "read", noted)
    list_runbooks(settings.load(tmp_path), Console(quiet=True))
    assert sorted(seen) == sorted(accepted) != []
