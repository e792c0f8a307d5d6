"""What each identity may and may not do on the cluster: the Permissions table, row by row.

RBAC is asked by SelfSubjectAccessReview with the identity's own token. What the admission policy
narrows no review can tell: there the write itself is tried, as a dry run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from drillbook import domains, settings
from drillbook.clock import SystemClock
from drillbook.faults.namespace import POD_SECURITY, DrillNamespace, fresh_name
from drillbook.model import Patch, Target
from drillbook.settings import Settings
from drillbook.sources import kubeconfig
from drillbook.sources.clients import Connections
from drillbook.sources.identities import SYSTEM_NAMESPACE, Identities, Identity
from drillbook.staging import state
from drillbook.staging.places import places
from drillbook.undo.custody import Custody
from drillbook.undo.inverse import FENCE, MARK
from drillbook.undo.lease import ACKNOWLEDGED, RUN_LABEL
from drillbook.undo.record import Verb
from fixtures.spark import streaming_application
from tests.cluster.checkouts import ROOT

pytestmark = pytest.mark.cluster

DRILL = "the drill's namespace"
"""Stands for its name, which is another one each time."""
CLUSTER = ""
"""In no namespace, or in all."""
ALL = "get list watch create update patch delete deletecollection"
READ = "get list watch"
WRITE = "create update patch delete deletecollection"
RBAC = "rbac.authorization.k8s.io"
LEASES = "coordination.k8s.io/leases"
WORKLOADS = ("apps/deployments", "apps/statefulsets", "apps/daemonsets", "batch/jobs")


@dataclass(frozen=True)
class World:
    """A drill under way, and everybody who could have to do with it."""

    namespace: str
    by_name: dict[str, Connections]

    def __getitem__(self, name: str) -> Connections:
        return self.by_name[name]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A drill whose fault patches the ConfigMap orders-conf."""
    loaded = settings.load(root=ROOT)
    identities = Identities(loaded)
    clients = Connections(loaded, {}, identities.settings_for)
    name = fresh_name("rights", "test")
    custody = Custody(
        clients=clients,
        settings=loaded,
        clock=SystemClock(),
        name=name,
        run="test-rights",
        locks=domains.locks("cluster/namespace", name),
        verbs=(Verb.CREATE,),
        ended=lambda why: None,
    )
    custody.open()
    try:
        target = Target(api_version="v1", kind="ConfigMap", name="orders-conf")
        change = Patch(target=target, patch={"data": {"driver-memory": "1g"}})
        DrillNamespace(clients, custody, name).create("staging", (change,))
        yield World(
            name,
            {
                "runner": Connections(loaded, {}),
                "reaper": as_account(loaded, "reaper", tmp_path_factory.mktemp("reaper") / "kc"),
                "administrator": administrator(),
                **{str(one): clients.acting_as(one) for one in Identity},
            },
        )
    finally:
        custody.close()


def administrator() -> Connections:
    known = state.read(places())
    assert known, "no staging cluster: run `drillbook staging up`"
    loaded = settings.load(root=ROOT)
    return Connections(loaded.model_copy(update={"kubeconfig": known.kubeconfig}), {})


def as_account(loaded: Settings, account: str, path: Any) -> Connections:
    """With a token that only the administrator can ask for."""
    review = client.AuthenticationV1TokenRequest(
        spec=client.V1TokenRequestSpec(audiences=[], expiration_seconds=3600)
    )
    answer = administrator().core.create_namespaced_service_account_token(
        account, SYSTEM_NAMESPACE, review
    )
    document = kubeconfig.with_token(loaded, account, answer.status.token)
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(document))
    return Connections(loaded.model_copy(update={"kubeconfig": path}), {})


# --------------------------------------------------------------------------- rights


Row = tuple[str, str, str, str]
"""Whose, verbs, `group/resource/subresource:name` (no group: the core's), namespace."""

ALLOWED: tuple[Row, ...] = (
    *(
        ("runner", "create", f"/serviceaccounts/token:{identity}", SYSTEM_NAMESPACE)
        for identity in Identity
    ),
    ("runner", "get", "/namespaces:kube-system", CLUSTER),
    ("runner", "get", "/namespaces:drillbook-system", CLUSTER),
    ("provisioner", "get list watch create patch delete", "/namespaces", CLUSTER),
    ("provisioner", "get list watch create delete", "drillbook.dev/drills", CLUSTER),
    ("provisioner", "create", f"{RBAC}/rolebindings", CLUSTER),
    ("provisioner", "bind", f"{RBAC}/clusterroles:drillbook-provisioner-in-drill", CLUSTER),
    ("provisioner", "bind", f"{RBAC}/clusterroles:drillbook-responder", CLUSTER),
    (
        "provisioner",
        "get list watch create update delete",
        LEASES,
        SYSTEM_NAMESPACE,
    ),
    ("provisioner", ALL, "drillbook.dev/undorecords", SYSTEM_NAMESPACE),
    ("provisioner", "get list create", "/configmaps", SYSTEM_NAMESPACE),
    ("provisioner", "update delete", "/configmaps:halt", SYSTEM_NAMESPACE),
    ("provisioner", "update delete", "/configmaps:quarantine", SYSTEM_NAMESPACE),
    *(
        ("provisioner", ALL, resource, DRILL)
        for resource in (
            *("/pods", "/secrets", "/configmaps", "/services", "/persistentvolumeclaims"),
            *("/serviceaccounts", "/resourcequotas", "/limitranges", *WORKLOADS),
            *("networking.k8s.io/networkpolicies", "autoscaling/horizontalpodautoscalers"),
            *("policy/poddisruptionbudgets", f"{RBAC}/roles", f"{RBAC}/rolebindings"),
        )
    ),
    *(
        ("observer", READ, resource, CLUSTER)
        for resource in (
            *("/pods", "/pods/log", "/events", "/configmaps", "/services", "/nodes"),
            *("/namespaces", *WORKLOADS, "apps/replicasets", "events.k8s.io/events"),
        )
    ),
    # When a namespace is going its bindings go first; which pods may be ended the policy says.
    ("provisioner", "list delete", "/pods", CLUSTER),
    ("observer", READ, LEASES, SYSTEM_NAMESPACE),
    ("injector", "get patch", "/configmaps:orders-conf", DRILL),
    ("node-injector", "get list patch", "/nodes", CLUSTER),
    *(
        ("responder", READ, resource, DRILL)
        for resource in (
            *("/pods", "/pods/log", "/events", "/configmaps", "/services", *WORKLOADS),
            "apps/replicasets",
        )
    ),
    ("responder", "create update patch delete", "/configmaps", DRILL),
    *(("responder", "create update patch delete", resource, DRILL) for resource in WORKLOADS),
    ("responder", "get update patch", "apps/deployments/scale", DRILL),
    ("responder", "delete", "/pods", DRILL),
    ("responder", "get create", "/pods/exec", DRILL),
    ("responder", "get", "/pods/proxy", DRILL),
    ("responder", "get list patch", "/nodes", CLUSTER),
    ("reaper", "get list watch delete", "/namespaces", CLUSTER),
    ("reaper", "get list watch delete", "drillbook.dev/drills", CLUSTER),
    ("reaper", "get list delete", "/pods", CLUSTER),
    ("reaper", "get patch", "/nodes", CLUSTER),
    ("reaper", "get list watch create update patch delete", LEASES, SYSTEM_NAMESPACE),
    ("reaper", "get list watch update patch delete", "drillbook.dev/undorecords", SYSTEM_NAMESPACE),
    ("reaper", "get create", "/configmaps", SYSTEM_NAMESPACE),
    ("reaper", "update delete", "/configmaps:quarantine", SYSTEM_NAMESPACE),
)

EVERYBODY = ("runner", *map(str, Identity), "reaper")
DENIED: tuple[Row, ...] = (
    # What none of them may, anywhere.
    *(
        row
        for who in EVERYBODY
        for row in (
            (who, "*", "*/*", CLUSTER),
            (who, "impersonate", "/users", CLUSTER),
            (who, "impersonate", "/groups", CLUSTER),
            (who, "impersonate", "/serviceaccounts", SYSTEM_NAMESPACE),
            (who, WRITE, "admissionregistration.k8s.io/validatingwebhookconfigurations", CLUSTER),
            (who, WRITE, "admissionregistration.k8s.io/mutatingwebhookconfigurations", CLUSTER),
            (who, WRITE, "admissionregistration.k8s.io/validatingadmissionpolicies", CLUSTER),
            (who, WRITE, "admissionregistration.k8s.io/validatingadmissionpolicybindings", CLUSTER),
            (who, WRITE, "apiextensions.k8s.io/customresourcedefinitions", CLUSTER),
            (who, "create update patch delete bind escalate", f"{RBAC}/clusterroles", CLUSTER),
            (who, "create update patch delete", f"{RBAC}/clusterrolebindings", CLUSTER),
            (who, "create", "certificates.k8s.io/certificatesigningrequests", CLUSTER),
            (who, READ, "/secrets", CLUSTER),
            (who, READ, "/secrets", "kube-system"),
            (who, READ, "/secrets", SYSTEM_NAMESPACE),
            (who, "get create", "/pods/exec", "kube-system"),
            (who, "get create", "/pods/exec", SYSTEM_NAMESPACE),
            (who, "create", "/pods", "kube-system"),
            (who, "create", "/pods", SYSTEM_NAMESPACE),
            (who, "patch", "apps/deployments:reaper", SYSTEM_NAMESPACE),
            (who, "create", "/serviceaccounts/token:reaper", SYSTEM_NAMESPACE),
            (who, "create", "/serviceaccounts/token:default", "kube-system"),
            (who, "create update delete", "/nodes", CLUSTER),
            (who, "get create", "/nodes/proxy", CLUSTER),
            (who, "update patch", "/nodes/status", CLUSTER),
            (who, "update", "/namespaces/finalize", CLUSTER),
            (who, WRITE, "/persistentvolumes", CLUSTER),
        )
    ),
    # Asking for tokens is the runner's alone, and the runner can do nothing else.
    *(
        (who, "create", f"/serviceaccounts/token:{whose}", SYSTEM_NAMESPACE)
        for who in EVERYBODY
        if who != "runner"
        for whose in ("runner", *Identity)
    ),
    ("runner", "create", "/serviceaccounts/token:runner", SYSTEM_NAMESPACE),
    ("runner", "list watch create patch delete", "/namespaces", CLUSTER),
    ("runner", "get", "/namespaces:default", CLUSTER),
    ("runner", "get list create", LEASES, SYSTEM_NAMESPACE),
    ("runner", ALL, "/pods", DRILL),
    ("runner", ALL, "/configmaps", DRILL),
    # Outside of drill namespaces the provisioner only makes namespaces and bindings.
    *(
        ("provisioner", "get create patch delete", resource, "default")
        for resource in ("/secrets", "/configmaps", "/services", *WORKLOADS)
    ),
    ("provisioner", "get create update patch deletecollection", "/pods", "default"),
    ("provisioner", "update patch delete", f"{RBAC}/rolebindings", "default"),
    ("provisioner", "create", f"{RBAC}/roles", "default"),
    ("provisioner", "bind", f"{RBAC}/clusterroles:cluster-admin", CLUSTER),
    ("provisioner", "bind escalate", f"{RBAC}/roles", DRILL),
    ("provisioner", "update delete", "/configmaps:kube-root-ca.crt", SYSTEM_NAMESPACE),
    ("provisioner", "patch", "/nodes", CLUSTER),
    ("provisioner", "get create", "/pods/exec", DRILL),
    # The observer changes nothing, and reads no secret.
    *(
        ("observer", WRITE, resource, namespace)
        for resource in ("/pods", "/configmaps", "/services", "/events", *WORKLOADS, LEASES)
        for namespace in (DRILL, "default", SYSTEM_NAMESPACE)
    ),
    ("observer", READ, "/secrets", DRILL),
    ("observer", "get create", "/pods/exec", DRILL),
    ("observer", "get", "/pods/proxy", DRILL),
    ("observer", WRITE, "/namespaces", CLUSTER),
    ("observer", "patch", "/nodes", CLUSTER),
    # The injector has what its fault declares, by name, and nothing beside it.
    ("injector", "create update delete list", "/configmaps", DRILL),
    ("injector", "get patch", "/configmaps:another", DRILL),
    ("injector", "get patch", "/configmaps:orders-conf", "default"),
    ("injector", ALL, "/pods", DRILL),
    ("injector", ALL, "/secrets", DRILL),
    ("injector", ALL, "apps/deployments", DRILL),
    ("injector", "get list patch", "/nodes", CLUSTER),
    ("injector", ALL, "/namespaces", CLUSTER),
    ("node-injector", ALL, "/pods", DRILL),
    ("node-injector", ALL, "/configmaps", CLUSTER),
    ("node-injector", ALL, "/namespaces", CLUSTER),
    # The responder is one in the drill's namespace only.
    ("responder", ALL, "/secrets", DRILL),
    ("responder", ALL, f"{RBAC}/roles", DRILL),
    ("responder", ALL, f"{RBAC}/rolebindings", DRILL),
    ("responder", ALL, "/serviceaccounts", DRILL),
    ("responder", "create update patch delete", "/resourcequotas", DRILL),
    ("responder", "create update patch", "/pods", DRILL),
    *(
        ("responder", "get list create patch delete", resource, "default")
        for resource in ("/pods", "/configmaps", "/services", *WORKLOADS)
    ),
    ("responder", ALL, LEASES, SYSTEM_NAMESPACE),
    ("responder", ALL, "drillbook.dev/undorecords", SYSTEM_NAMESPACE),
    ("responder", "get list delete", "/namespaces", CLUSTER),
    # The reaper plans nothing, starts nothing, looks into nothing.
    ("reaper", "create", "drillbook.dev/undorecords", SYSTEM_NAMESPACE),
    ("reaper", "create", "drillbook.dev/drills", CLUSTER),
    ("reaper", "create update patch", "/namespaces", CLUSTER),
    ("reaper", "create update patch deletecollection", "/pods", CLUSTER),
    ("reaper", "get create", "/pods/exec", DRILL),
    ("reaper", READ, "/secrets", DRILL),
    ("reaper", WRITE, f"{RBAC}/rolebindings", DRILL),
    ("reaper", "update delete", "/configmaps:kube-root-ca.crt", SYSTEM_NAMESPACE),
)


def may(clients: Connections, verb: str, what: str, namespace: str) -> bool:
    """SelfSubjectAccessReview."""
    kind, _, name = what.partition(":")
    group, resource, *sub = kind.split("/")
    attributes = client.V1ResourceAttributes(
        group=group,
        resource=resource,
        subresource=sub[0] if sub else None,
        name=name or None,
        namespace=namespace or None,
        verb=verb,
    )
    spec = client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes)
    api = client.AuthorizationV1Api(clients.core.api_client)
    review = client.V1SelfSubjectAccessReview(spec=spec)
    return bool(api.create_self_subject_access_review(review).status.allowed)


def title(row: Row) -> str:
    who, verbs, what, where = row
    short = "ALL" if verbs == ALL else verbs.replace(" ", ",")
    return f"{who} {short} {what.lstrip('/')} {where or 'cluster'}"


def answers(world: World, row: Row) -> dict[str, bool]:
    who, verbs, what, where = row
    namespace = world.namespace if where is DRILL else where
    return {verb: may(world[who], verb, what, namespace) for verb in verbs.split()}


@pytest.mark.parametrize("row", ALLOWED, ids=title)
def test_allowed(world: World, row: Row) -> None:
    found = answers(world, row)
    assert [verb for verb, yes in found.items() if not yes] == []


@pytest.mark.parametrize("row", DENIED, ids=title)
def test_denied(world: World, row: Row) -> None:
    found = answers(world, row)
    assert [verb for verb, yes in found.items() if yes] == []


def test_the_questions_can_be_answered_with_yes(world: World) -> None:
    """Else a mistyped resource would be denied to everybody, and prove nothing."""
    denied = [
        title(row)
        for row in DENIED
        if not all(answers(world, ("administrator", *row[1:])).values())
    ]
    assert denied == []


def test_each_kind_that_is_asked_about_is_served(world: World) -> None:
    """The administrator may also do what does not exist."""
    api = world["administrator"]
    kinds = {what.partition(":")[0] for _, _, what, _ in (*ALLOWED, *DENIED)} - {"*/*"}
    named = {(kind.split("/")[0], kind.split("/")[1]) for kind in kinds}
    virtual = {("", "users"), ("", "groups")}
    for group, resource in sorted(named - virtual):
        found = api._dynamic.resources.search(name=resource)
        assert group in {one.group or "" for one in found}, f"{group}/{resource}"


def test_every_identity_is_asked_both_ways() -> None:
    assert {row[0] for row in ALLOWED} == {row[0] for row in DENIED} == set(EVERYBODY)


# --------------------------------------------------------------------------- the policy


DRY = {"dry_run": "All", "_request_timeout": 10}
POLICY = "ValidatingAdmissionPolicy 'drillbook-identities'"


def refused(call: Callable[..., Any], *words: Any, **options: Any) -> str:
    """What the policy said; the write was a dry run."""
    with pytest.raises(ApiException) as caught:
        call(*words, **DRY, **options)
    said = str(json.loads(caught.value.body)["message"])
    assert caught.value.status == 403, said
    assert POLICY in said, said
    return said


def a_namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}}


GOOD = {RUN_LABEL: "r", **POD_SECURITY}


def test_the_provisioner_makes_drill_namespaces_only(world: World) -> None:
    create = world["provisioner"].core.create_namespace
    create(a_namespace("drill-rights-x", **GOOD), **DRY)
    assert "named drill-*" in refused(create, a_namespace("shop", **GOOD))
    assert "named drill-*" in refused(create, a_namespace("drill-rights-x", **POD_SECURITY))
    bare = {**GOOD, "pod-security.kubernetes.io/enforce": "privileged"}
    assert "pod-security" in refused(create, a_namespace("drill-rights-x", **bare))
    assert "pod-security" in refused(create, a_namespace("drill-rights-x", **{RUN_LABEL: "r"}))


@pytest.mark.parametrize("who", ["provisioner", "reaper"])
@pytest.mark.parametrize("name", ["monitoring", "drillbook-system", "kube-node-lease"])
def test_no_other_namespace_can_be_deleted(world: World, who: str, name: str) -> None:
    refused(world[who].core.delete_namespace, name)


@pytest.mark.parametrize("who", ["provisioner", "reaper"])
@pytest.mark.parametrize("name", ["kube-system", "kube-public", "default"])
def test_nor_can_those_that_nobody_may_delete(world: World, who: str, name: str) -> None:
    """The API server's own word comes before the policy's."""
    with pytest.raises(ApiException) as caught:
        world[who].core.delete_namespace(name, **DRY)
    assert caught.value.status == 403


@pytest.mark.parametrize("who", ["provisioner", "reaper"])
def test_a_drills_namespace_can(world: World, who: str) -> None:
    world[who].core.delete_namespace(world.namespace, **DRY)


@pytest.mark.parametrize("labels", [{RUN_LABEL: None}, {RUN_LABEL: "another"}, {"a": "b"}])
def test_the_labels_of_a_drills_namespace_stay(world: World, labels: dict[str, Any]) -> None:
    patch = world["provisioner"].core.patch_namespace
    refused(patch, world.namespace, {"metadata": {"labels": labels}})
    patch(world.namespace, {"metadata": {"annotations": {"a": "b"}}}, **DRY)


def test_no_other_namespace_becomes_a_drills(world: World) -> None:
    patch = world["provisioner"].core.patch_namespace
    refused(patch, "default", {"metadata": {"labels": {RUN_LABEL: "r"}}})
    refused(patch, "default", {"metadata": {"annotations": {"a": "b"}}})


def a_binding(role: str, kind: str = "ClusterRole") -> dict[str, Any]:
    return {
        "metadata": {"name": "test-rights"},
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role},
        "subjects": [
            {"kind": "ServiceAccount", "name": "provisioner", "namespace": SYSTEM_NAMESPACE}
        ],
    }


@pytest.mark.parametrize("namespace", ["kube-system", "default", SYSTEM_NAMESPACE])
def test_the_provisioner_binds_in_drill_namespaces_only(world: World, namespace: str) -> None:
    create = client.RbacAuthorizationV1Api(
        world["provisioner"].core.api_client
    ).create_namespaced_role_binding
    refused(create, namespace, a_binding("drillbook-provisioner-in-drill"))
    create(world.namespace, a_binding("drillbook-provisioner-in-drill"), **DRY)


def test_the_provisioner_grants_no_more_than_it_has(world: World) -> None:
    """RBAC's own rule, without `escalate` and `bind`."""
    api = client.RbacAuthorizationV1Api(world["provisioner"].core.api_client)
    with pytest.raises(ApiException, match="attempting to grant RBAC permissions"):
        api.create_namespaced_role_binding(world.namespace, a_binding("cluster-admin"), **DRY)
    wide = {"metadata": {"name": "wide"}}
    rule = {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}
    with pytest.raises(ApiException, match="attempting to grant RBAC permissions"):
        api.create_namespaced_role(world.namespace, {**wide, "rules": [rule]}, **DRY)


def test_the_provisioner_can_make_a_whole_workload(world: World) -> None:
    """Its service account's Role too, which grants what the provisioner has to hold."""
    for manifest in streaming_application("orders"):
        resource = world["provisioner"].resource(manifest["apiVersion"], manifest["kind"])
        body = {**manifest, "metadata": {**manifest["metadata"], "namespace": world.namespace}}
        if manifest["kind"] == "RoleBinding":
            subject = {"kind": "ServiceAccount", "name": "spark", "namespace": world.namespace}
            # Its Role was made by a dry run only: the namespace's own stands in for it.
            reference = {"apiGroup": RBAC, "kind": "Role", "name": "drillbook-injector"}
            body = {**body, "subjects": [subject], "roleRef": reference}
        resource.create(body=body, namespace=world.namespace, query_params=[("dryRun", "All")])


@pytest.fixture(scope="module")
def pod(world: World) -> str:
    """One in the drill's namespace that never starts; it goes with the namespace."""
    container = {"name": "c", "image": "localhost/none", "imagePullPolicy": "Never"}
    body = {"metadata": {"name": "p"}, "spec": {"containers": [container]}}
    accounts = world["administrator"].core
    deadline = time.monotonic() + 30
    while not accounts.list_namespaced_service_account(world.namespace).items:
        assert time.monotonic() < deadline, "no default service account"
        time.sleep(0.1)
    world["provisioner"].core.create_namespaced_pod(world.namespace, body)
    return "p"


@pytest.mark.parametrize("who", ["provisioner", "reaper"])
@pytest.mark.parametrize("namespace", ["kube-system", "monitoring", SYSTEM_NAMESPACE])
def test_pods_are_ended_in_drill_namespaces_only(
    world: World, pod: str, who: str, namespace: str
) -> None:
    delete = world[who].core.delete_namespaced_pod
    other = world["administrator"].core.list_namespaced_pod(namespace).items[0]
    refused(delete, other.metadata.name, namespace)
    delete(pod, world.namespace, **DRY)


def test_a_privileged_pod_is_not_for_a_drill(world: World) -> None:
    container = {"name": "c", "image": "i", "securityContext": {"privileged": True}}
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [container]}}
    with pytest.raises(ApiException, match="violates PodSecurity"):
        world["provisioner"].core.create_namespaced_pod(world.namespace, pod, **DRY)


# --------------------------------------------------------------------------- nodes


CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


def a_node(world: World) -> Any:
    """One that may be drilled, and that nobody drills just now."""
    nodes = world["administrator"].core.list_node().items
    return next(
        one
        for one in nodes
        if CONTROL_PLANE not in one.metadata.labels and MARK not in (one.metadata.annotations or {})
    )


def marked(drill: str | None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"annotations": {MARK: drill}}, "spec": spec}


CORDON = {"unschedulable": True}


def test_a_node_is_cordoned_only_with_its_mark(world: World) -> None:
    name = a_node(world).metadata.name
    patch = world["node-injector"].core.patch_node
    patch(name, marked(world.namespace, **CORDON), **DRY)
    refused(patch, name, {"spec": CORDON})
    refused(patch, name, marked("another", **CORDON))
    refused(patch, name, marked("", **CORDON))


@pytest.mark.parametrize("who", ["responder", "reaper"])
def test_a_node_without_a_mark_is_not_theirs(world: World, who: str) -> None:
    name = a_node(world).metadata.name
    patch = world[who].core.patch_node
    refused(patch, name, {"spec": CORDON})
    refused(patch, name, marked(world.namespace, **CORDON))
    refused(patch, name, {"metadata": {"annotations": {"a": "b"}}})


@pytest.mark.parametrize("who", ["node-injector", "reaper"])
def test_a_version_may_be_moved_and_nothing_with_it(world: World, who: str) -> None:
    name = a_node(world).metadata.name
    patch = world[who].core.patch_node
    fence = {FENCE: world.namespace}
    patch(name, {"metadata": {"annotations": fence}}, **DRY)
    refused(patch, name, {"metadata": {"annotations": fence}, "spec": CORDON})
    refused(patch, name, {"metadata": {"annotations": {**fence, "a": "b"}}})


@pytest.mark.parametrize("who", ["node-injector", "responder", "reaper"])
def test_a_nodes_labels_stay(world: World, who: str) -> None:
    name = a_node(world).metadata.name
    label = {"labels": {"node-role.kubernetes.io/x": ""}, "annotations": {MARK: world.namespace}}
    refused(world[who].core.patch_node, name, {"metadata": label})


@pytest.fixture
def node_of_a_drill(world: World) -> Iterator[str]:
    """One that carries the drill's mark; nothing else of it is changed."""
    name, mark = a_node(world).metadata.name, marked(world.namespace)
    world["node-injector"].core.patch_node(name, {"metadata": mark["metadata"]})
    yield name
    world["node-injector"].core.patch_node(name, {"metadata": {"annotations": {MARK: None}}})


def test_a_marked_node_is_undone_by_the_reaper_and_left_marked_by_the_responder(
    world: World, node_of_a_drill: str
) -> None:
    world["responder"].core.patch_node(node_of_a_drill, {"spec": CORDON}, **DRY)
    refused(world["responder"].core.patch_node, node_of_a_drill, marked(None, **CORDON))
    world["reaper"].core.patch_node(node_of_a_drill, marked(None, unschedulable=None), **DRY)
    for who in ("node-injector", "responder", "reaper"):
        refused(world[who].core.patch_node, node_of_a_drill, marked("drill-another", **CORDON))


# --------------------------------------------------------------------------- drillbook-system


def test_the_system_namespace_takes_what_belongs_there(world: World) -> None:
    core = world["provisioner"].core
    create = core.create_namespaced_config_map
    create(SYSTEM_NAMESPACE, {"metadata": {"name": "halt"}}, **DRY)
    refused(create, SYSTEM_NAMESPACE, {"metadata": {"name": "another"}})


def test_a_drill_does_not_speak_for_the_reaper(world: World) -> None:
    leases = client.CoordinationV1Api(world["provisioner"].core.api_client)
    patch = leases.patch_namespaced_lease
    refused(patch, "reaper", SYSTEM_NAMESPACE, {"spec": {"leaseDurationSeconds": 60}})
    refused(leases.delete_namespaced_lease, "reaper", SYSTEM_NAMESPACE)
    refused(
        patch,
        world.namespace,
        SYSTEM_NAMESPACE,
        {"metadata": {"annotations": {ACKNOWLEDGED: "by myself"}}},
    )
    patch(world.namespace, SYSTEM_NAMESPACE, {"metadata": {"annotations": {"a": "b"}}}, **DRY)


def test_the_reaper_acknowledges(world: World) -> None:
    patch = client.CoordinationV1Api(world["reaper"].core.api_client).patch_namespaced_lease
    note = {"metadata": {"annotations": {ACKNOWLEDGED: "now"}}}
    patch(world.namespace, SYSTEM_NAMESPACE, note, **DRY)


# --------------------------------------------------------------------------- undo records


@dataclass(frozen=True)
class Records:
    """The undo records as the administrator sees them: their own rules bind everybody."""

    api: Any
    name: str

    def patch(self, body: dict[str, Any]) -> Any:
        return self.api.patch(
            body=body,
            name=self.name,
            namespace=SYSTEM_NAMESPACE,
            content_type="application/merge-patch+json",
        )


@pytest.fixture
def record(world: World) -> Iterator[Records]:
    """One of its own, APPLIED, with a pre-image that holds a null."""
    api = world["administrator"].resource("drillbook.dev/v1", "UndoRecord")
    body = undo_record(f"{world.namespace}-rights")
    made = api.create(body=body, namespace=SYSTEM_NAMESPACE)
    assert made.to_dict()["spec"] == body["spec"]
    yield Records(api, body["metadata"]["name"])
    api.delete(name=body["metadata"]["name"], namespace=SYSTEM_NAMESPACE)


def undo_record(name: str, **fields: Any) -> dict[str, Any]:
    spec = {
        # Of no drill that anybody could undo: no label says whose it is.
        "drill": "drill-rights-of-nobody",
        "sequence": 1,
        "verb": "patch",
        "target": {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "u"},
        "preImage": {"data": {"key": "before", "other": None}},
        "patch": {"data": {"key": "after"}},
        "expires": "2026-11-21T12:00:00.000000Z",
        "fence": 0,
        **fields,
    }
    return {
        "apiVersion": "drillbook.dev/v1",
        "kind": "UndoRecord",
        "metadata": {"name": name},
        "spec": spec,
        "state": "APPLIED",
        "said": "",
    }


@pytest.mark.parametrize(
    "spec",
    [
        {"verb": "delete"},
        {"sequence": 2},
        {"expires": "2027-11-21T12:00:00Z"},
        {"target": {"name": "y"}},
        {"preImage": {"data": {"key": "another"}}},
        {"preImage": {"data": {"new": "one"}}},
        {"patch": {"data": {"key": "another"}}},
    ],
)
def test_what_was_written_down_stays(record: Records, spec: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="what was written down before a change cannot be changed"):
        record.patch({"spec": spec})


def test_a_state_only_moves_forward(record: Records) -> None:
    for later in ("UNDOING", "VERIFIED"):
        assert record.patch({"state": later, "said": "on its way"}).state == later
    for earlier in ("PLANNED", "APPLIED", "UNDOING", "UNDONE"):
        with pytest.raises(Exception, match="state only moves forward"):
            record.patch({"state": earlier})


@pytest.mark.parametrize(
    "fields",
    [
        {"verb": "run"},
        {"drill": "kube-system"},
        {"sequence": -1},
        {"expires": "tomorrow"},
        {"target": {"kind": "ConfigMap"}},
        {"preImage": "a script"},
    ],
)
def test_what_is_no_record_is_not_kept(world: World, fields: dict[str, Any]) -> None:
    api = world["administrator"].resource("drillbook.dev/v1", "UndoRecord")
    with pytest.raises(Exception, match=r"is invalid|cannot be handled"):
        api.create(
            body=undo_record("drill-rights-invalid", **fields),
            namespace=SYSTEM_NAMESPACE,
            query_params=[("dryRun", "All")],
        )


def test_another_word_is_no_state(world: World) -> None:
    api = world["administrator"].resource("drillbook.dev/v1", "UndoRecord")
    body = {**undo_record("drill-rights-invalid"), "state": "FORGOTTEN"}
    with pytest.raises(Exception, match="is invalid"):
        api.create(body=body, namespace=SYSTEM_NAMESPACE, query_params=[("dryRun", "All")])
