"""Which of the waiting drills may start now. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Protocol, TypeVar

from drillbook.model.domains import Lock, conflicts

SET_UPS = 2
"""How many drills may set up their workloads at once: that takes the processors."""


class Holder(Protocol):
    """What holds locks, or will."""

    @property
    def locks(self) -> tuple[Lock, ...]: ...

    @property
    def memory(self) -> float:
        """Bytes that it asks for."""

    @property
    def is_setting_up(self) -> bool: ...


AHolder = TypeVar("AHolder", bound=Holder)


@dataclass(frozen=True)
class Room:
    """What drills may take together."""

    jobs: int
    """How many may run at once."""
    memory: float = inf
    """Bytes that their workloads may ask for together."""


def may_start(waiting: Sequence[AHolder], running: Sequence[Holder], room: Room) -> list[AHolder]:
    """Those of the waiting, in the order given, that may start beside the running. A drill starts
    when nobody who runs, or waits before it, excludes it: others pass it, and nobody takes away
    what it waits for. When nothing runs, the first starts. Who waits for memory is not passed:
    small drills would keep a large one waiting for ever."""
    found: list[AHolder] = []
    before = [one.locks for one in running]
    left = room.memory - sum(one.memory for one in running)
    starts = min(room.jobs - len(running), SET_UPS - sum(one.is_setting_up for one in running))
    for one in waiting:
        if len(found) >= starts:
            break
        if not any(conflicts(one.locks, other) for other in before):
            if one.memory > left and before:
                break
            found.append(one)
            left -= one.memory
        before.append(one.locks)
    return found
