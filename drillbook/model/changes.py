"""The typed changes of a fault: each has an undo that is known before it is applied."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from drillbook.model.words import Command, Duration, Word, shell

Manifest: TypeAlias = Mapping[str, Any]
"""One Kubernetes object as JSON; its namespace is the drill's, whatever it says."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One object by kind and name, or all of a kind by label selector; in the drill's namespace."""

    api_version: str
    kind: str
    name: Word = ""
    selector: Word = ""

    def __post_init__(self) -> None:
        """Raises ValueError: a target with neither would be every object of its kind."""
        if bool(self.name) is bool(self.selector):
            raise ValueError(
                f"a target of kind {self.kind} has a name or a label selector, one of the two: "
                f"name={self.name!r}, selector={self.selector!r}"
            )

    def refuse_selector(self) -> None:
        """Raises ValueError: what is written back has to be one object's."""
        if not self.name:
            raise ValueError(f"{self}: a change of one object needs its name, not a selector")

    def __str__(self) -> str:
        if self.name:
            return f"{self.kind}/{shell(self.name)}"
        return f"{self.kind} -l {shell(self.selector)}"


@dataclass(frozen=True, kw_only=True)
class Patch:
    """Sets fields of one object (a JSON merge patch). Undone by writing the old fields back."""

    target: Target
    patch: Mapping[str, Any]

    def __post_init__(self) -> None:
        self.target.refuse_selector()

    def in_words(self) -> str:
        return f"patches {_code(self.target)} with {_code(json.dumps(dict(self.patch)))}"


@dataclass(frozen=True, kw_only=True)
class Restart:
    """Deletes pods that a controller recreates. Their controller is the undo."""

    target: Target

    def in_words(self) -> str:
        return f"deletes the pods {_code(self.target)}, which their controller recreates"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Sets the replicas of one workload. Undone by setting what they were."""

    target: Target
    replicas: int

    @property
    def patch(self) -> Mapping[str, Any]:
        return {"spec": {"replicas": self.replicas}}

    def __post_init__(self) -> None:
        self.target.refuse_selector()

    def in_words(self) -> str:
        return f"sets the replicas of {_code(self.target)} to {self.replicas}"


@dataclass(frozen=True, kw_only=True)
class Create:
    """Makes one object in the drill's namespace. Undone by deleting it."""

    manifest: Manifest

    def in_words(self) -> str:
        return f"creates {_code(self.manifest['kind'] + '/' + self.manifest['metadata']['name'])}"


@dataclass(frozen=True, kw_only=True)
class Delete:
    """Deletes one object. Undone by making it again from what it was, unless its controller
    does."""

    target: Target

    def __post_init__(self) -> None:
        self.target.refuse_selector()

    def in_words(self) -> str:
        return f"deletes {_code(self.target)}"


class Refusal(StrEnum):
    """What a program prints when the system refused what it was about to do. A closed list: any
    other failure is no proof of a rule."""

    PERMISSION_DENIED = "permission denied"
    SQLSTATE_42501 = "SQLSTATE 42501"
    ACCESS_DENIED = "AccessDenied"
    OBJECT_LOCK = "object lock"
    READ_ONLY_FILE_SYSTEM = "read-only file system"


@dataclass(frozen=True, kw_only=True)
class Run:
    """Runs a program in a container of a pod of the drill's namespace. Undone by the namespace's
    removal, so it may reach nothing else; what it begins and leaves behind ends there."""

    target: Target
    """The pod; of several that a selector means, the first by name that runs."""
    container: str
    words: tuple[Word, ...]
    """No shell reads them: `("psql", "-c", "DROP TABLE orders")`."""
    within: Duration
    """Then it is ended inside the pod, by the container's own `timeout`."""
    refused_by: Refusal | None = None
    """What it prints when, injected again, a rule of the system keeps it from its change."""

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if self.target.kind != "Pod":
            raise ValueError(f"a program runs in a pod, and {self.target} is none")
        if not (self.container and self.words and self.words[0]):
            raise ValueError("a program that is run has a container and at least one word")
        if self.within.seconds < 1:
            raise ValueError(f"a program that is run needs a second at least, not {self.within}")

    def in_words(self) -> str:
        line, place = _code(Command(self.words)), f"the container {_code(self.container)}"
        return f"runs {line} in {place} of {_code(self.target)}, for {self.within} at most"


@dataclass(frozen=True, kw_only=True)
class Cordon:
    """Lets no new pod onto a node. Undone by letting them again."""

    node: Word

    def in_words(self) -> str:
        return f"cordons the node {_code(shell(self.node))}"


@dataclass(frozen=True, kw_only=True)
class KillNode:
    """Ends a node as a power cut does. Undone by the agent on its host, which starts it again."""

    node: Word

    def in_words(self) -> str:
        return f"ends, as a power cut does, the node {_code(shell(self.node))}"


@dataclass(frozen=True, kw_only=True)
class CutNode:
    """Takes a node off the network. Undone by the agent on its host."""

    node: Word

    def in_words(self) -> str:
        return f"cuts off the node {_code(shell(self.node))}"


NodeChange: TypeAlias = Cordon | KillNode | CutNode
"""What reaches beyond the drill's namespace: its runbook needs a `@domain:cluster/node/...`."""
Change: TypeAlias = Patch | Restart | Scale | Create | Delete | Run | NodeChange
"""Each says of itself what it does: `in_words()`, as prose with code between backticks."""


def _code(what: object) -> str:
    """Between backticks, as prose has code."""
    text = str(what)
    return "`" + text.replace("`", "'") + "`"
