"""What each identity may do in one drill's namespace: exactly what this drill's changes need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import SYSTEM_NAMESPACE, Identity
from drillbook.cluster.objects import Objects
from drillbook.model import Change, Create, Delete, Manifest, Patch, Restart, Scale, Target

RBAC = "rbac.authorization.k8s.io"
IN_DRILL = "drillbook-provisioner-in-drill"
RESPONDER = "drillbook-responder"
OBSERVER = "drillbook-observer-in-drill"
INJECTOR = "drillbook-injector"

Rule = dict[str, Any]
"""A PolicyRule of a Role."""


def granted(
    namespace: str, changes: Sequence[Change], clients: Connections
) -> tuple[Manifest, ...]:
    """The bindings of one drill's namespace, the provisioner's own first; without changes the
    injector gets nothing."""
    rules = injector_rules(changes, clients)
    return (
        _binding(namespace, IN_DRILL, "ClusterRole", Identity.PROVISIONER),
        _binding(namespace, RESPONDER, "ClusterRole", Identity.RESPONDER),
        _binding(namespace, OBSERVER, "ClusterRole", Identity.OBSERVER),
        *((_role(namespace, rules),) if rules else ()),
        *((_binding(namespace, INJECTOR, "Role", Identity.INJECTOR),) if rules else ()),
    )


def injector_rules(changes: Sequence[Change], clients: Connections) -> list[Rule]:
    """One rule for each change inside the namespace, by the object's name where it has one. What
    is on nodes is another identity's."""
    found = []
    for change in changes:
        if isinstance(change, Patch | Scale):
            found.append(_rule(clients, change.target, ["get", "patch"]))
        elif isinstance(change, Delete):
            found.append(_rule(clients, change.target, ["get", "delete"]))
        elif isinstance(change, Restart):
            found.append(_rule(clients, change.target, ["get", "list", "delete"]))
        elif isinstance(change, Create):
            kind = Target(api_version=change.manifest["apiVersion"], kind=change.manifest["kind"])
            found.append(_rule(clients, kind, ["get", "create"]))
    return found


def _rule(clients: Connections, target: Target, verbs: list[str]) -> Rule:
    resource = clients.resource(target.api_version, target.kind)
    named = {"resourceNames": [clients.resolve(target.name)]} if target.name else {}
    return {
        "apiGroups": [resource.group or ""],
        "resources": [resource.name],
        **named,
        "verbs": verbs,
    }


def _role(namespace: str, rules: list[Rule]) -> Manifest:
    metadata = {"name": INJECTOR, "namespace": namespace}
    return {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules}


def _binding(namespace: str, role: str, kind: str, identity: Identity) -> Manifest:
    subject = {"kind": "ServiceAccount", "name": str(identity), "namespace": SYSTEM_NAMESPACE}
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": role, "namespace": namespace},
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role},
        "subjects": [subject],
    }


def allowed(clients: Connections, verb: str, group: str, plural: str, namespace: str = "") -> bool:
    """Whether the cluster would let this identity (SelfSubjectAccessReview). Raises
    CouldNotTell."""
    wanted = {"verb": verb, "group": group, "resource": plural, "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "metadata": {"name": ""},
        "spec": {"resourceAttributes": wanted},
    }
    answer = Objects(clients).ask(review)
    return bool(answer["status"].get("allowed"))
