"""Which drills of the runbooks were asked for. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Final

from drillbook.book.drills import drill_name, drills_of
from drillbook.drill.backgrounds import background_key
from drillbook.model import BoundRunbook, Control, Runbook
from drillbook.model.domains import Lock, locks
from drillbook.model.errors import UsageError
from drillbook.model.slug import slug


@dataclass(frozen=True, kw_only=True)
class Selected:
    """One drill to run."""

    runbook: Runbook
    cause: str
    control: Control
    attempt: int = 1

    @property
    def name(self) -> str:
        """As a person tells it from the others of its runbook: `driver-oom--plain`."""
        return drill_name(self.cause, self.control)

    @property
    def node(self) -> str:
        """Its pytest node id."""
        return f"{self.runbook.path}::{self.name}"

    @property
    def is_healthy(self) -> bool:
        return self.control is Control.HEALTHY

    @property
    def stem(self) -> str:
        """The name of its record and of its logs."""
        return f"{self.runbook.id}--{self.cause}--{self.control}--{self.attempt}"

    @property
    def record(self) -> str:
        """Its record's file name."""
        return f"{self.stem}.json"

    @property
    def locks(self) -> tuple[Lock, ...]:
        """What it will hold, under any free name. Raises RunbookProblem for a bad domain."""
        return locks(self.runbook.tag("domain"), slug(self.stem))


def select(
    runbooks: Sequence[Runbook], causes: Sequence[str], controls: Sequence[Control]
) -> list[Selected]:
    """The drills that were asked for. Raises UsageError when there is none, naming them all."""
    every = [
        Selected(runbook=runbook, cause=cause, control=control)
        for runbook in runbooks
        for cause, control in drills_of(runbook)
    ]
    chosen = [
        one
        for one in every
        if (not causes or one.cause in causes) and (not controls or one.control in controls)
    ]
    unknown = [cause for cause in causes if cause not in {one.cause for one in every}]
    if unknown or not chosen:
        known = ", ".join(one.name for one in every)
        raise UsageError(
            f"no drill matches --cause {' '.join(causes) or '(any)'} "
            f"--control {' '.join(controls) or '(any)'}. There is: {known}."
        )
    return chosen


STARTERS: Final = 5
"""How many runbooks a starter set holds."""


def starter(every: Sequence[Selected]) -> list[Selected]:
    """A set over as many areas as there are: of each of STARTERS runbooks the first cause, and its
    healthy drill. Of an area's runbooks the second comes after every area's first."""
    beside: dict[str, list[str]] = {}
    for one in every:
        ids = beside.setdefault(str(one.runbook.path.parent), [])
        ids += [one.runbook.id] if one.runbook.id not in ids else []
    rounds = (id for ids in zip_longest(*beside.values()) for id in ids if id is not None)
    chosen = set(islice(rounds, STARTERS))
    first: dict[tuple[str, bool], Selected] = {}
    for one in every:
        first.setdefault((one.runbook.id, one.is_healthy), one)
    return [one for (id, _), one in first.items() if id in chosen]


def backgrounds(bounds: Iterable[BoundRunbook]) -> list[list[BoundRunbook]]:
    """The runbooks that stand on one Background, together, in their order."""
    groups: list[list[BoundRunbook]] = []
    for one in bounds:
        own = next((g for g in groups if background_key(g[0]) == background_key(one)), None)
        if own is None:
            groups.append([one])
        else:
            own.append(one)
    return groups


def healthy_once(
    selected: Sequence[Selected], bounds: Iterable[BoundRunbook]
) -> tuple[list[Selected], list[str]]:
    """Of healthy drills the first on each Background; and what is left out, in words."""
    group: Mapping[str, int] = {
        one.runbook.id: number for number, ones in enumerate(backgrounds(bounds)) for one in ones
    }
    first: dict[int, Selected] = {}
    left_out, kept = list[str](), list[Selected]()
    for one in selected:
        asks = first.setdefault(group[one.runbook.id], one) if one.is_healthy else one
        if asks is one:
            kept.append(one)
        else:
            left_out.append(f"{one.node}: {asks.node} asks it too, on the same Background")
    return kept, left_out
