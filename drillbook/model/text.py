"""Runbooks as text: one feature file, read."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath


class Phase(StrEnum):
    """The four phases of an incident, in order."""

    DETECTION = "detection"
    DIAGNOSIS = "diagnosis"
    REMEDIATION = "remediation"
    PREVENTION = "prevention"


PHASES = frozenset(phase.value for phase in Phase)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One sentence of a runbook."""

    keyword: str
    """given, when or then: And and But take the keyword before them."""
    text: str
    line: int
    doc_string: str | None = None
    table: tuple[tuple[str, ...], ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Tag:
    """`@within:90s` is Tag("within", "90s"); `@detection` has an empty value."""

    name: str
    value: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One named check or change of one phase."""

    name: str
    line: int
    tags: tuple[Tag, ...]
    steps: tuple[Step, ...]
    is_outline: bool = False

    @property
    def phases(self) -> tuple[Phase, ...]:
        return tuple(Phase(tag.name) for tag in self.tags if tag.name in PHASES)

    @property
    def phase(self) -> Phase | None:
        """Its phase, when it has exactly one (lint asks for that)."""
        return self.phases[0] if len(self.phases) == 1 else None


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One `Rule`: one cause of the runbook's symptom, with an id that is kept for life."""

    id: str
    name: str
    line: int
    tags: tuple[Tag, ...]
    description: str
    background: tuple[Step, ...]
    scenarios: tuple[Scenario, ...]


def page_of(path: PurePosixPath) -> PurePosixPath:
    """Where the page of a feature file is; both paths are relative to the checkout."""
    return PurePosixPath("runbooks", path.parent.name, f"{path.stem}.md")


@dataclass(frozen=True, kw_only=True)
class Runbook:
    """One feature file."""

    path: PurePosixPath
    """Relative to the checkout."""
    title: str
    line: int
    tags: tuple[Tag, ...]
    description: str
    background: tuple[Step, ...]
    causes: tuple[Cause, ...]

    def problem(self, line: int, rule: str, what: str, fix: str) -> "Problem":
        """One of its file."""
        return Problem(path=str(self.path), line=line, rule=rule, what=what, fix=fix)

    def tag(self, name: str) -> str:
        """The value of the first tag of that name, or the empty string."""
        return next((t.value for t in self.tags if t.name == name), "")

    @property
    def id(self) -> str:
        return self.tag("id")

    @property
    def is_operation(self) -> bool:
        """Whether a person begins it, and no alert."""
        return self.tag("kind") == "operation"

    @property
    def alerts(self) -> tuple[str, ...]:
        return tuple(t.value for t in self.tags if t.name == "alert")

    @property
    def page(self) -> PurePosixPath:
        """Where its page is, relative to the checkout."""
        return page_of(self.path)


@dataclass(frozen=True, kw_only=True, order=True)
class Problem:
    """One thing wrong with a file, and how to mend it."""

    path: str
    line: int
    rule: str
    """The lint rule's id, such as `unknown-tag`."""
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: [{self.rule}] {self.what} {self.fix}"
