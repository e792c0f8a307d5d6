"""A drill that is killed at any of its writes leaves nothing behind, within expiry + 15 s."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.killing import (
    GRACE_S,
    LEASE_S,
    Outcome,
    first_and_last,
    kill_at,
    pause_at,
    side_by_side,
    traced,
)
from tests.cluster.snapshot import await_nothing, differences, snapshot

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


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The whole cluster equals its baseline, not only what carries the drill's name."""
    before = snapshot()
    yield
    import time

    left = await_nothing(lambda: differences(before, snapshot()), time.monotonic() + GRACE_S)
    assert not left, "\n".join(left)


def verdict(outcomes: list[Outcome]) -> None:
    for one in outcomes:
        print(f"{one.took_s:6.1f} s  {one}")
    wrong = [str(one) for one in outcomes if one.left or one.problem]
    assert not wrong, "\n".join(wrong)
    assert all(one.took_s <= LEASE_S + GRACE_S + 2 for one in outcomes)


def test_killed_at_every_write_in_a_namespace(tmp_path: Path) -> None:
    points = first_and_last(traced(NAMESPACED, tmp_path / "trace"))
    assert len(points) > 30
    verdict(side_by_side([(one, NAMESPACED) for one in points], paused=False))


def test_paused_at_every_write_until_its_lease_is_gone() -> None:
    verdict(side_by_side([(one, NAMESPACED) for one in PAUSED], paused=True))


@pytest.mark.parametrize(
    "point",
    [
        "record.plan:before#2",
        "record.plan:after#2",
        "fault.patch:before#1",
        "fault.patch:after#1",
        "record.move:after#2",
        "record.move:after#3",
        "undo.write:before#1",
        "undo.write:after#1",
        "record.move:after#4",
        "record.move:after#5",
    ],
)
def test_killed_at_every_write_of_a_cordon(point: str) -> None:
    verdict([kill_at(point, ("cordon",))])


def test_paused_before_a_cordon_until_its_lease_is_gone() -> None:
    verdict([pause_at("fault.patch:before#1", ("cordon",))])


@pytest.mark.parametrize("change", ["kill", "cut"])
@pytest.mark.parametrize(
    "point", ["fault.host:before#1", "fault.host:after#1", "record.move:after#2"]
)
def test_killed_at_every_write_of_a_node_taken_away(change: str, point: str) -> None:
    verdict([kill_at(point, (change,))])
