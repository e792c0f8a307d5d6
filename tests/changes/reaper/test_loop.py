"""What the reaper answers, and which drills it takes for dead. Its deeds are tested on the cluster
(tests/on_cluster/test_alone.py)."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from drillbook.changes.reaper.loop import no_answer, rights_for
from drillbook.changes.undo import lease as leases
from drillbook.changes.undo.lease import Lease
from drillbook.changes.undo.reaping import dead, orphans, overdue
from drillbook.changes.undo.record import Verb, stamp
from drillbook.changes.undo.undoers import reaping_of
from drillbook.cluster.settings import Settings
from drillbook.model.clock import SystemClock
from tests.changes.conftest import NOW, lease_body


def lease(
    renewed_s_ago: float = 0.0, holder: str = "host/1", name: str = "drill-a", skew_s: float = 0.0
) -> Lease:
    acquired = NOW - timedelta(seconds=renewed_s_ago)
    body = lease_body(name, acquired, holder)
    made = stamp(acquired + timedelta(seconds=skew_s))
    body["metadata"]["creationTimestamp"] = made
    return leases.from_object(body)


@pytest.mark.parametrize(
    ("skew_s", "declined"), [(-60.0, True), (-4.0, False), (0.0, False), (4.0, False), (6.0, True)]
)
def test_clocks_that_differ_are_declined(skew_s: float, declined: bool) -> None:
    why = no_answer(lease(skew_s=skew_s))
    assert ("clock" in why) is declined
    assert bool(why) is declined


@pytest.mark.parametrize(
    ("one", "is_dead", "is_overdue"),
    [
        (lease(29), False, False),
        (lease(31), True, False),
        # Drills that were killed while they swept the same dead drill held it for a minute: one
        # that begins leaves the reaper its time.
        (lease(44), True, False),
        (lease(46), True, True),
        # What a reaper took over is a reaper's to end, also when that one is no more.
        (lease(holder="reaper/gone"), True, False),
        (lease(holder="runner/x"), False, False),
    ],
)
def test_which_drill_is_dead(one: Lease, is_dead: bool, is_overdue: bool) -> None:
    assert dead([one], NOW) == [one] * is_dead
    assert overdue([one], NOW) == [one] * is_overdue


def test_a_drill_without_a_lease_is_an_orphan_after_a_while() -> None:
    def drill(name: str, age_s: float) -> dict[str, Any]:
        created = stamp(NOW - timedelta(seconds=age_s))
        return {"metadata": {"name": name, "creationTimestamp": created}}

    drills = [drill("drill-a", 60), drill("drill-b", 60), drill("drill-c", 5)]
    assert orphans(drills, [lease(name="drill-a")], NOW, after_s=30) == ["drill-b"]


def test_what_is_taken_over_is_held_as_a_lease_of_ones_own() -> None:
    clients: Any = SimpleNamespace(acting_as=lambda identity: None)
    loaded = Settings(lease_s=12, renew_s=3)
    found = reaping_of(clients, loaded, SystemClock(), "sweep/x")
    assert (found.lease_s, found.renew_s) == (12, 3)


def test_the_rights_of_every_verb_are_known() -> None:
    beyond = {verb: rights_for(verb) for verb in Verb}
    assert beyond[Verb.CREATE] == (("delete", "", "namespaces"),)
    assert ("patch", "", "nodes") in beyond[Verb.CORDON]
    assert beyond[Verb.PATCH] == ()
