"""What a running cluster says of itself: who it is, what runs on it, whether it was changed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drillbook.changes.undo.lease import RUN_LABEL
from drillbook_staging import digest
from drillbook_staging.cluster import Kubectl

WORKLOADS = (
    "monitoring/Deployment/prometheus",
    "monitoring/Deployment/alertmanager",
    "monitoring/Deployment/kube-state-metrics",
    "drillbook-system/Deployment/reaper",
    "local-path-storage/Deployment/local-path-provisioner",
    "kube-system/Deployment/coredns",
    "kube-system/DaemonSet/kube-proxy",
)

Object = Mapping[str, Any]
"""One Kubernetes object, as its JSON says it."""


@dataclass(frozen=True)
class Survey:
    """A cluster at one moment."""

    uid: str
    """The identity that guards compare: the UID of the namespace kube-system."""
    ready_nodes: tuple[str, ...]
    running: tuple[str, ...]
    """Those of WORKLOADS whose newest version runs in full."""

    def lacks(self, nodes: Sequence[str]) -> list[str]:
        """What is not as it must be before a drill, in words."""
        return [
            *(f"{name} is not Ready" for name in nodes if name not in self.ready_nodes),
            *(f"{name} is not available" for name in WORKLOADS if name not in self.running),
        ]


def take(kubectl: Kubectl, within_s: float = 30) -> Survey:
    """Ask the cluster. Raises StageFailed when it does not answer."""
    kinds = "namespaces,nodes,deployments.apps,daemonsets.apps"
    return survey(_objects(kubectl, kinds, "--all-namespaces", within_s=within_s))


def survey(objects: Sequence[Object]) -> Survey:
    """From what the cluster listed. Pure."""
    uid = next(each["metadata"]["uid"] for each in objects if _name(each) == _KUBE_SYSTEM)
    nodes = [each for each in objects if each["kind"] == "Node"]
    ready = tuple(each["metadata"]["name"] for each in nodes if _is_ready(each))
    running = [name for name in map(_name, filter(_runs, objects)) if name in WORKLOADS]
    return Survey(uid, ready, tuple(running))


_KUBE_SYSTEM = "/Namespace/kube-system"


def _name(found: Object) -> str:
    metadata = found["metadata"]
    return f"{metadata.get('namespace', '')}/{found['kind']}/{metadata['name']}"


def _is_ready(node: Object) -> bool:
    conditions = node["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _runs(workload: Object) -> bool:
    """As `kubectl rollout status` asks it: the newest version, all of it, and nothing else."""
    status = workload.get("status", {})
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0):
        return False
    if workload["kind"] == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        return wanted > 0 and _all(status, wanted, "updatedNumberScheduled", "numberAvailable")
    if workload["kind"] == "Deployment":
        wanted = workload["spec"]["replicas"]
        return _all(status, wanted, "replicas", "updatedReplicas", "availableReplicas")
    return False


def _all(status: Mapping[str, Any], wanted: int, *counts: str) -> bool:
    return all(status.get(count, 0) == wanted for count in counts)


def platform_key(kubectl: Kubectl, engine: str) -> str:
    """The hash of the platform's manifests, of the key of the engine's image, and of what the
    cluster holds in their place: as long as it stays the same, applying them would change
    nothing. Raises StageFailed, also when one of the objects is gone."""
    manifests = kubectl.shell.places.sources / "platform"
    live = _objects(kubectl, "--kustomize", str(manifests / "embedded"))
    return digest.of_text(digest.of_files(manifests), engine, told(live))


def told(objects: Sequence[Object]) -> str:
    """What people asked of these objects, without what the cluster noted about them. Pure."""
    asked = {
        _name(each): {
            **{key: part for key, part in each.items() if key not in ("metadata", "status")},
            # The guard and the admission policies go by labels.
            "labels": each["metadata"].get("labels", {}),
        }
        for each in objects
    }
    return json.dumps(asked, sort_keys=True)


def drills(kubectl: Kubectl, within_s: float) -> list[str]:
    """Namespaces of drills: at work, kept, or left behind. Raises StageFailed."""
    found = _objects(kubectl, "namespaces", "--selector", RUN_LABEL, within_s=within_s)
    return [each["metadata"]["name"] for each in found]


def _objects(kubectl: Kubectl, *words: str, within_s: float = 30) -> list[Object]:
    text = kubectl.output("get", *words, "--output", "json", within_s=within_s)
    items: list[Object] = json.loads(text)["items"]
    return items
