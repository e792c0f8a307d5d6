"""What a step definition returns: the engine performs it, the renderer prints it, and the hash
behind a proof covers it. Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from drillbook.model.answers import Matcher, Source
from drillbook.model.changes import Change, Manifest
from drillbook.model.words import Command, Duration, Var


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
class Saved:
    """A value that a change overwrites: the variable in which a responder keeps it for the way
    back, and the command that reads it before the change."""

    var: Var
    find: Command


@dataclass(frozen=True, kw_only=True)
class Action:
    """Changes one thing by one command line, run in `bash -eu` exactly as printed."""

    command: Command
    risk: Risk = Risk.CHANGES
    saves: Saved | None = None
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
