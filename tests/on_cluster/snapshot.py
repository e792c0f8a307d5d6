"""What a drill could leave behind on the embedded cluster, as one value that can be compared."""

import fcntl
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from drillbook.changes.host_agent import HostAgent
from drillbook.changes.undo.record import LEASE_LABEL
from drillbook.cluster import settings
from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import SYSTEM_NAMESPACE
from drillbook.cluster.objects import Objects
from drillbook.model.errors import CouldNotTell
from drillbook_staging import state
from drillbook_staging.places import places
from tests.on_cluster.checkouts import ROOT

KINDS = (
    ("v1", "Namespace"),
    ("v1", "Node"),
    ("v1", "PersistentVolume"),
    ("drillbook.dev/v1", "Drill"),
    ("drillbook.dev/v1", "UndoRecord"),
    ("coordination.k8s.io/v1", "Lease"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("v1", "ConfigMap"),
)


@cache
def administrator() -> Objects:
    """Everything may be seen; nothing here writes as a drill would."""
    known = state.read(places())
    assert known is not None, "the embedded cluster is not up: `drillbook staging up`"
    loaded = settings.load(root=ROOT)
    return Objects(Connections(loaded.model_copy(update={"kubeconfig": known.kubeconfig}), {}))


def kubectl(*words: str, told: str | None = None) -> str:
    """As the administrator."""
    known = state.read(places())
    assert known is not None
    command = (str(known.bin / "kubectl"), "--kubeconfig", str(known.kubeconfig), *words)
    done = subprocess.run(command, input=told, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


OURS = (
    ("v1", "Namespace", ""),
    ("drillbook.dev/v1", "Drill", ""),
    ("drillbook.dev/v1", "UndoRecord", SYSTEM_NAMESPACE),
    ("coordination.k8s.io/v1", "Lease", SYSTEM_NAMESPACE),
)


def snapshot() -> dict[str, Any]:
    """Names of everything that a drill may make, nodes in full, and the host's own changes. A kind
    that nobody has listed since the cluster began may be refused once (429), until the API server
    has read it."""
    until = time.monotonic() + 10
    while True:
        try:
            return _seen()
        except CouldNotTell:
            if time.monotonic() > until:
                raise
            time.sleep(1)


def _seen() -> dict[str, Any]:
    found: dict[str, Any] = {
        kind: sorted(_name(one) for one in administrator().listed(version, kind))
        for version, kind in KINDS
    }
    found["nodes"] = {
        one["metadata"]["name"]: _node(one) for one in administrator().listed("v1", "Node")
    }
    found["host"] = [str(held) for held in agent().held()]
    found["folders of volumes"] = folders_of_volumes()
    return found


def folders_of_volumes() -> list[str]:
    """Each is named after its claim's namespace."""
    return sorted(str(path) for path in places().node("*").parent.glob("*/kubelet/local-path/*"))


def agent() -> HostAgent:
    path = settings.load(root=ROOT).agent_socket
    assert path is not None, "the embedded cluster says no agent_socket: `drillbook staging up`"
    return HostAgent(path)


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What is not as it was, in words."""
    return [
        f"{key}: was {before[key]}, is {after[key]}"
        for key in before
        if before[key] != after.get(key)
    ]


def left_of(drill: str) -> list[str]:
    """What carries one drill's name on the cluster, in words."""
    objects, ours = administrator(), f"{LEASE_LABEL}={drill}"
    labelled = [
        f"{kind} {_name(one)}"
        for version, kind, namespace in OURS
        for one in objects.listed(version, kind, namespace, ours)
    ]
    marked = [
        f"node {one['metadata']['name']} is marked"
        for one in objects.listed("v1", "Node")
        if drill in str(one["metadata"].get("annotations"))
    ]
    claimed = [
        f"PersistentVolume {_name(one)}"
        for one in objects.listed("v1", "PersistentVolume")
        if (one["spec"].get("claimRef") or {}).get("namespace") == drill
    ]
    return labelled + marked + claimed + [f for f in folders_of_volumes() if drill in f]


def await_nothing(what: Callable[[], list[str]], until: float) -> list[str]:
    """What is left at that moment of time.monotonic(), looked at again until then."""
    while True:
        try:
            left = what()
        except CouldNotTell as error:
            left = [str(error)]
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.5)


def nothing_left(drill: str, within_s: float) -> None:
    left = await_nothing(lambda: left_of(drill), time.monotonic() + within_s)
    assert not left, "\n".join(left)


@contextmanager
def cluster_as_before(shared: Path) -> Iterator[None]:
    """The whole cluster, when the last of the processes that share this file is done, equals what
    it was before the first began."""
    with _shared(shared) as known:
        known["users"] = known.get("users", 0) + 1
        if "before" not in known:
            known["before"] = snapshot()
    yield
    with _shared(shared) as known:
        known["users"] -= 1
        before, last = known["before"], known["users"] == 0
    if last:
        shared.unlink()
        left = await_nothing(lambda: differences(before, snapshot()), time.monotonic() + 60)
        assert not left, "\n".join(left)


@contextmanager
def _shared(path: Path) -> Iterator[dict[str, Any]]:
    """Its content, for one process at a time."""
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        known = json.loads(file.read() or "{}")
        yield known
        file.truncate(0)
        file.write(json.dumps(known))


def _name(one: dict[str, Any]) -> str:
    metadata = one["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"


def _node(one: dict[str, Any]) -> dict[str, Any]:
    metadata = one["metadata"]
    spec = {key: value for key, value in one["spec"].items() if key != "taints"}
    taints = sorted(taint["key"] for taint in one["spec"].get("taints") or [])
    ready = [c["status"] for c in one["status"]["conditions"] if c["type"] == "Ready"]
    return {
        "spec": spec,
        "taints": taints,
        "labels": metadata.get("labels"),
        "annotations": metadata.get("annotations"),
        "finalizers": metadata.get("finalizers"),
        "ready": ready,
    }
