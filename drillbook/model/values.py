"""What a step definition returns: the engine performs it, the renderer prints it, and the hash
behind a proof covers it. No I/O. Each value says its own command lines (`lines`). Fields marked as
PROSE are words for people: a proof does not cover them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, TypeAlias

from drillbook.model.answers import Matcher, Source
from drillbook.model.changes import Change, Manifest, Target
from drillbook.model.words import Command, Duration, Guarded, Var, Word, command, join, parts_of

PROSE: Final[Mapping[str, Any]] = {"prose": True}
"""`field(metadata=PROSE)`: words that a proof does not cover."""

CHANGED_AT: Final = Var("CHANGED_AT")
"""The Unix time (seconds) of the last change; every change's line sets it."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Reads one thing; safe to repeat. It holds when `expect` holds for an answer that is newer
    than the drill's last change, and, with `throughout`, at every read for that long."""

    source: Source
    expect: Matcher
    within: Duration | None = None
    """The budget. None: the settings' default."""
    throughout: Duration | None = None

    def lines(self) -> Iterator[Command]:
        yield self.source.command()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A variable, and the command that reads its value."""

    var: Var
    command: Command


@dataclass(frozen=True, kw_only=True)
class FilledIn:
    """A variable whose value only a person can know: the page asks for it, in the words of `says`.
    The drill fills in `in_drill`, so no value of the drill stands on a line."""

    var: Var
    says: str = field(metadata=PROSE)
    in_drill: str


class Risk(StrEnum):
    """What an action's line may do, as a page says it."""

    CHANGES = "changes"
    DESTROYS = "destroys"
    """It deletes, or nothing takes it back."""


@dataclass(frozen=True, kw_only=True)
class Action:
    """Changes one thing by one command line, run in `bash -eu` exactly as printed."""

    command: Command
    reads: tuple[Finding | FilledIn, ...] = ()
    """What is known before the change, in order: what it overwrites, and what it sets instead."""
    risk: Risk = Risk.CHANGES
    note: str = field(default="", metadata=PROSE)
    """What a responder must know first, in whole sentences. Pairs of backticks are code."""
    rollback: Command | None = None
    """How to take it back; what destroys either has one or says that it cannot be undone."""
    within: Duration | None = None

    @property
    def asks(self) -> tuple[FilledIn, ...]:
        """What only a person can know."""
        return tuple(one for one in self.reads if isinstance(one, FilledIn))

    @property
    def reading(self) -> tuple[str, ...]:
        """The lines that read, and show, what is known before the change."""
        found = [one for one in self.reads if isinstance(one, Finding)]
        exports = [export(one) for one in found]
        return (*exports, show([one.var for one in self.reads])) if self.reads else ()

    @property
    def line(self) -> str:
        """The line that changes; an unset variable ends it before, and it notes the moment."""
        return self._changing(self.command)

    @property
    def back(self) -> str:
        """The line that takes it back, or the empty string."""
        return "" if self.rollback is None else self._changing(self.rollback)

    @property
    def block(self) -> str:
        """All that a drill runs, in one shell."""
        return "\n".join((*self.reading, self.line))

    def _changing(self, line: Command) -> str:
        needed = frozenset(one.var.name for one in self.reads)
        return f'{guarded(line, needed)} && export {CHANGED_AT.name}="$(date +%s)"'

    def lines(self) -> Iterator[Command]:
        yield self.command
        yield from (one.command for one in self.reads if isinstance(one, Finding))
        if self.rollback is not None:
            yield self.rollback


def export(finding: Finding) -> str:
    """A bash line that reads a value into its variable."""
    name = finding.var.name
    # In two steps: `export X="$(...)"` would hide that the command failed.
    return f'{name}="$({finding.command})" && export {name}'


def show(variables: Sequence[Var]) -> str:
    """A bash line that prints what was found, and ends with an error for what was not."""
    return "echo " + " ".join(f'{v.name}="${{{v.name}:?is empty}}"' for v in variables)


def guarded(line: Command, needed: frozenset[str]) -> Command:
    """The same line, which ends when one of the variables is empty or was never set."""
    words = tuple(_guarded(word, needed) for word in line.words)
    return Command(words, _guarded(line.stdin, needed))


def _guarded(word: Word, needed: frozenset[str]) -> Word:
    pieces = tuple(
        Guarded(p.name) if isinstance(p, Var) and p.name in needed else p for p in parts_of(word)
    )
    return join(*pieces)


@dataclass(frozen=True)
class Advice:
    """Something only a person can do or decide; recorded as MANUAL, never counted as passed."""

    text: str

    def lines(self) -> Iterator[Command]:
        yield from ()


@dataclass(frozen=True)
class Reinject:
    """The prevention phase's "the fault is injected again"."""

    def lines(self) -> Iterator[Command]:
        yield from ()


@dataclass(frozen=True, kw_only=True)
class Name:
    """A name that a component owns, what stands for it on a page, and how a responder finds it.
    `word` is one variable, or several with text between: `"$SCHEMA"."$TABLE"` for sales.orders."""

    literal: str
    """The name in the drill, as the steps write it."""
    word: Word
    finds: tuple[Finding, ...]
    """Each variable of `word`, and the command that finds it from the alert's labels."""

    def __post_init__(self) -> None:
        """Raises ValueError when the literal is not of the word's shape."""
        _ = self.values

    @cached_property
    def values(self) -> Mapping[str, str]:
        """Variable -> value in the drill, read off the literal."""
        pieces = parts_of(self.word)
        pattern = "".join("(.+?)" if isinstance(p, Var) else re.escape(p) for p in pieces)
        found = re.fullmatch(pattern, self.literal)
        if found is None:
            raise ValueError(f"the name {self.literal!r} is not of the shape {self.word}")
        variables = [p.name for p in pieces if isinstance(p, Var)]
        return dict(zip(variables, found.groups(), strict=True))


def name_of(literal: str, var: Var, find: Command) -> Name:
    """A name that one variable stands for."""
    return Name(literal=literal, word=var, finds=(Finding(var=var, command=find),))


@dataclass(frozen=True, kw_only=True)
class Part:
    """One controller of a component and its pods: "the driver of "orders""."""

    role: str
    kind: str
    """As the API writes it: Deployment, StatefulSet."""
    name: Word
    selector: Word
    """Label selector of its pods."""
    container: str

    @property
    def target(self) -> Target:
        """The controller."""
        return Target(api_version="apps/v1", kind=self.kind, name=self.name)

    @property
    def pods(self) -> Target:
        return Target(api_version="v1", kind="Pod", selector=self.selector)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A service's port: the drill and the responder forward it, and `var` holds the address."""

    var: Var
    service: Word
    port: int

    def forward(self) -> Command:
        """The line that opens it, to a local port that the system chooses."""
        return command(
            *("kubectl", "--context", Var("CONTEXT"), "-n", Var("NAMESPACE"), "port-forward"),
            *(join("service/", self.service), f":{self.port}"),
        )


@dataclass(frozen=True, kw_only=True)
class Credential:
    """A key of a Secret that a source reads with, by an account that can only read."""

    var: Var
    secret: Word
    key: str


@dataclass(frozen=True, kw_only=True)
class Component:
    """One system that stands healthy under a drill."""

    title: str = field(metadata=PROSE)
    manifests: tuple[Manifest, ...]
    ready: tuple[Probe, ...]
    """Its steady state: all of them hold."""
    names: tuple[Name, ...] = ()
    parts: tuple[Part, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    credentials: tuple[Credential, ...] = ()
    images: tuple[str, ...] = ()
    """References that its pods start by themselves, beside those that its manifests name."""

    def __post_init__(self) -> None:
        """Raises ValueError for what is no Kubernetes object."""
        for number, manifest in enumerate(self.manifests, start=1):
            _refuse_nameless(self.title, number, manifest)

    def lines(self) -> Iterator[Command]:
        for name in self.names:
            yield from (find.command for find in name.finds)
        for probe in self.ready:
            yield from probe.lines()


@dataclass(frozen=True)
class Workload:
    """Everything that stands under a drill: the components of a Background, in their order."""

    components: tuple[Component, ...]

    @property
    def title(self) -> str:
        return "; ".join(one.title for one in self.components)

    @cached_property
    def manifests(self) -> tuple[Manifest, ...]:
        return tuple(m for one in self.components for m in one.manifests)

    @cached_property
    def ready(self) -> tuple[Probe, ...]:
        return tuple(p for one in self.components for p in one.ready)

    @cached_property
    def names(self) -> tuple[Name, ...]:
        return tuple(n for one in self.components for n in one.names)

    @cached_property
    def values(self) -> Mapping[str, str]:
        """Variable -> value in the drill, of every name."""
        return {var: value for name in self.names for var, value in name.values.items()}

    @property
    def secrets(self) -> tuple[Word, ...]:
        """The Secrets that its sources read with."""
        return tuple(c.secret for one in self.components for c in one.credentials)

    @property
    def images(self) -> tuple[str, ...]:
        """Every image reference, once: what the manifests name and what pods start themselves."""
        named = (ref for m in self.manifests for ref in _images(m))
        more = (ref for one in self.components for ref in one.images)
        return tuple(dict.fromkeys((*named, *more)))

    def part(self, role: str, name: str) -> Part | None:
        """The part of the component that owns a name."""
        owners = (c for c in self.components if any(name == own.literal for own in c.names))
        parts = (part for one in owners for part in one.parts)
        return next((part for part in parts if part.role == role), None)

    def lines(self) -> Iterator[Command]:
        for one in self.components:
            yield from one.lines()


def _images(value: Any) -> Iterator[str]:
    """Every `image:` inside a manifest."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "image" and isinstance(inner, str):
                yield inner
            yield from _images(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _images(inner)


def _refuse_nameless(title: str, number: int, manifest: object) -> None:
    what = f"manifest {number} of {title!r}"
    if not isinstance(manifest, Mapping):
        raise ValueError(f"{what} is empty, or no mapping: {manifest!r}")
    metadata = manifest.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    found = {"apiVersion": manifest.get("apiVersion"), "kind": manifest.get("kind")}
    missing = [
        key
        for key, value in {**found, "metadata.name": name}.items()
        if not (isinstance(value, str) and value)
    ]
    if missing:
        raise ValueError(f"{what} has no {' and no '.join(missing)}")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """The failure: typed changes, each with a known undo, and an effect that no step reads."""

    title: str = field(metadata=PROSE)
    changes: tuple[Change, ...]
    effect: Probe

    def lines(self) -> Iterator[Command]:
        yield from self.effect.lines()


Value: TypeAlias = Probe | Action | Component | Fault | Reinject | Advice


@dataclass(frozen=True, kw_only=True)
class Where:
    """The place a step speaks about, as variables: a drill fills them in, a page prints them."""

    namespace: Var = Var("NAMESPACE")
    context: Var = Var("CONTEXT")
    prometheus: Var = Var("PROMETHEUS")
    alertmanager: Var = Var("ALERTMANAGER")
