"""A drill that is killed at any of its writes leaves nothing behind, within expiry + 15 s."""

import importlib

import pytest

from drillbook.changes.undo.killpoints import points
from tests.on_cluster.killing import (
    AT_ONCE,
    REAL,
    SHORT,
    Ending,
    Term,
    all_well,
    first_and_last,
    traced,
)

pytestmark = pytest.mark.cluster

NAMESPACED = ("create", "delete", "scale", "patch", "restart")
MAKES_A_NAMESPACE = (
    "drill.create:after#1",
    "lease.create:after#1",
    "record.plan:after#1",
    "namespace.create:before#1",
)
"""Paused there it wakes up and makes the namespace of a drill that is no more, for a moment; a
drill that begins in that moment is refused, and rightly."""
PAUSED = (
    *MAKES_A_NAMESPACE,
    "namespace.grant:before#1",
    "workload.apply:before#2",
    "record.plan:before#2",
    "fault.create:before#1",
    "fault.delete:before#1",
    "fault.patch:before#1",
    "record.move:before#3",
    "undo.remove:before#1",
    "drill.delete:before#1",
)
"""The writes that a runner might still make when it wakes up."""
OF_A_NODE = ("record.plan", "fault.patch", "record.move", "undo.write")
RARE: dict[str, tuple[str, ...]] = {
    "lease.renew:before#1": ("patch", "--hold", "25"),
    "lease.renew:after#1": ("patch", "--hold", "25"),
    "lease.keep:before#1": ("patch", "--leave-standing", "10s"),
    "lease.keep:after#1": ("patch", "--leave-standing", "10s"),
    "undo.make:before#1": ("delete", "--again"),
    "undo.make:after#1": ("delete", "--again"),
    "fault.run:before#1": ("run",),
    "fault.run:after#1": ("run",),
    "fault.create:after#2": ("create", "--again"),
    "undo.remove:after#1": ("create", "--again"),
    "undo.write:before#1": ("patch", "scale", "--again"),
    "undo.write:after#2": ("patch", "scale", "--again"),
}
"""Writes that only a drill of some length, or one that takes its fault back, comes to."""
HOST = (
    "fault.host:before#1",
    "fault.host:after#1",
    "record.move:after#2",
    "undo.host:before#1",
    "undo.host:after#1",
)
WITH_A_VOLUME = ("namespace.grant:after#1", "fault.patch:after#1", "undo.remove:after#1")
"""Killed while a volume is there, and while it goes: it and its folder go with the drill."""
SWEEPS = frozenset({"lease.take", "undo.touch", "undo.write"})
"""Killed in `drillbook undo`: test_alone.test_by_hand_without_a_reaper."""
REAPERS = frozenset({"lease.annotate", "lease.take", "reaper.create", "reaper.renew"})
"""Killed in the reaper itself: test_alone.test_the_reaper_killed_at_its_own_writes."""
STOPS = frozenset({"stop.create", "stop.add", "stop.delete"})
"""Killed while they are written: test_alone.test_killed_while_a_stop_is_written."""


WITH_THE_REAL_LEASE = ("namespace.grant:after", "fault.patch:after", "undo.remove:before")
WITHOUT_A_LEASE = ("drill.create:after", "lease.create:before", "lease.delete", "drill.delete")
"""What is killed there has none (yet, or any more): the reaper lets every drill that begins half a
minute for it."""


def term_of(point: str) -> Term:
    is_real = point.startswith((*WITH_THE_REAL_LEASE, *WITHOUT_A_LEASE))
    return REAL if is_real else SHORT


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Every write of a drill in a namespace, in its order."""
    return traced(NAMESPACED, tmp_path_factory.mktemp("traced") / "points")


@pytest.mark.kills
def test_killed_or_paused_at_every_write_in_a_namespace(reached: list[str]) -> None:
    """Killed at each, the first and the last time that it comes to it, and at its rare ones; paused
    at some until the lease is gone. In one pool, those that wait longest first; before it those
    whose waking would refuse the others."""
    often = first_and_last(reached)
    assert len(often) > 30
    endings = [
        *(Ending(one, NAMESPACED, term=term_of(one)) for one in often),
        *(Ending(one, NAMESPACED, paused=True, term=term_of(one)) for one in PAUSED),
        *(Ending(one, changes) for one, changes in RARE.items()),
        *(Ending(one, ("patch", "--volume")) for one in WITH_A_VOLUME),
    ]
    first = [one for one in endings if one.paused and one.point in MAKES_A_NAMESPACE]
    rest = [one for one in endings if one not in first]
    rest.sort(key=lambda one: (one.term.lease_s, one.paused), reverse=True)
    all_well(first, len(first))
    all_well(rest, AT_ONCE)


@pytest.mark.kills
def test_no_kill_point_is_left_out(reached: list[str]) -> None:
    """The list is the code's own; a write that none of these tests comes to fails here."""
    for module in (
        "drillbook.cli.app",
        "drillbook.drill.live_drill",
        "drillbook.changes.reaper.loop",
    ):
        importlib.import_module(module)
    known = {one.partition(":")[0] for one in (*reached, *RARE, *HOST)}
    everything = {one.partition(":")[0] for one in points()}
    assert everything == known | SWEEPS | REAPERS | STOPS


# --------------------------------------------------------------------------- a node's own


@pytest.mark.alone
@pytest.mark.parametrize(
    ("change", "point"),
    [
        ("cordon", "fault.patch:before#1"),
        ("cordon", "fault.patch:after#1"),
        ("kill", "fault.host:after#1"),
        *(
            pytest.param(change, point, marks=pytest.mark.campaign)
            for change in ("kill", "cut")
            for point in HOST
            if (change, point) != ("kill", "fault.host:after#1")
        ),
    ],
)
def test_killed_at_a_write_of_a_nodes(change: str, point: str) -> None:
    all_well([Ending(point, (change,))])


@pytest.mark.alone
@pytest.mark.campaign
def test_killed_at_every_write_of_a_cordon(reached_by_a_cordon: list[str]) -> None:
    """One after the other: a node drill is alone. What a namespace drill does as well is killed
    there; here are the node's own writes, and every move of its record."""
    begin = reached_by_a_cordon.index("record.plan:before#2")
    own = [one for one in reached_by_a_cordon[begin:] if one.startswith(OF_A_NODE)]
    assert len(own) >= 14
    all_well(Ending(one, ("cordon",)) for one in own)


@pytest.fixture
def reached_by_a_cordon(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return traced(("cordon",), tmp_path_factory.mktemp("traced") / "points")


@pytest.mark.alone
@pytest.mark.campaign
def test_paused_before_a_cordon_until_its_lease_is_gone() -> None:
    all_well([Ending("fault.patch:before#1", ("cordon",), paused=True)])
