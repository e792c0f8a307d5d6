"""The typed changes of a fault: each has an undo that is known before it is applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from drillbook.model.words import Word, shell

Manifest: TypeAlias = Mapping[str, Any]
"""One Kubernetes object as JSON; its namespace is the drill's, whatever it says."""


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
