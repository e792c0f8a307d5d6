"""What is said of a planned drill, by what the cluster answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from drillbook.changes.undo import lease as leases
from drillbook.changes.undo.inverse import MARK
from drillbook.cluster.identities import Identity
from drillbook.drill import forecast
from drillbook.drill.forecast import Finding, identities
from drillbook.model import BoundCause, Cordon, domains
from drillbook.model.errors import CouldNotTell, Refused
from tests import runbook_examples as examples

NOW = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
ON_NODE = examples.cause("cordoned", fault=replace(examples.FAULT, changes=(Cordon(node="node2"),)))


# --------------------------------------------------------------------------- asking


def refusing(error: Exception) -> Any:
    def ask() -> str:
        raise error

    return ask


def because(error: Exception, status: int) -> Exception:
    error.__cause__ = Exception()
    error.__cause__.status = status  # type: ignore[attr-defined]
    return error


def test_an_answer_is_good() -> None:
    assert forecast._tried("reaper", lambda: "alive") == Finding("reaper", "alive")


def test_a_refusal_is_a_finding() -> None:
    found = forecast._tried("reaper", refusing(Refused("refused: there is none.")))
    assert found == Finding("reaper", "there is none.", wrong=True)


def test_so_is_a_missing_right() -> None:
    found = forecast._tried("stops", refusing(because(CouldNotTell("HTTP 403"), 403)))
    assert found.wrong


@pytest.mark.parametrize(
    "error", [CouldNotTell("no answer"), because(CouldNotTell("HTTP 503"), 503)]
)
def test_no_answer_is_not(error: Exception) -> None:
    with pytest.raises(CouldNotTell):
        forecast._tried("stops", refusing(error))


def test_the_node_injector_acts_only_where_a_fault_takes_a_node() -> None:
    assert Identity.NODE_INJECTOR not in identities(examples.runbook())
    assert set(identities(examples.runbook(ON_NODE))) == set(Identity)


# --------------------------------------------------------------------------- rights, kinds


def test_what_is_lacking_is_wrong_and_says_what_to_do() -> None:
    found = forecast._rights("observer", ["get pods", "list nodes"], "good")
    assert found.wrong
    assert found.said.startswith("lacks get pods, list nodes. Install")
    assert forecast._rights("observer", [], "good") == Finding("observer", "good")


def test_what_does_not_belong_into_a_namespace_is_told() -> None:
    manifest = {"apiVersion": "x.dev/v1", "kind": "Thing", "metadata": {"name": "a"}}
    assert "serves no Thing of x.dev/v1" in forecast._misplaced(manifest, served=False)
    assert "Thing/a is not namespaced" in forecast._misplaced(manifest, served=True)


# --------------------------------------------------------------------------- drills under way


def under_way(domain: str, name: str = "drill-other") -> leases.Lease:
    body = leases.manifest(
        name=name,
        namespace="drillbook-system",
        run="run",
        holder="host/1",
        now=NOW,
        duration_s=30,
        deadline=NOW.replace(hour=16),
        locks=domains.to_text(domains.locks(domain, name)),
        verbs=(),
        owner={},
    )
    metadata = {**body["metadata"], "uid": "u", "resourceVersion": "1"}
    return leases.from_object({**body, "metadata": metadata})


@pytest.mark.parametrize(
    ("ours", "theirs", "free"),
    [
        ("cluster/namespace", "cluster/namespace", True),
        ("cluster/node/2", "cluster/node/3", True),
        ("cluster/node/2", "cluster/node/2", False),
        ("cluster/node/2", "cluster/namespace", False),
        ("cluster", "cluster/namespace", False),
    ],
)
def test_a_drill_under_way_that_holds_what_is_needed_is_wrong(
    ours: str, theirs: str, free: bool
) -> None:
    locks, other = domains.locks(ours, forecast.PLANNED), under_way(theirs)
    found = forecast._tried("drill", lambda: forecast._beside(other, locks))
    assert found.wrong is not free
    assert "drill-other (until 15:00:30 UTC" in found.said


def test_locks_that_cannot_be_read_exclude_everybody() -> None:
    other = replace(under_way("cluster/namespace"), locks="{")
    ours = domains.locks("cluster/namespace", forecast.PLANNED)
    assert forecast._tried("drill", lambda: forecast._beside(other, ours)).wrong


# --------------------------------------------------------------------------- nodes


def node(ready: str = "True", cordoned: bool = False, mark: str = "") -> dict[str, Any]:
    return {
        "metadata": {"name": "node2", "uid": "u-2", "annotations": {MARK: mark} if mark else {}},
        "spec": {"unschedulable": True} if cordoned else {},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def said(cause: BoundCause, live: dict[str, Any] | None) -> Finding:
    return forecast._node(cause, "node2", live)


def test_a_node_is_shown_by_its_uid() -> None:
    assert said(ON_NODE, node()) == Finding("node of cordoned", "node2 (UID u-2): Ready")


@pytest.mark.parametrize(
    ("live", "part"),
    [
        (None, "node2 is not there"),
        (node(ready="Unknown"), "Ready is Unknown"),
        (node(cordoned=True), "it is cordoned"),
        (node(mark="drill-x"), "the drill drill-x changed it"),
    ],
)
def test_a_node_that_is_not_well_is_wrong(live: dict[str, Any] | None, part: str) -> None:
    found = said(ON_NODE, live)
    assert found.wrong
    assert part in found.said
