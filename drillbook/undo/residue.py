"""What drills left on the cluster, found by their own marks; a list that failed is not empty."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from drillbook.undo.inverse import FENCE, MARK
from drillbook.undo.lease import LEASE_API, RUN_LABEL
from drillbook.undo.objects import Object, Objects
from drillbook.undo.record import LEASE_LABEL, ObjectRef, moment

NODE_LEASES = "kube-node-lease"


def of_drill(objects: Objects, drill: str) -> list[str]:
    """What still carries one drill's marks, in words. Raises CouldNotTell."""
    spaces = objects.listed("v1", "Namespace", selector=f"{LEASE_LABEL}={drill}")
    return [
        *(f"namespace/{one['metadata']['name']} is still there" for one in spaces),
        *_words(one for one in objects.listed("v1", "Node") if drill in _marks(one)),
    ]


def unexplained(objects: Objects, drills: Collection[str]) -> list[str]:
    """What carries our marks and belongs to none of `drills`, in words. Raises CouldNotTell."""
    nodes = [one for one in objects.listed("v1", "Node") if _marks(one) - set(drills)]
    return [
        *(f"namespace/{one}: no drill answers for it" for one in strangers(objects, drills)),
        *_words(nodes),
    ]


def strangers(objects: Objects, drills: Collection[str]) -> list[str]:
    """The names of the namespaces with our label that are none of `drills`'. Raises
    CouldNotTell."""
    spaces = objects.listed("v1", "Namespace", selector=RUN_LABEL)
    return [name for one in spaces if (name := one["metadata"]["name"]) not in drills]


def not_ready(objects: Objects, name: str, since: datetime) -> str:
    """Why a node does not count as back; empty when it does: it is Ready, and its kubelet renewed
    its lease after `since` (UTC), so that the readiness is not a memory. Raises CouldNotTell."""
    node = objects.get(ObjectRef(api_version="v1", kind="Node", name=name))
    if node is None:
        return f"node/{name} is not there"
    conditions = node["status"].get("conditions") or []
    ready = next((one["status"] for one in conditions if one["type"] == "Ready"), "Unknown")
    if ready != "True":
        return f"node/{name} is not Ready ({ready})"
    lease = objects.get(
        ObjectRef(api_version=LEASE_API, kind="Lease", name=name, namespace=NODE_LEASES)
    )
    renewed = None if lease is None else lease["spec"].get("renewTime")
    if renewed is None or moment(renewed) <= since:
        return f"node/{name}: its kubelet has not been heard since the undo"
    return ""


def _notes(found: Object) -> dict[str, str]:
    notes: dict[str, str] = found["metadata"].get("annotations") or {}
    return notes


def _marks(node: Object) -> set[str]:
    """The drills whose marks a node carries."""
    return {_notes(node)[key] for key in (MARK, FENCE) if key in _notes(node)}


def _words(nodes: Iterable[Object]) -> list[str]:
    return [
        f"node/{one['metadata']['name']} carries the mark of {', '.join(sorted(_marks(one)))}"
        for one in nodes
    ]
