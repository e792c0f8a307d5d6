"""The undo record: what is about to be changed, and what it was. Data only, from a closed set."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from drillbook.model.errors import CouldNotTell
from drillbook.model.object_ref import ObjectRef

API_VERSION = "drillbook.dev/v1"
KIND = "UndoRecord"
PREFIX = "drill-"
"""What the name of every drill's namespace begins with."""
LEASE_LABEL = "drillbook.dev/lease"
"""On records, drill namespaces and what else a drill makes: the name of its lease."""


class Verb(StrEnum):
    """What can be done to a target: a new verb also goes into `inverse` and the CRD's enum."""

    CREATE = "create"
    PATCH = "patch"
    SCALE = "scale"
    DELETE = "delete"
    """Deleted, to be created again: by its controller, or from the pre-image."""
    RUN = "run"
    """A program, inside the namespace: its removal is the undo, there is nothing else to do."""
    CORDON = "cordon"
    CUT_NETWORK = "cut-network"
    KILL_NODE = "kill-node"


HOST_VERBS = frozenset({Verb.CUT_NETWORK, Verb.KILL_NODE})
"""Done and undone by the agent on the host: nothing in the cluster can bring a dead node back."""


class State(StrEnum):
    """How far a change has come, in this order."""

    PLANNED = "PLANNED"
    APPLIED = "APPLIED"
    UNDOING = "UNDOING"
    UNDONE = "UNDONE"
    VERIFIED = "VERIFIED"


@dataclass(frozen=True, kw_only=True)
class UndoRecord:
    """One change. `pre_image`: the touched fields as they were, or all of a deleted object."""

    drill: str
    """The name of the drill's lease."""
    sequence: int
    verb: Verb
    target: ObjectRef
    expires: datetime
    """UTC; the latest moment at which the drill may still hold this change."""
    fence: int = 0
    """The lease's number of transitions when the record was written."""
    pre_image: Mapping[str, Any] = field(default_factory=dict)
    patch: Mapping[str, Any] = field(default_factory=dict)
    resource_version: str = ""
    """The target's when its pre-image was read: the change is conditional on it."""
    state: State = State.PLANNED
    said: str = ""
    """What came of the last attempt, in words."""
    version: str = ""
    """The record's own resource version."""

    @property
    def name(self) -> str:
        return f"{self.drill}-{self.sequence:03d}"

    @property
    def withheld(self) -> bool:
        """Whether its values stay in the drill's process, as a Secret's do."""
        return self.target.kind == "Secret"

    @property
    def ref(self) -> ObjectRef:
        """The record itself as an object; its namespace is the caller's to say."""
        return ObjectRef(api_version=API_VERSION, kind=KIND, name=self.name)

    def moved(self, state: State, said: str = "") -> "UndoRecord":
        return replace(self, state=state, said=said)

    def __str__(self) -> str:
        return f"{self.verb} {self.target} ({self.state})"


_NAME = re.compile(r"[a-zA-Z0-9](?:[-a-zA-Z0-9.:_]*[a-zA-Z0-9])?")
_INSIDE = frozenset({Verb.CREATE, Verb.PATCH, Verb.SCALE, Verb.DELETE, Verb.RUN})
_OF_NODES = frozenset({Verb.CORDON, *HOST_VERBS})


def beyond(record: UndoRecord) -> str:
    """Why no drill can have made such a change: whoever wrote the record wants the undo to do it.
    Empty when it can. Pure; the same rules stand in the custom resource definition."""
    target = record.target
    if not _NAME.fullmatch(target.name):
        return f"{target.name!r} is no object's name"
    if target.kind == "Node" and target.api_version == "v1":
        own = not target.namespace and record.verb in _OF_NODES
    elif target.kind == "Namespace" and target.api_version == "v1":
        own = record.verb is Verb.CREATE and target.name == record.drill and not target.namespace
    else:
        own = record.verb in _INSIDE and target.namespace == record.drill
    return "" if own else f"no drill named {record.drill} may {record.verb} {target}"


def manifest(record: UndoRecord, namespace: str, owner: Mapping[str, Any]) -> dict[str, Any]:
    """The record as the API takes it. `owner` is the ownerReference of its drill."""
    target = record.target
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": record.name,
            "namespace": namespace,
            "labels": {LEASE_LABEL: record.drill},
            "ownerReferences": [dict(owner)],
        },
        "spec": {
            "drill": record.drill,
            "sequence": record.sequence,
            "verb": str(record.verb),
            "target": {
                "apiVersion": target.api_version,
                "kind": target.kind,
                "namespace": target.namespace,
                "name": target.name,
                "uid": target.uid,
            },
            "preImage": {} if record.withheld else dict(record.pre_image),
            "patch": {} if record.withheld else dict(record.patch),
            "preconditions": {"uid": target.uid, "resourceVersion": record.resource_version},
            "expires": stamp(record.expires),
            "fence": record.fence,
        },
        "state": str(record.state),
        "said": record.said,
    }


def from_object(found: Mapping[str, Any]) -> UndoRecord:
    """A record as the API has it. Raises CouldNotTell for one that is not of this shape."""
    try:
        spec, metadata = found["spec"], found["metadata"]
        target = spec["target"]
        return UndoRecord(
            drill=spec["drill"],
            sequence=spec["sequence"],
            verb=Verb(spec["verb"]),
            target=ObjectRef(
                api_version=target["apiVersion"],
                kind=target["kind"],
                name=target["name"],
                namespace=target.get("namespace", ""),
                uid=target.get("uid", ""),
            ),
            expires=moment(spec["expires"]),
            fence=spec.get("fence", 0),
            pre_image=spec.get("preImage") or {},
            patch=spec.get("patch") or {},
            resource_version=(spec.get("preconditions") or {}).get("resourceVersion", ""),
            state=State(found["state"]),
            said=found.get("said", ""),
            version=metadata["resourceVersion"],
        )
    except (LookupError, TypeError, ValueError) as error:
        name = (found.get("metadata") or {}).get("name", "?")
        raise CouldNotTell(
            f"undo record {name}: not a record of {API_VERSION} ({error!r}). Look at it with "
            "`kubectl -n drillbook-system get undorecords -o yaml`, undo it by hand, delete it."
        ) from error


def stamp(at: datetime) -> str:
    """As Kubernetes writes a MicroTime."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """UTC. Raises ValueError for what is no time."""
    return datetime.fromisoformat(text).astimezone(UTC)
