"""Which of two drills that need the same may stay: the one that began first. A drill writes its
lease, then looks at others': of two that begin together the younger goes. One that looked before
the other's lease was there stays, so the elder waits until it has gone."""

from collections.abc import Sequence
from dataclasses import dataclass

from drillbook.changes.undo import lease as leases
from drillbook.changes.undo.lease import Lease
from drillbook.cluster.objects import Objects
from drillbook.model import domains
from drillbook.model.clock import Clock
from drillbook.model.errors import Refused

YIELD_WITHIN_S = 10.0
"""How long a younger drill may take to see that it must go."""
POLL_S = 0.1


@dataclass(frozen=True)
class InTheWay:
    """Another drill that holds what this one needs."""

    lease: Lease
    yields: bool
    """It is the younger, and goes when it sees this one."""


def refuse_locked(
    objects: Objects, own: Lease, locks: Sequence[domains.Lock], clock: Clock
) -> None:
    """Raises Refused when another drill holds what this one needs, and stays."""
    begin, namespace = clock.monotonic(), own.body["metadata"]["namespace"]
    while (other := in_the_way(leases.of_drills(objects, namespace), own, locks)) is not None:
        if not other.yields or clock.monotonic() - begin >= YIELD_WITHIN_S:
            lease = other.lease
            raise Refused(
                f"refused: the drill {lease.name} of the run {lease.run} (held by {lease.holder}) "
                f"holds what this one needs: {lease.locks}. Wait until it has ended; what a dead "
                "one left, `drillbook undo --dead` undoes. Nothing was changed."
            )
        clock.sleep(POLL_S)


def in_the_way(
    found: Sequence[Lease], own: Lease, locks: Sequence[domains.Lock]
) -> InTheWay | None:
    """One that stays, else one that yields. Raises Refused for unreadable locks. Pure."""
    others = [
        InTheWay(one, yields=own.age < one.age)
        for one in found
        if one.name != own.name
        and domains.conflicts(locks, domains.from_text(one.locks or None, one.name))
    ]
    return min(others, key=lambda one: one.yields, default=None)
