"""The product's nouns as frozen data: runbooks, the values that steps return, and what was seen.

This module imports nothing of ours. A step definition returns one of the values below; the engine
performs it, the renderer prints it, and the hash behind a proof covers it. Nothing here does I/O.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache, total_ordering
from pathlib import PurePosixPath
from typing import Any, Protocol, TypeAlias, runtime_checkable

# --------------------------------------------------------------------------- words of a command


@dataclass(frozen=True)
class Var:
    """A shell variable of the page: `APP` prints as `"$APP"`; a drill puts its value in the
    environment, so a value never enters the text of a command."""

    name: str


@dataclass(frozen=True)
class Joined:
    """Literals and variables that make one word, such as `deployment/"$APP"`."""

    parts: tuple[str | Var, ...]


Word: TypeAlias = str | Var | Joined
Values: TypeAlias = Mapping[str, str]
"""Variable name -> value, as the environment of a drill's commands holds it."""


def join(*parts: Word) -> Word:
    """One word out of several; neighbouring literals merge, so equal words compare equal."""
    flat: list[str | Var] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Joined) else (part,):
            if isinstance(piece, str) and flat and isinstance(flat[-1], str):
                flat[-1] += piece
            elif piece != "":
                flat.append(piece)
    if not flat:
        return ""
    return flat[0] if len(flat) == 1 else Joined(tuple(flat))


def parts_of(word: Word) -> tuple[str | Var, ...]:
    """A word's literals and variables, in order."""
    return word.parts if isinstance(word, Joined) else (word,)


def shell(word: Word) -> str:
    """A word as a shell reads it: exactly one argument, whatever the variables hold."""
    return "".join(f'"${p.name}"' if isinstance(p, Var) else shlex.quote(p) for p in parts_of(word))


def resolve(word: Word, values: Values) -> str:
    """A word with its variables filled in. Raises KeyError for a variable without a value."""
    return "".join(values[p.name] if isinstance(p, Var) else p for p in parts_of(word))


@dataclass(frozen=True)
class Command:
    """One command line: a tuple of words. `str(command)` is the line that a page prints and that
    `bash -eu` runs."""

    words: tuple[Word, ...]

    def __str__(self) -> str:
        return _line(self.words)

    @property
    def variables(self) -> frozenset[str]:
        """The names of the variables that the line reads."""
        found = (p for word in self.words for p in parts_of(word) if isinstance(p, Var))
        return frozenset(var.name for var in found)


@lru_cache(maxsize=4096)
def _line(words: tuple[Word, ...]) -> str:
    # A large book prints the same lines for a thousand runbooks.
    return " ".join(shell(word) for word in words)


def command(*words: Word) -> Command:
    """`command("kubectl", "get", "pods")` reads better than a nested tuple."""
    return Command(tuple(words))


# --------------------------------------------------------------------------- durations

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
DURATION_PATTERN = r"\d+(?:ms|s|m|h|d)"


@total_ordering
@dataclass(frozen=True)
class Duration:
    """A length of time as people write it: `90s`, `3m`, `15m`, `500ms`. `seconds` is a float."""

    text: str

    def __post_init__(self) -> None:
        if not re.fullmatch(DURATION_PATTERN, self.text):
            raise ValueError(
                f"{self.text!r} is not a duration: write a number and a unit, such as 90s or 3m"
            )

    @property
    def seconds(self) -> float:
        number = self.text.rstrip("mshd")
        return int(number) * _UNITS[self.text[len(number) :]]

    def __lt__(self, other: Duration) -> bool:
        return self.seconds < other.seconds

    def __str__(self) -> str:
        return self.text


# --------------------------------------------------------------------------- what a source answers


@dataclass(frozen=True)
class Absent:
    """The server answered: the object, field or series is not there."""

    what: str

    def __str__(self) -> str:
        return f"absent: {self.what}"


@dataclass(frozen=True)
class AlertState:
    """What Prometheus and Alertmanager say of one alert under one set of labels."""

    firing: bool
    """Prometheus holds it as firing."""
    pending: bool
    """Prometheus holds it as pending."""
    listed: bool
    """Alertmanager lists it as active."""
    pages: tuple[str, ...] = ()
    """The runbook_url annotations of what is listed."""

    def __str__(self) -> str:
        state = "firing" if self.firing else "pending" if self.pending else "inactive"
        return f"{state} at Prometheus, {'listed' if self.listed else 'not listed'} by Alertmanager"


Answer: TypeAlias = str | float | AlertState | Absent


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One answer of a source and how old the server says it is."""

    answer: Answer
    dated: datetime | None = None
    """UTC, by the server's clock; None where an answer is current by construction."""


@runtime_checkable
class Source(Protocol):
    """One source, two faces: `read` for the drill, `command` for the page, one `parse` for both."""

    def read(self, clients: Any) -> Reading:
        """Ask once. Raises CouldNotTell when no answer can be had."""

    def command(self) -> Command:
        """The line that a responder pastes for the same answer."""

    def parse(self, text: str) -> Answer:
        """What the line printed, as the same answer."""


# --------------------------------------------------------------------------- what is expected


class Matcher(Protocol):
    """Says whether an answer is what was expected. Pure; printed on the page by `describe`."""

    def holds(self, answer: Answer, since: datetime | None) -> bool:
        """`since`: the drill's last change (UTC), for matchers that compare with it."""

    def describe(self) -> str:
        """What to expect, as a page prints it after 'expect'."""


# --------------------------------------------------------------------------- the values of steps


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Reads one thing; safe to repeat. It holds when `expect` holds for an answer that is newer
    than the drill's last change, and, with `throughout`, at every read for that long."""

    source: Source
    expect: Matcher
    within: Duration | None = None
    """The budget. None: the settings' default."""
    throughout: Duration | None = None


class Risk(StrEnum):
    """What an action's line may do, as a page says it."""

    CHANGES = "changes"
    DESTROYS = "destroys"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A value that a change overwrites: the variable in which a responder keeps it for the way
    back, and the command that reads it before the change."""

    var: Var
    find: Command


@dataclass(frozen=True, kw_only=True)
class Action:
    """Changes one thing by one command line, run in `bash -eu` exactly as printed."""

    command: Command
    risk: Risk = Risk.CHANGES
    keeps: Kept | None = None
    """What a responder reads and keeps first; a drill has no use for it."""
    note: str = ""
    """What a responder must know first, in whole sentences: above all, how to choose the value for
    an application that is not the drilled one. Pairs of backticks are code."""
    rollback: Command | None = None
    """How to take it back; what destroys either has one or says that it cannot be undone."""
    within: Duration | None = None


@dataclass(frozen=True)
class Advice:
    """Something only a person can do or decide; recorded as MANUAL, never counted as passed."""

    text: str


@dataclass(frozen=True)
class Reinject:
    """The prevention phase's "the fault is injected again"."""


@dataclass(frozen=True, kw_only=True)
class Name:
    """A name that a workload owns, the variable that stands for it, and how a responder finds
    its value from the alert's labels."""

    literal: str
    """The name in the drill, as the steps write it."""
    var: Var
    find: Command


Manifest: TypeAlias = Mapping[str, Any]
"""One Kubernetes object as JSON; its namespace is the drill's, whatever it says."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """The healthy system under the drill, and its steady state."""

    title: str
    manifests: tuple[Manifest, ...]
    ready: Probe
    names: tuple[Name, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError for what is no Kubernetes object."""
        for number, manifest in enumerate(self.manifests, start=1):
            _refuse_nameless(number, manifest)


def _refuse_nameless(number: int, manifest: object) -> None:
    if not isinstance(manifest, Mapping):
        raise ValueError(f"the workload's manifest {number} is empty, or no mapping: {manifest!r}")
    metadata = manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    found = {"apiVersion": manifest.get("apiVersion"), "kind": manifest.get("kind")}
    missing = [
        key
        for key, value in {**found, "metadata.name": name}.items()
        if not (isinstance(value, str) and value)
    ]
    if missing:
        raise ValueError(f"the workload's manifest {number} has no {' and no '.join(missing)}")


@dataclass(frozen=True, kw_only=True)
class Target:
    """One object by kind and name, or all of a kind by label selector; in the drill's namespace."""

    api_version: str
    kind: str
    name: Word = ""
    selector: Word = ""

    def __str__(self) -> str:
        if self.name:
            return f"{self.kind}/{shell(self.name)}"
        return f"{self.kind} -l {shell(self.selector)}"


@dataclass(frozen=True, kw_only=True)
class Patch:
    """Sets fields of one object (a JSON merge patch). Undone by writing the old fields back."""

    target: Target
    patch: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Restart:
    """Deletes pods that a controller creates anew. Their controller is the undo."""

    target: Target


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Sets the replicas of one workload. Undone by setting what they were."""

    target: Target
    replicas: int


@dataclass(frozen=True, kw_only=True)
class Create:
    """Makes one object in the drill's namespace. Undone by deleting it."""

    manifest: Manifest


@dataclass(frozen=True, kw_only=True)
class Delete:
    """Deletes one object. Undone by making it again from what it was, unless its controller
    does."""

    target: Target


@dataclass(frozen=True, kw_only=True)
class Cordon:
    """Lets no new pod onto a node. Undone by letting them again."""

    node: Word


@dataclass(frozen=True, kw_only=True)
class KillNode:
    """Ends a node as a power cut does. Undone by the agent on its host, which starts it again."""

    node: Word


@dataclass(frozen=True, kw_only=True)
class CutNode:
    """Takes a node off the network. Undone by the agent on its host."""

    node: Word


NodeChange: TypeAlias = Cordon | KillNode | CutNode
"""What reaches beyond the drill's namespace: its runbook needs a `@domain:cluster/node/...`."""
Change: TypeAlias = Patch | Restart | Scale | Create | Delete | NodeChange


@dataclass(frozen=True, kw_only=True)
class Fault:
    """The failure: typed changes, each with an undo known before it is applied, and an effect
    that no step of the cause uses."""

    title: str
    changes: tuple[Change, ...]
    effect: Probe


Value: TypeAlias = Probe | Action | Workload | Fault | Reinject | Advice


@dataclass(frozen=True, kw_only=True)
class Where:
    """The place a step speaks about, as variables: a drill fills them in, a page prints them."""

    namespace: Var = Var("NAMESPACE")
    context: Var = Var("CONTEXT")
    prometheus: Var = Var("PROMETHEUS")
    alertmanager: Var = Var("ALERTMANAGER")


# --------------------------------------------------------------------------- runbooks as text


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

    def of(self, phase: Phase) -> tuple[Scenario, ...]:
        """The scenarios of one phase, in the file's order."""
        return tuple(s for s in self.scenarios if s.phase is phase)


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

    def tag(self, name: str) -> str:
        """The value of the first tag of that name, or the empty string."""
        return next((t.value for t in self.tags if t.name == name), "")

    def all(self, name: str) -> tuple[str, ...]:
        """The values of every tag of that name."""
        return tuple(t.value for t in self.tags if t.name == name)

    @property
    def id(self) -> str:
        return self.tag("id")

    @property
    def alerts(self) -> tuple[str, ...]:
        return self.all("alert")

    @property
    def area(self) -> str:
        return self.path.parent.name

    @property
    def page(self) -> PurePosixPath:
        """Where its page is, relative to the checkout."""
        return page_of(self.path)

    def cause(self, cause_id: str) -> Cause:
        """Raises KeyError when there is no such cause."""
        for cause in self.causes:
            if cause.id == cause_id:
                return cause
        raise KeyError(cause_id)


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


# --------------------------------------------------------------------------- runbooks with values


@dataclass(frozen=True, kw_only=True)
class BoundStep:
    """A step and the value that its definition returned."""

    step: Step
    value: Value


@dataclass(frozen=True, kw_only=True)
class BoundScenario:
    scenario: Scenario
    steps: tuple[BoundStep, ...]


@dataclass(frozen=True, kw_only=True)
class BoundCause:
    """A cause whose steps are values."""

    cause: Cause
    workload: Workload
    fault: Fault
    background: tuple[BoundStep, ...]
    scenarios: tuple[BoundScenario, ...]

    def of(self, phase: Phase) -> tuple[BoundScenario, ...]:
        return tuple(s for s in self.scenarios if s.scenario.phase is phase)


@dataclass(frozen=True, kw_only=True)
class BoundRunbook:
    """A runbook whose steps are values: what drills, pages and hashes are made from."""

    runbook: Runbook
    causes: tuple[BoundCause, ...]

    @property
    def names(self) -> tuple[Name, ...]:
        """Every name that its workloads own, once."""
        return tuple(dict.fromkeys(n for c in self.causes for n in c.workload.names))

    def cause(self, cause_id: str) -> BoundCause:
        """Raises KeyError when there is no such cause."""
        for bound in self.causes:
            if bound.cause.id == cause_id:
                return bound
        raise KeyError(cause_id)


# --------------------------------------------------------------------------- what a drill saw


class Verdict(StrEnum):
    """FAILED: the system or the runbook is wrong. ERROR: could not tell."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    ERROR = "ERROR"
    NOT_RUN = "NOT_RUN"
    MANUAL = "MANUAL"


class Injection(StrEnum):
    """What came of the fault; never merged with the verdict."""

    CONFIRMED = "confirmed"
    NO_EFFECT = "no effect"
    REFUSED = "refused"
    NONE = "none"
    """Nothing was injected: a control without a fault, or a drill that ended before."""


class Undo(StrEnum):
    """What came of the undo; never merged with the verdict."""

    VERIFIED = "verified"
    FAILED = "failed"
    KEPT = "kept"
    """Asked for with --keep: the incident stands until its expiry."""
    NOT_NEEDED = "not needed"


class Control(StrEnum):
    """The set-up that a drill runs under."""

    PLAIN = "plain"
    HEALTHY = "healthy"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one step saw."""

    verdict: Verdict
    command: str
    """The line that a responder would run for the same answer, or that was run."""
    expected: str
    observed: str
    started: datetime
    """UTC."""
    took: timedelta
    waited: timedelta = field(default_factory=timedelta)
    """The part of `took` spent waiting for facts or running the command."""
    outcome: str = ""
    """A reinjection's: blocked, absorbed, took effect, not applied."""
