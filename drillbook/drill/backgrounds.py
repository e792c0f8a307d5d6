"""Which runbooks stand on one Background: one healthy drill asks them all."""

from collections.abc import Iterable

from drillbook.model import BoundRunbook, Workload


def background_key(bound: BoundRunbook) -> Workload:
    """What two runbooks share when they stand on one Background: equal systems, names included."""
    return bound.causes[0].workload


def neighbours_of(bound: BoundRunbook, book: Iterable[BoundRunbook]) -> tuple[BoundRunbook, ...]:
    """The other runbooks of the checkout that stand on this one's Background, by id."""
    own = background_key(bound)
    found = (one for one in book if one.runbook.id != bound.runbook.id and one.causes)
    return tuple(sorted((b for b in found if background_key(b) == own), key=lambda b: b.runbook.id))
