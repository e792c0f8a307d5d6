"""What a drill may break, as locks: which drills may run side by side, and which never. A drill
locks the path of its `@domain:` exclusively and those above it as shared. `cluster/namespace` means
the drill's own, so such drills run side by side. Each holds every node's path as shared: a drill
that breaks a node is alone on the cluster."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, product
from typing import Final

from pydantic import TypeAdapter, ValidationError

from drillbook.model.errors import Refused, RunbookProblem, beginning

_WORD: Final = r"[a-z0-9]+(?:-[a-z0-9]+)*"
NAMESPACE: Final = "cluster/namespace"
DOMAIN: Final = rf"cluster(?:/namespace|(?:/(?!namespace(?:/|\Z)){_WORD})*)"
"""The grammar of `@domain:`. `namespace`, the drill's own, stands below `cluster` only."""
ALL_BELOW: Final = "/*"
EVERY_NODE: Final = f"cluster/node{ALL_BELOW}"
# A drill's namespace is part of a path, and Kubernetes' names may hold two hyphens in a row.
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_PATH = re.compile(rf"cluster(?:/{_LABEL})*(?:/\*)?", re.ASCII)


@dataclass(frozen=True)
class Lock:
    """A hold on one path. Raises ValueError when that is no path of a domain."""

    path: str
    """From `cluster` down; `/*` at its end: with all that is below."""
    exclusive: bool

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(self.path):
            raise ValueError(f"{self.path!r} is no path of a domain, such as cluster/node/2")

    def __str__(self) -> str:
        return f"{self.path} ({'exclusive' if self.exclusive else 'shared'})"

    @property
    def _base(self) -> str:
        return self.path.removesuffix(ALL_BELOW)

    def _reaches(self, other: "Lock") -> bool:
        """Whether the other's path is this one, or below it and this one holds what is below. An
        exclusive lock holds all below, as who breaks a thing breaks its parts."""
        below = self.exclusive or self.path.endswith(ALL_BELOW)
        return other._base == self._base or (below and other._base.startswith(f"{self._base}/"))

    def excludes(self, other: "Lock") -> bool:
        """Whether the two may not be held at once."""
        together = self._reaches(other) or other._reaches(self)
        return together and (self.exclusive or other.exclusive)


_LOCKS: Final = TypeAdapter(tuple[Lock, ...])


def locks(domain: str, drill: str) -> tuple[Lock, ...]:
    """What a drill with that domain holds; `drill` is the name of its namespace. Raises
    RunbookProblem when the domain is not one: a drill without locks would exclude nobody."""
    if not re.fullmatch(DOMAIN, domain, re.ASCII):
        raise RunbookProblem(
            f"@domain:{domain} is no path of a domain. Write what a drill may break: "
            "cluster/namespace, cluster/node/2, cluster/postgres or cluster."
        )
    path = f"{NAMESPACE}/{drill}" if domain == NAMESPACE else domain
    return (*_from_the_top(path), Lock(EVERY_NODE, exclusive=False))


def _from_the_top(path: str) -> tuple[Lock, ...]:
    """Its parents as shared, and itself exclusively."""
    *parents, own = accumulate(path.split("/"), "{}/{}".format)
    return (*(Lock(parent, exclusive=False) for parent in parents), Lock(own, exclusive=True))


def conflicts(ours: Iterable[Lock], theirs: Sequence[Lock]) -> bool:
    """Whether the two drills may not run at once. It does not matter which is named first."""
    return clash(ours, theirs) is not None


def clash(ours: Iterable[Lock], theirs: Sequence[Lock]) -> tuple[Lock, Lock] | None:
    """The first lock of ours that one of theirs excludes, with that one, for a message."""
    pairs = product(ours, theirs)
    return next(((one, other) for one, other in pairs if one.excludes(other)), None)


def to_text(held: Sequence[Lock]) -> str:
    """As a Lease's annotation has it: a JSON list."""
    return _LOCKS.dump_json(tuple(held)).decode()


def from_text(text: str | None, lease: str) -> tuple[Lock, ...]:
    """The locks that a Lease's annotation tells. `lease` is its name, for the message. Raises
    Refused when they cannot be read, or there are none: unknown locks exclude everybody."""
    try:
        found = _LOCKS.validate_json(text or "", strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise Refused(_unknown(lease, text, first["msg"])) from error
    if not found:
        raise Refused(_unknown(lease, text, "every drill holds at least one"))
    return found


def _unknown(lease: str, text: str | None, why: str) -> str:
    said = "has no locks" if not text else f"has locks that cannot be read: {beginning(text)!r}"
    return (
        f"refused: lease {lease} {said} ({why}). What its drill may break is unknown, so no other "
        "may run beside it. Wait until that drill has ended, or undo it: `drillbook undo --dead`."
    )
