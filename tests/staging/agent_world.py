"""A world without a kernel for the host agent's keeper: nodes that are whole or not, a clock that
is set by hand, and deaths at chosen points."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from drillbook_staging.agent.change import Change, Key, Verb
from drillbook_staging.agent.journal import Journal
from drillbook_staging.agent.keeper import Clock, Keeper
from drillbook_staging.agent.requests import Apply
from drillbook_staging.errors import StageFailed

NOON = 1_800_000_000.0


class Killed(BaseException):
    """SIGKILL: nobody catches it, nothing that is not on the disk is left."""


@dataclass
class Points:
    """The moments at which a process can die; it dies at one of them."""

    deadly: int = -1
    passed: list[str] = field(default_factory=list)

    def reach(self, name: str) -> None:
        self.passed.append(name)
        if len(self.passed) - 1 == self.deadly:
            raise Killed(name)


@dataclass
class World:
    """Nodes, a disk and two clocks."""

    folder: Path
    away: dict[str, Verb] = field(default_factory=dict)
    wall_s: float = NOON
    steady_s: float = 0.0
    fails: str = ""
    """Why every restore fails at present."""
    full: bool = False
    """Whether the disk is full."""
    points: Points = field(default_factory=Points)
    on_change: Callable[[], None] = lambda: None

    def nodes(self) -> tuple[str, ...]:
        return ("node1", "node2", "node3")

    def lacks(self, node: str) -> list[str]:
        return [f"undone {self.away[node]}"] if node in self.away else []

    def change(self, verb: Verb, node: str) -> None:
        self.points.reach("before the deed")
        self.on_change()
        self.away[node] = verb
        self.points.reach("after the deed")

    def restore(self, node: str) -> None:
        self.points.reach("before the undo")
        if self.fails:
            raise StageFailed(self.fails)
        self.away.pop(node, None)
        self.points.reach("after the undo")

    def pass_time(self, seconds: float) -> None:
        self.wall_s += seconds
        self.steady_s += seconds

    def keeper(self) -> Keeper:
        """An agent that has just started."""
        clock = Clock(lambda: self.wall_s, lambda: self.steady_s)
        return Keeper(Disk(self.folder, self), self, clock)

    def on_disk(self) -> list[Change]:
        return list(Journal(self.folder).read().changes)


@dataclass(frozen=True)
class Disk(Journal):
    """The real journal on a disk that may be full, and with deaths around each write."""

    world: World

    def write(self, change: Change) -> None:
        self.world.points.reach(f"before {change.state} is written")
        if self.world.full:
            raise OSError(28, "No space left on device")
        super().write(change)
        self.world.points.reach(f"after {change.state} is written")

    def remove(self, key: Key) -> None:
        self.world.points.reach("before the record is removed")
        super().remove(key)
        self.world.points.reach("after the record is removed")


def asked(
    drill: str = "drill-a",
    sequence: int = 1,
    node: str = "node2",
    verb: Verb = Verb.KILL_NODE,
    expires: float = NOON + 30,
) -> Apply:
    """A request that is in order."""
    return Apply(do="apply", drill=drill, sequence=sequence, verb=verb, node=node, expires=expires)


def tick(keeper: Keeper) -> None:
    """What the agent does twice a second, to its end."""
    for thread in keeper.undo_what_is_over():
        thread.join()
