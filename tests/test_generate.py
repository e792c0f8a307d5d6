"""The generator: as many runbooks as asked for, each its own, none with a problem of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from drillbook.book import lint, reader
from drillbook.book.monitoring import load_alerts
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


def test_another_original_is_refused() -> None:
    with pytest.raises(ValueError, match="RB-SPARK-001"):
        generate.text("Feature: another", 0)
