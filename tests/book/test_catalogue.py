"""The catalogue: what it takes, what of a runbook differs from it, and which causes are one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drillbook.book import catalogue
from drillbook.book.lint import problems
from drillbook.model import BoundCause, BoundScenario, Phase
from drillbook.model.errors import UsageError
from tests import runbook_examples as examples
from tests.lint_examples import TEXT, book

LISTED = {"shop": {"no-orders": {"id": "RB-SHOP-001", "causes": ["no-database", "full-disk"]}}}


def test_the_catalogue_of_this_book_has_every_runbook_once() -> None:
    found = catalogue.load(Path(__file__).parents[2])
    assert len(found) == 88
    assert sum(len(entry.causes) for entry in found.values()) == 172
    assert catalogue.load(Path(__file__).parent) == {}


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ([], "not a mapping of areas"),
        ({"a": {"b": {"id": "RB-A-001"}}}, "b needs an id and causes"),
        ({"a": {"b": {"id": "RB-A-001", "causes": ["c", "c"]}}}, "b needs"),
        ({"a": {"b": {"id": "RB-A-001", "causes": ["c"], "cause": 1}}}, "b needs"),
        (
            {"a": {n: {"id": "RB-A-001", "causes": ["c"]} for n in "bd"}},
            "also that of features/a/b",
        ),
    ],
)
def test_what_is_no_catalogue_is_refused(said: Any, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        catalogue.parse(said)


def differing(**changed: Any) -> list[str]:
    shop = LISTED["shop"]["no-orders"]
    every = [c.id for c in book(TEXT).runbooks[0].causes]
    listed = catalogue.parse({"shop": {"no-orders": {**shop, "causes": every, **changed}}})
    found = problems(replace(book(TEXT), catalogue=listed))
    assert {one.rule for one in found} <= {"catalogue"}
    return [one.what for one in found]


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"alerts": ["NoOrders"], "owner": "shop"}, ""),
        ({"id": "RB-SHOP-002"}, "no runbook RB-SHOP-001"),
        ({"causes": ["other"]}, "no cause 'no-database'"),
        ({"alerts": ["Other"]}, "its @alert is NoOrders; in the catalogue Other"),
        ({"owner": "bank"}, "its @owner is shop; in the catalogue bank"),
        ({"kind": "operation"}, "its @kind is not there; in the catalogue operation"),
    ],
)
def test_a_written_runbook_is_held_against_its_entry(changed: Any, word: str) -> None:
    found = differing(**changed)
    assert any(word in one for one in found) if word else found == []


def test_a_runbook_in_another_folder_than_its_area() -> None:
    listed = catalogue.parse({"bank": {"no-orders": LISTED["shop"]["no-orders"]}})
    (runbook,) = book(TEXT).runbooks
    found = [one.what for one in catalogue.differences(runbook, listed)]
    assert found[0] == "RB-SHOP-001 stands at features/bank/no-orders.feature in the catalogue."


def _less(cause: BoundCause) -> list[BoundScenario]:
    """Its scenarios, of the diagnosis the first step alone."""
    return [
        replace(one, steps=one.steps[:1]) if one.scenario.phase is Phase.DIAGNOSIS else one
        for one in cause.scenarios
    ]


def test_causes_that_differ_by_their_names_alone() -> None:
    (told_apart,) = book(TEXT).bound.values()
    assert list(catalogue.equal_causes(told_apart)) == []
    bound = examples.runbook()
    first = bound.causes[0]
    twin = examples.cause("twin")
    found = list(catalogue.equal_causes(replace(bound, causes=(first, twin))))
    assert [one.what.split()[1] for one in found] == ["faults", "diagnoses"]
    assert list(catalogue.notes([bound])) == []
    # Of two that ask one thing alike, one asks more: its incident is the other's as well.
    second = examples.cause("config")
    told = replace(second, fault=replace(second.fault, changes=()))
    asks_less = replace(told, scenarios=(*_less(told),))
    (one,) = catalogue.equal_causes(replace(bound, causes=(first, asks_less)))
    assert "that of 'oom' (line 10) asks too" in one.what
    tags = tuple(replace(t, value="RB-X-009") if t.name == "id" else t for t in bound.runbook.tags)
    other = replace(bound, runbook=replace(bound.runbook, tags=tags), causes=(twin,))
    told = list(catalogue.notes([bound, other]))
    assert len(told) == 2
    assert "RB-X-009 twin" in told[0]
