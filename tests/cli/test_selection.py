"""Which drills are run, and what each will hold."""

from pathlib import PurePosixPath

import pytest

from drillbook.book import reader
from drillbook.cli.selection import select
from drillbook.model import Control
from drillbook.model.domains import conflicts
from drillbook.model.errors import UsageError

RUNBOOK = reader.parse(
    """
@id:RB-X-001 @domain:cluster/namespace
Feature: it
  @cause:one
  Rule: first
    Scenario: a
      Then x
  @cause:two
  Rule: second
    Scenario: b
      Then x
""",
    PurePosixPath("features/x/it.feature"),
)


def test_every_cause_plain_and_healthy_once() -> None:
    assert [one.node for one in select([RUNBOOK], [], [])] == [
        "features/x/it.feature::one--plain",
        "features/x/it.feature::two--plain",
        "features/x/it.feature::all--healthy",
    ]


def test_causes_and_controls_narrow_it() -> None:
    assert [one.record for one in select([RUNBOOK], ["two"], [Control.PLAIN])] == [
        "RB-X-001--two--plain--1.json"
    ]


def test_nothing_selected_names_what_there_is() -> None:
    with pytest.raises(UsageError, match=r"one--plain, two--plain, all--healthy"):
        select([RUNBOOK], ["three"], [])


def test_drills_of_one_runbook_have_namespaces_of_their_own() -> None:
    one, two, healthy = (selected.locks for selected in select([RUNBOOK], [], []))
    assert conflicts(one, one)
    assert not conflicts(one, two)
    assert not conflicts(two, healthy)
