"""Which drill starts when: as many as may, in the order given, and nobody waits for ever."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import permutations

import pytest

from drillbook.cli.schedule import SET_UPS, Room, may_start
from drillbook.model.domains import Lock, conflicts, locks

SHORT = {"n": "cluster/namespace", "p": "cluster/postgres", "c": "cluster"}


@dataclass(frozen=True)
class Fake:
    """`n1`: a namespace drill; `2a`: a drill of node 2; `p1`: of postgres; `c1`: of everything."""

    name: str
    memory: float = 0.0
    is_setting_up: bool = False

    @property
    def locks(self) -> tuple[Lock, ...]:
        domain = SHORT.get(self.name[0], f"cluster/node/{self.name[0]}")
        return locks(domain, self.name)


def fakes(names: str) -> list[Fake]:
    return [Fake(name) for name in names.split()]


@pytest.mark.parametrize(
    ("waiting", "running", "jobs", "started"),
    [
        ("n1 n2 n3", "", 1, "n1"),
        ("n1 n2 n3", "", 9, "n1 n2 n3"),
        ("n3", "n1 n2", 2, ""),
        ("n3", "n1", 2, "n3"),
        # A node drill and a namespace drill exclude each other, whoever came first.
        ("2a", "n1", 2, ""),
        ("n1", "2a", 2, ""),
        # So do a node drill and one of any other domain, and two of two nodes.
        ("2a p1", "", 9, "2a"),
        ("p1", "2a", 2, ""),
        ("2a 3a", "", 9, "2a"),
        # Who needs other locks passes; who would take what the waiting one needs does not.
        ("p1 p2 n2", "n1", 3, "p1 n2"),
        ("2a n2", "n1", 3, ""),
        # All of the cluster: alone, and nobody passes it.
        ("c1 n1 p1", "", 9, "c1"),
        ("c1 n1 p1", "2a", 9, ""),
    ],
)
def test_who_may_start(waiting: str, running: str, jobs: int, started: str) -> None:
    assert may_start(fakes(waiting), fakes(running), Room(jobs)) == fakes(started)[:SET_UPS]


def test_two_set_up_at_a_time_and_a_large_one_is_not_passed_by_small_ones() -> None:
    large, small = Fake("n9", memory=8), Fake("n1", memory=1)
    ready, begins = Fake("n2", memory=3), Fake("n3", memory=3, is_setting_up=True)
    room = Room(9, memory=10)
    assert may_start([small, small], [begins], room) == [small]
    assert may_start([small, small], [begins, begins], room) == []
    assert may_start([large, small], [ready], room) == []
    assert may_start([small, large, small], [ready], room) == [small]
    assert may_start([Fake("n8", memory=99), small], [], room) == [Fake("n8", memory=99)]


@dataclass
class Machine:
    """Runs fakes as the dispatcher does; each runs for one tick more than the one before it."""

    jobs: int
    waiting: list[Fake]
    running: dict[Fake, int] = field(default_factory=dict)
    begun: list[Fake] = field(default_factory=list)

    def tick(self) -> None:
        for one in may_start(self.waiting, list(self.running), Room(self.jobs)):
            self.waiting.remove(one)
            self.running[one] = 1 + len(self.begun) % 3
            self.begun.append(one)
        held = list(self.running)
        assert len(held) <= self.jobs
        assert not any(
            conflicts(one.locks, other.locks) for one in held for other in held if one != other
        )
        self.running = {one: left - 1 for one, left in self.running.items() if left > 1}

    def run(self) -> Sequence[Fake]:
        while self.waiting or self.running:
            before = len(self.waiting), dict(self.running)
            self.tick()
            assert (len(self.waiting), self.running) != before, "it stands still"
        return self.begun


@pytest.mark.parametrize("jobs", [1, 2, 3, 8])
def test_no_order_stands_still_and_none_that_exclude_each_other_meet(jobs: int) -> None:
    for order in permutations(fakes("n1 n2 2a 3a p1 c1")):
        assert sorted(one.name for one in Machine(jobs, list(order)).run()) == [
            *("2a", "3a", "c1", "n1", "n2", "p1")
        ]


def test_a_stream_of_namespace_drills_does_not_starve_a_node_drill() -> None:
    many = [Fake(f"n{number}") for number in range(20)]
    begun = list(Machine(2, [*many[:3], Fake("2a"), *many[3:]]).run())
    assert begun.index(Fake("2a")) == 3
