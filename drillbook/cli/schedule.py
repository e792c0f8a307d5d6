"""Which of the waiting drills may start now. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from drillbook.model.domains import Lock, conflicts


class Holder(Protocol):
    """What holds locks, or will."""

    @property
    def locks(self) -> tuple[Lock, ...]: ...


AHolder = TypeVar("AHolder", bound=Holder)


def may_start(waiting: Sequence[AHolder], running: Sequence[Holder], jobs: int) -> list[AHolder]:
    """Those of the waiting, in the order given, that may start beside the running; at most `jobs`
    run at once.

    The rule: a drill starts when nobody who runs and nobody who waits before it excludes it. So
    who needs other locks passes a drill that waits, and nobody takes away what it waits for: it
    starts as soon as those have ended that ran when its turn came. When nothing runs, the first
    of the waiting starts, so no order of drills stands still.
    """
    found: list[AHolder] = []
    before = [one.locks for one in running]
    for one in waiting:
        if len(running) + len(found) >= jobs:
            break
        if not any(conflicts(one.locks, other) for other in before):
            found.append(one)
        before.append(one.locks)
    return found
