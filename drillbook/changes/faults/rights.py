"""What each identity may do in one drill's namespace: exactly what this drill's changes need."""

from collections.abc import Sequence

from drillbook.changes.faults.kinds import Rule, kind_of
from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import SYSTEM_NAMESPACE, Identity
from drillbook.cluster.objects import Objects
from drillbook.model import Change, Manifest

RBAC = "rbac.authorization.k8s.io"
IN_DRILL = "drillbook-provisioner-in-drill"
RESPONDER = "drillbook-responder"
OBSERVER = "drillbook-observer-in-drill"
INJECTOR = "drillbook-injector"
INSPECTOR = "drillbook-inspector"
SECRETS = "drillbook-inspector-secrets"


def granted(
    namespace: str, changes: Sequence[Change], clients: Connections, secrets: Sequence[str] = ()
) -> tuple[Manifest, ...]:
    """The bindings of one drill's namespace, the provisioner's own first; without changes the
    injector gets nothing. `secrets`: the names of those that the inspector may read."""
    rules = injector_rules(changes, clients)
    roles = dict.fromkeys(role for change in changes for role in kind_of(change).roles)
    reading = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    readable = [{**reading, "resourceNames": sorted(set(secrets))}]
    bound = (
        *((IN_DRILL, Identity.PROVISIONER), (RESPONDER, Identity.RESPONDER)),
        *((OBSERVER, Identity.OBSERVER), (INSPECTOR, Identity.INSPECTOR)),
        *((role, Identity.INJECTOR) for role in roles),
    )
    return (
        *(_binding(namespace, role, "ClusterRole", identity) for role, identity in bound),
        *(_own_role(namespace, INJECTOR, rules, Identity.INJECTOR) if rules else ()),
        *(_own_role(namespace, SECRETS, readable, Identity.INSPECTOR) if secrets else ()),
    )


def injector_rules(changes: Sequence[Change], clients: Connections) -> list[Rule]:
    """What each change needs inside the namespace, by the object's name where it has one."""
    return [rule for change in changes for rule in kind_of(change).rights(change, clients)]


def _own_role(
    namespace: str, name: str, rules: list[Rule], whose: Identity
) -> tuple[Manifest, Manifest]:
    """A Role of this namespace only, and its binding."""
    metadata = {"name": name, "namespace": namespace}
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules}
    return role, _binding(namespace, name, "Role", whose)


def _binding(namespace: str, role: str, kind: str, identity: Identity) -> Manifest:
    subject = {"kind": "ServiceAccount", "name": str(identity), "namespace": SYSTEM_NAMESPACE}
    metadata = {"name": role, "namespace": namespace}
    binding = {"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding", "metadata": metadata}
    reference = {"apiGroup": RBAC, "kind": kind, "name": role}
    return {**binding, "roleRef": reference, "subjects": [subject]}


def allowed(clients: Connections, verb: str, group: str, plural: str, namespace: str = "") -> bool:
    """Whether the cluster would let it (SelfSubjectAccessReview). Raises CouldNotTell."""
    wanted = {"verb": verb, "group": group, "resource": plural, "namespace": namespace}
    kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
    review = {**kind, "metadata": {"name": ""}, "spec": {"resourceAttributes": wanted}}
    answer = Objects(clients).ask(review)
    return bool(answer["status"].get("allowed"))
