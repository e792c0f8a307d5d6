"""A drill that is killed at any of its writes leaves nothing behind, within expiry + 15 s."""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drillbook.changes.undo.killpoints import points
from tests.on_cluster.killing import (
    GRACE_S,
    LEASE_S,
    Outcome,
    first_and_last,
    kill_at,
    pause_at,
    side_by_side,
    traced,
)
from tests.on_cluster.snapshot import await_nothing, differences, snapshot

pytestmark = pytest.mark.cluster

NAMESPACED = ("create", "delete", "scale", "patch", "restart")
PAUSED = (
    "drill.create:after#1",
    "lease.create:after#1",
    "record.plan:after#1",
    "namespace.create:before#1",
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
    "lease.keep:before#1": ("patch", "--leave-standing", "20s"),
    "lease.keep:after#1": ("patch", "--leave-standing", "20s"),
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
SWEEPS = frozenset({"lease.take", "undo.touch", "undo.write"})
"""Killed in `drillbook undo`: test_safety.test_by_hand_without_a_reaper."""
REAPERS = frozenset({"lease.annotate", "lease.take", "reaper.create", "reaper.renew"})
"""Killed in the reaper itself: test_safety.test_the_reaper_killed_at_its_own_writes."""
STOPS = frozenset({"stop.create", "stop.add", "stop.delete"})
"""Killed while they are written: test_safety.test_killed_while_a_stop_is_written."""


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The whole cluster equals its baseline, not only what carries the drill's name."""
    before = snapshot()
    yield
    left = await_nothing(lambda: differences(before, snapshot()), time.monotonic() + GRACE_S)
    assert not left, "\n".join(left)


def verdict(outcomes: list[Outcome]) -> None:
    for one in outcomes:
        print(f"{one.took_s:6.1f} s  {one}")
    wrong = [str(one) for one in outcomes if one.left or one.problem]
    assert not wrong, "\n".join(wrong)
    assert all(one.took_s <= LEASE_S + GRACE_S + 2 for one in outcomes)


def test_killed_at_every_write_in_a_namespace(tmp_path: Path) -> None:
    reached = first_and_last(traced(NAMESPACED, tmp_path / "trace"))
    assert len(reached) > 30
    verdict(side_by_side([(one, NAMESPACED) for one in reached], paused=False))


def test_paused_at_every_write_until_its_lease_is_gone() -> None:
    verdict(side_by_side([(one, NAMESPACED) for one in PAUSED], paused=True))


@pytest.mark.parametrize("point", ["fault.patch:before#1", "fault.patch:after#1"])
def test_killed_at_a_cordon(point: str) -> None:
    verdict([kill_at(point, ("cordon",))])


@pytest.mark.campaign
def test_killed_at_every_write_of_a_cordon(tmp_path: Path) -> None:
    """One after the other: a node drill is alone. What a namespace drill does as well is killed
    there; here are the node's own writes, and every move of its record."""
    reached = traced(("cordon",), tmp_path / "trace")
    begin = reached.index("record.plan:before#2")
    outcomes = [kill_at(one, ("cordon",)) for one in reached[begin:] if one.startswith(OF_A_NODE)]
    assert len(outcomes) >= 14
    verdict(outcomes)


@pytest.mark.campaign
def test_paused_before_a_cordon_until_its_lease_is_gone() -> None:
    verdict([pause_at("fault.patch:before#1", ("cordon",))])


@pytest.mark.parametrize(
    ("change", "point"),
    [
        ("kill", "fault.host:after#1"),
        *(
            pytest.param(change, point, marks=pytest.mark.campaign)
            for change in ("kill", "cut")
            for point in HOST
            if (change, point) != ("kill", "fault.host:after#1")
        ),
    ],
)
def test_killed_at_every_write_of_a_node_taken_away(change: str, point: str) -> None:
    verdict([kill_at(point, (change,))])


def test_killed_at_its_rare_writes() -> None:
    verdict(side_by_side(list(RARE.items()), paused=False))


def test_no_kill_point_is_left_out(tmp_path: Path) -> None:
    """The list is the code's own; a write that none of these tests comes to fails here."""
    for module in (
        "drillbook.cli.app",
        "drillbook.drill.live_drill",
        "drillbook.changes.reaper.loop",
    ):
        importlib.import_module(module)
    reached = {one.partition(":")[0] for one in traced(NAMESPACED, tmp_path / "trace")}
    reached |= {one.partition(":")[0] for one in (*RARE, *HOST)}
    known = {one.partition(":")[0] for one in points()}
    assert known == reached | SWEEPS | REAPERS | STOPS
