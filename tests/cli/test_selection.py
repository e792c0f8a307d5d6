"""Which drills are run, and what each will hold."""

import pytest

from drillbook.cli.selection import select
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
