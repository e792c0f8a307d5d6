"""What drills left on the cluster, found by their own marks; a list that failed is not empty."""

from dataclasses import dataclass
from datetime import datetime

from drillbook.changes.undo.inverse import FENCE, MARK
from drillbook.changes.undo.lease import LEASE_API, RUN_LABEL
from drillbook.changes.undo.record import LEASE_LABEL, moment
from drillbook.cluster.objects import Objects
from drillbook.model.object_ref import ObjectRef

NODE_LEASES = "kube-node-lease"


def of_drill(objects: Objects, drill: str) -> list[str]:
    """What still carries one drill's marks, in words. Raises CouldNotTell."""
    spaces = objects.listed("v1", "Namespace", selector=f"{LEASE_LABEL}={drill}")
    return [
        *(f"namespace/{one['metadata']['name']} is still there" for one in spaces),
        *(f"node/{node} carries its mark" for node, one in marks(objects) if one == drill),
        # With one on a node that is away, its undo waits for the node.
        *(f"{one} of it is still there" for one in volumes(objects) if one.namespace == drill),
    ]


def namespaces(objects: Objects) -> list[str]:
    """The names of those with our label, whosever. Raises CouldNotTell."""
    return [one["metadata"]["name"] for one in objects.listed("v1", "Namespace", "", RUN_LABEL)]


@dataclass(frozen=True)
class Volume:
    """A PersistentVolume that was claimed. Whoever made it removes its folder, then itself."""

    name: str
    namespace: str
    made: datetime

    def __str__(self) -> str:
        return f"persistentvolume/{self.name}"


def volumes(objects: Objects) -> list[Volume]:
    """Those that are claimed, from whatever namespace. Raises CouldNotTell."""
    found = []
    for one in objects.listed("v1", "PersistentVolume"):
        metadata, claim = one["metadata"], one["spec"].get("claimRef")
        if claim:
            made = moment(metadata["creationTimestamp"])
            found.append(Volume(metadata["name"], claim["namespace"], made))
    return found


def marks(objects: Objects) -> list[tuple[str, str]]:
    """(node, drill) for every mark that a node carries. Raises CouldNotTell."""
    found = []
    for node in objects.listed("v1", "Node"):
        notes = node["metadata"].get("annotations") or {}
        drills = dict.fromkeys(notes[key] for key in (MARK, FENCE) if key in notes)
        found += [(node["metadata"]["name"], drill) for drill in drills]
    return found


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
