"""Which drills are run, and what each will hold."""

from pathlib import PurePosixPath

import pytest

from drillbook.book import reader
from drillbook.cli.selection import select, starter
from drillbook.model import Control
from drillbook.model.domains import conflicts
from drillbook.model.errors import UsageError
from tests.dispatched import runbook

RUNBOOK = runbook("one", "two")


def test_every_cause_plain_and_healthy_once_each_in_a_namespace_of_its_own() -> None:
    found = select([RUNBOOK], [], [])
    assert [one.node.partition("::")[2] for one in found] == [
        *("one--plain", "two--plain", "all--healthy")
    ]
    one, two, healthy = (selected.locks for selected in found)
    assert [conflicts(one, one), conflicts(one, two), conflicts(two, healthy)] == [
        True,
        False,
        False,
    ]


def test_causes_and_controls_narrow_it_and_a_typo_names_what_there_is() -> None:
    (found,) = select([RUNBOOK], ["two"], [Control.PLAIN])
    assert found.record == "RB-X-001--two--plain--1.json"
    with pytest.raises(UsageError, match=r"one--plain, two--plain, all--healthy"):
        select([RUNBOOK], ["three"], [])
    with pytest.raises(UsageError, match="typo"):
        select([RUNBOOK], ["one", "typo"], [])


def test_a_starter_set_holds_the_first_cause_of_five_runbooks_over_the_areas() -> None:
    paths = ("a/one", "a/two", "a/three", "b/one", "c/one", "a/four", "b/two")
    books = [
        reader.parse(
            f"@id:{path}\nFeature: it\n"
            "  @cause:one\n  Rule: one\n    Scenario: it\n      Then x\n"
            "  @cause:two\n  Rule: two\n    Scenario: it\n      Then x\n",
            PurePosixPath(f"features/{path}.feature"),
        )
        for path in paths
    ]
    found = starter(select(books, [], []))
    assert [(one.runbook.id, one.name) for one in found] == [
        (id, name)
        for id in ("a/one", "a/two", "b/one", "c/one", "b/two")
        for name in ("one--plain", "all--healthy")
    ]
