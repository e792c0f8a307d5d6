"""What each identity may and may not do on the cluster: the Permissions table, row by row.

RBAC is asked with the identity's own token: by SelfSubjectAccessReview for each right, and by
SelfSubjectRulesReview for all that it has, which must be the list below and nothing more. What the
admission policies narrow no review can tell: there the write itself is tried, as a dry run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from drillbook import settings
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
from drillbook.undo.lease import ACKNOWLEDGED, DEADLINE, DECLINED, LOCKS, RUN_LABEL, VERBS
from drillbook.undo.record import LEASE_LABEL, Verb, stamp
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
NODE_LEASES = "kube-node-lease"
WORKLOADS = (
    *("apps/deployments", "apps/statefulsets", "apps/daemonsets"),
    *("batch/jobs", "batch/cronjobs"),
)


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
        # None: no pod of it runs, so it may stand beside any other drill.
        locks=(),
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


def as_account(
    loaded: Settings, account: str, path: Any, namespace: str = SYSTEM_NAMESPACE
) -> Connections:
    """With a token that only the administrator can ask for."""
    review = client.AuthenticationV1TokenRequest(
        spec=client.V1TokenRequestSpec(audiences=[], expiration_seconds=3600)
    )
    answer = administrator().core.create_namespaced_service_account_token(
        account, namespace, review
    )
    document = kubeconfig.with_token(loaded, account, answer.status.token)
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(document))
    return Connections(loaded.model_copy(update={"kubeconfig": path}), {})


# --------------------------------------------------------------------------- rights


Row = tuple[str, str, str, str]
"""Whose, verbs, `group/resource/subresource:name` (no group: the core's), namespace."""

MADE = "get list create patch delete"
CHANGED = "create update patch delete"
ALLOWED: tuple[Row, ...] = (
    *(
        ("runner", "create", f"/serviceaccounts/token:{identity}", SYSTEM_NAMESPACE)
        for identity in Identity
    ),
    ("runner", "get", "/namespaces:kube-system", CLUSTER),
    ("runner", "get", "/namespaces:drillbook-system", CLUSTER),
    # ------------------------------------------------------------------ provisioner
    ("provisioner", "get list create delete", "/namespaces", CLUSTER),
    ("provisioner", "get list create delete", "drillbook.dev/drills", CLUSTER),
    ("provisioner", "get list", "/nodes", CLUSTER),
    # When a namespace is going its bindings go first; which pods may be ended the policy says.
    ("provisioner", "list delete", "/pods", CLUSTER),
    ("provisioner", "create", f"{RBAC}/rolebindings", CLUSTER),
    *(
        ("provisioner", "get bind", f"{RBAC}/clusterroles:drillbook-{role}", CLUSTER)
        for role in ("provisioner-in-drill", "observer-in-drill", "responder")
    ),
    ("provisioner", "get list create update delete", LEASES, SYSTEM_NAMESPACE),
    ("provisioner", "get list create patch", "drillbook.dev/undorecords", SYSTEM_NAMESPACE),
    ("provisioner", "create", "/configmaps", SYSTEM_NAMESPACE),
    ("provisioner", "get patch delete", "/configmaps:halt", SYSTEM_NAMESPACE),
    ("provisioner", "get patch delete", "/configmaps:quarantine", SYSTEM_NAMESPACE),
    ("provisioner", "get", LEASES, NODE_LEASES),
    *(
        ("provisioner", ALL, resource, DRILL)
        for resource in ("/pods", "/configmaps", "/services", "/persistentvolumeclaims")
    ),
    *(
        ("provisioner", MADE, resource, DRILL)
        for resource in (
            *("/secrets", "/serviceaccounts", "/resourcequotas", "/limitranges"),
            *("/replicationcontrollers", *WORKLOADS, "apps/replicasets"),
            *("networking.k8s.io/networkpolicies", "autoscaling/horizontalpodautoscalers"),
            *("policy/poddisruptionbudgets", f"{RBAC}/roles", f"{RBAC}/rolebindings"),
        )
    ),
    # ------------------------------------------------------------------ observer
    *(
        ("observer", "get list", resource, CLUSTER)
        for resource in (
            *("/pods", "/events", "/nodes", "/namespaces", *WORKLOADS, "apps/replicasets"),
            "events.k8s.io/events",
        )
    ),
    ("observer", "get", "/pods/log", CLUSTER),
    *(
        ("observer", "get list", resource, DRILL)
        for resource in (
            *("/configmaps", "/services", "/persistentvolumeclaims", "/replicationcontrollers"),
            *("/resourcequotas", "/limitranges", "autoscaling/horizontalpodautoscalers"),
            *("policy/poddisruptionbudgets", "networking.k8s.io/networkpolicies"),
        )
    ),
    # ------------------------------------------------------------------ injectors
    ("injector", "get patch", "/configmaps:orders-conf", DRILL),
    ("node-injector", "get patch", "/nodes", CLUSTER),
    # ------------------------------------------------------------------ responder
    *(
        ("responder", READ, resource, DRILL)
        for resource in (
            *("/pods", "/pods/log", "/events", "/configmaps", "/services", *WORKLOADS),
            *("/persistentvolumeclaims", "/replicationcontrollers", "/resourcequotas"),
            *("apps/replicasets", "autoscaling/horizontalpodautoscalers", "events.k8s.io/events"),
            *("policy/poddisruptionbudgets", "networking.k8s.io/networkpolicies"),
        )
    ),
    *(
        ("responder", CHANGED, resource, DRILL)
        for resource in ("/configmaps", "/services", *WORKLOADS)
    ),
    ("responder", "get update patch", "apps/deployments/scale", DRILL),
    ("responder", "get update patch", "apps/statefulsets/scale", DRILL),
    ("responder", "update patch", "autoscaling/horizontalpodautoscalers", DRILL),
    ("responder", "delete", "/pods", DRILL),
    ("responder", "get create", "/pods/exec", DRILL),
    ("responder", "get", "/pods/proxy", DRILL),
    ("responder", "get patch", "/nodes", CLUSTER),
    # Where traffic goes: looked at, and never written.
    *(
        (who, "get list", resource, DRILL)
        for who in ("provisioner", "observer", "responder")
        for resource in (
            *("/endpoints", "discovery.k8s.io/endpointslices", "networking.k8s.io/ingresses"),
        )
    ),
    # ------------------------------------------------------------------ reaper
    ("reaper", "get list delete", "/namespaces", CLUSTER),
    ("reaper", "get list delete", "drillbook.dev/drills", CLUSTER),
    ("reaper", "list delete", "/pods", CLUSTER),
    ("reaper", "get list patch", "/nodes", CLUSTER),
    ("reaper", "get list watch create update patch delete", LEASES, SYSTEM_NAMESPACE),
    ("reaper", "get list patch", "drillbook.dev/undorecords", SYSTEM_NAMESPACE),
    ("reaper", "create", "/configmaps", SYSTEM_NAMESPACE),
    ("reaper", "get patch delete", "/configmaps:quarantine", SYSTEM_NAMESPACE),
    ("reaper", "get", "/configmaps:halt", SYSTEM_NAMESPACE),
    ("reaper", "get", LEASES, NODE_LEASES),
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
    ("provisioner", "watch update patch", "/namespaces", CLUSTER),
    # The records of all drills are written by one identity: at least none can be made to vanish.
    ("provisioner", "delete deletecollection", "drillbook.dev/undorecords", SYSTEM_NAMESPACE),
    # Whoever writes them sends traffic wherever he likes.
    *(
        (who, WRITE, resource, DRILL)
        for who in EVERYBODY
        for resource in (
            *("/endpoints", "discovery.k8s.io/endpointslices", "networking.k8s.io/ingresses"),
        )
    ),
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
    # A configuration may hold what is nobody's business but its application's.
    *(
        ("observer", READ, resource, "default")
        for resource in ("/configmaps", "/services", "networking.k8s.io/ingresses")
    ),
    ("observer", READ, LEASES, SYSTEM_NAMESPACE),
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
    ("reaper", "update patch delete", "/configmaps:halt", SYSTEM_NAMESPACE),
    ("reaper", "update delete deletecollection", "drillbook.dev/undorecords", SYSTEM_NAMESPACE),
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


Right = tuple[str, str]
"""A verb, and what as in a row."""
QUESTIONS = {
    ("create", f"authorization.k8s.io/{kind}")
    for kind in ("selfsubjectaccessreviews", "selfsubjectrulesreviews")
} | {("create", "authentication.k8s.io/selfsubjectreviews")}
"""What everybody with a token may."""


def all_that(clients: Connections, namespace: str) -> set[Right]:
    """SelfSubjectRulesReview: every right in one namespace and beside all of them."""
    api = client.AuthorizationV1Api(clients.core.api_client)
    spec = client.V1SelfSubjectRulesReviewSpec(namespace=namespace)
    found = api.create_self_subject_rules_review(client.V1SelfSubjectRulesReview(spec=spec)).status
    assert not found.incomplete
    paths = {path for rule in found.non_resource_rules for path in rule.non_resource_urls}
    assert {verb for rule in found.non_resource_rules for verb in rule.verbs} == {"get"}
    assert not any(path.startswith(("/*", "/metrics", "/logs", "/debug")) for path in paths)
    return {
        (verb, f"{group}/{resource}" + (f":{name}" if name else ""))
        for rule in found.resource_rules
        for group in rule.api_groups
        for resource in rule.resources
        for name in rule.resource_names or [""]
        for verb in rule.verbs
    }


@pytest.mark.parametrize(
    "where", [SYSTEM_NAMESPACE, DRILL, "kube-system", "default", NODE_LEASES, "monitoring"]
)
@pytest.mark.parametrize("who", ["runner", *map(str, Identity), "reaper"])
def test_and_nothing_more(world: World, who: str, where: str) -> None:
    listed = {
        (verb, what)
        for whose, verbs, what, place in ALLOWED
        for verb in verbs.split()
        if whose == who and place in (CLUSTER, where)
    }
    found = all_that(world[who], world.namespace if where is DRILL else where)
    assert found - QUESTIONS == listed


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
IDENTITIES = "drillbook-identities"
IN_DRILL = "drillbook-in-drill"


def refused(call: Callable[..., Any], *words: Any, policy: str = IDENTITIES, **options: Any) -> str:
    """What the policy said; the write was a dry run."""
    with pytest.raises(ApiException) as caught:
        call(*words, **DRY, **options)
    said = str(json.loads(caught.value.body)["message"])
    assert caught.value.status == 403, said
    assert f"ValidatingAdmissionPolicy '{policy}'" in said, said
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


@pytest.mark.parametrize(
    "label",
    [
        "pod-security.kubernetes.io/enforce-version",
        "admission.gatekeeper.sh/ignore",
        "team",
    ],
)
def test_a_drills_namespace_has_no_label_that_others_go_by(world: World, label: str) -> None:
    create = world["provisioner"].core.create_namespace
    allowed = {**GOOD, LEASE_LABEL: "drill-rights-x", "environment": "staging"}
    create(a_namespace("drill-rights-x", **allowed), **DRY)
    assert "and no other" in refused(
        create, a_namespace("drill-rights-x", **GOOD, **{label: "v1.0"})
    )


HELD = {"finalizers": ["example.com/never"]}


def test_nothing_is_held_by_a_finalizer(world: World) -> None:
    core, leases = world["provisioner"].core, Leases(world)
    space, lease = a_namespace("drill-rights-x", **GOOD), leases.body("drill-rights-x")
    drill = a_drill("drill-rights-x")
    record = undo_record("drill-rights-of-nobody-001")
    objects = world["provisioner"].resource

    def make(body: dict[str, Any]) -> None:
        handle, place = objects(body["apiVersion"], body["kind"]), body["metadata"].get("namespace")
        handle.create(body=body, namespace=place, query_params=[("dryRun", "All")])

    make(drill)
    make({**record, "metadata": {**record["metadata"], "namespace": SYSTEM_NAMESPACE}})
    for body in (drill, record):
        held = {**body, "metadata": {**body["metadata"], **HELD, "namespace": SYSTEM_NAMESPACE}}
        with pytest.raises(Exception, match="no finalizer"):
            make(held)
    for call, words in (
        (core.create_namespace, (space,)),
        (leases.create, (SYSTEM_NAMESPACE, lease)),
    ):
        call(*words, **DRY)
        words[-1]["metadata"].update(HELD)
        assert "no finalizer" in refused(call, *words)
    assert "no finalizer" in leases.refused_update(lambda body: body["metadata"].update(HELD))


def a_drill(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "drillbook.dev/v1",
        "kind": "Drill",
        "metadata": {"name": name},
        "spec": {"run": "r"},
    }


@pytest.mark.parametrize("name", ["reaper", "drill-", "drill-x-", "drill-x.y", "node1"])
def test_a_drill_is_called_one(world: World, name: str) -> None:
    handle = world["provisioner"].resource("drillbook.dev/v1", "Drill")
    with pytest.raises(Exception, match=r"a drill is named drill-\*"):
        handle.create(body=a_drill(name), query_params=[("dryRun", "All")])


def account(name: str, namespace: str = SYSTEM_NAMESPACE) -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


PROVISIONER = account("provisioner")


def a_binding(
    role: str, kind: str = "ClusterRole", subject: Mapping[str, str] = PROVISIONER
) -> dict[str, Any]:
    return {
        "metadata": {"name": "test-rights"},
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role},
        "subjects": [dict(subject)],
    }


@pytest.mark.parametrize("namespace", ["kube-system", "default", SYSTEM_NAMESPACE])
def test_the_provisioner_binds_in_drill_namespaces_only(world: World, namespace: str) -> None:
    create = client.RbacAuthorizationV1Api(
        world["provisioner"].core.api_client
    ).create_namespaced_role_binding
    refused(create, namespace, a_binding("drillbook-provisioner-in-drill"))
    create(world.namespace, a_binding("drillbook-provisioner-in-drill"), **DRY)


SUBJECTS = {
    "anybody": {"kind": "Group", "name": "system:unauthenticated", "apiGroup": RBAC},
    "a person": {"kind": "User", "name": "somebody", "apiGroup": RBAC},
    "an identity by its user name": {
        "kind": "User",
        "name": "system:serviceaccount:drillbook-system:responder",
        "apiGroup": RBAC,
    },
    "another identity": account("observer"),
    "the reaper": account("reaper"),
    "another namespace's": account("default", "default"),
}


@pytest.mark.parametrize("whom", SUBJECTS)
def test_rights_in_a_drill_are_given_to_its_own_only(world: World, whom: str) -> None:
    create = client.RbacAuthorizationV1Api(
        world["provisioner"].core.api_client
    ).create_namespaced_role_binding
    create(
        world.namespace,
        a_binding("drillbook-responder", subject=account("spark", world.namespace)),
        **DRY,
    )
    for role, kind in (("drillbook-responder", "ClusterRole"), ("drillbook-injector", "Role")):
        body = a_binding(role, kind, SUBJECTS[whom])
        assert "service accounts" in refused(create, world.namespace, body, policy=IN_DRILL)


@pytest.mark.parametrize(
    ("role", "kind", "whose"),
    [
        ("drillbook-provisioner-in-drill", "ClusterRole", "provisioner"),
        ("drillbook-observer-in-drill", "ClusterRole", "observer"),
        ("drillbook-responder", "ClusterRole", "responder"),
        ("drillbook-injector", "Role", "injector"),
    ],
)
def test_each_identity_gets_the_role_that_is_meant_for_it(
    world: World, role: str, kind: str, whose: str
) -> None:
    create = client.RbacAuthorizationV1Api(
        world["provisioner"].core.api_client
    ).create_namespaced_role_binding
    create(world.namespace, a_binding(role, kind, account(whose)), **DRY)
    for other in {"provisioner", "observer", "responder", "injector", "node-injector"} - {whose}:
        refused(create, world.namespace, a_binding(role, kind, account(other)), policy=IN_DRILL)


@pytest.fixture(scope="module")
def inmate(world: World, tmp_path_factory: pytest.TempPathFactory) -> Connections:
    """A service account of the drill's own, with all rights that a workload could give it."""
    create = world["provisioner"].resource
    rules = [
        {"apiGroups": [""], "resources": ["secrets", "services"], "verbs": ["create"]},
        {"apiGroups": [RBAC], "resources": ["rolebindings"], "verbs": ["create"]},
    ]
    for version, kind, fields in (
        ("v1", "ServiceAccount", {}),
        (f"{RBAC}/v1", "Role", {"rules": rules}),
        (
            f"{RBAC}/v1",
            "RoleBinding",
            a_binding("inmate", "Role", account("inmate", world.namespace)),
        ),
    ):
        body = {**fields, "apiVersion": version, "kind": kind, "metadata": {"name": "inmate"}}
        create(version, kind).create(body=body, namespace=world.namespace)
    path = tmp_path_factory.mktemp("inmate") / "kc"
    found = as_account(settings.load(root=ROOT), "inmate", path, world.namespace)
    deadline = time.monotonic() + 10
    while not may(found, "create", "/secrets", world.namespace):
        assert time.monotonic() < deadline, "the inmate has no rights"
        time.sleep(0.1)
    return found


def test_a_drills_own_account_does_not_get_round_it(world: World, inmate: Connections) -> None:
    create = client.RbacAuthorizationV1Api(inmate.core.api_client).create_namespaced_role_binding
    own = account("inmate", world.namespace)
    create(world.namespace, a_binding("inmate", "Role", own), **DRY)
    for subject in SUBJECTS.values():
        refused(create, world.namespace, a_binding("inmate", "Role", subject), policy=IN_DRILL)


NEVER_ENDING = "kubernetes.io/service-account-token"


@pytest.mark.parametrize("who", ["provisioner", "inmate"])
def test_no_token_is_made_that_never_ends(world: World, inmate: Connections, who: str) -> None:
    create = (inmate if who == "inmate" else world[who]).core.create_namespaced_secret
    notes = {"kubernetes.io/service-account.name": "default"}
    secret = {"metadata": {"name": "x", "annotations": notes}}
    create(world.namespace, {**secret, "type": "Opaque"}, **DRY)
    refused(create, world.namespace, {**secret, "type": NEVER_ENDING}, policy=IN_DRILL)


def a_service(**spec: Any) -> dict[str, Any]:
    port = {"port": 53, "protocol": "UDP"}
    return {"metadata": {"name": "x"}, "spec": {"ports": [port], **spec}}


@pytest.mark.parametrize("who", ["provisioner", "responder", "inmate"])
def test_a_service_takes_nobodys_address(world: World, inmate: Connections, who: str) -> None:
    create = (inmate if who == "inmate" else world[who]).core.create_namespaced_service
    for good in ({}, {"type": "ClusterIP"}, {"clusterIP": "None"}):
        create(world.namespace, a_service(**good), **DRY)
    for bad in (
        {"externalIPs": ["8.8.8.8"]},
        {"type": "NodePort"},
        {"type": "LoadBalancer"},
        {"type": "ExternalName", "externalName": "example.com"},
    ):
        said = refused(create, world.namespace, a_service(**bad), policy=IN_DRILL)
        assert "ClusterIP" in said


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


def test_a_node_of_the_control_plane_is_not_for_drills(world: World) -> None:
    nodes = world["administrator"].core.list_node(label_selector=CONTROL_PLANE).items
    patch = world["node-injector"].core.patch_node
    for node in nodes:
        assert "control plane" in refused(
            patch, node.metadata.name, marked(world.namespace, **CORDON)
        )
    assert nodes


@pytest.fixture
def cordoned_by_somebody(world: World) -> Iterator[str]:
    name, patch = a_node(world).metadata.name, world["administrator"].core.patch_node
    patch(name, {"spec": CORDON})
    yield name
    patch(name, {"spec": {"unschedulable": None}})


def test_a_node_that_somebody_cordoned_is_not_taken(
    world: World, cordoned_by_somebody: str
) -> None:
    patch = world["node-injector"].core.patch_node
    for change in (marked(world.namespace), marked(world.namespace, unschedulable=None)):
        assert "cordoned already" in refused(patch, cordoned_by_somebody, change)


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
    open_again = {"unschedulable": None}
    refused(world["responder"].core.patch_node, node_of_a_drill, marked(None, **open_again))
    world["reaper"].core.patch_node(node_of_a_drill, marked(None, **open_again), **DRY)
    for who in ("node-injector", "responder", "reaper"):
        refused(world[who].core.patch_node, node_of_a_drill, marked("drill-another", **CORDON))


def test_a_mark_goes_with_its_cordon(world: World, node_of_a_drill: str) -> None:
    for who in ("node-injector", "reaper"):
        assert "the mark of a Node goes" in refused(
            world[who].core.patch_node, node_of_a_drill, marked(None, **CORDON)
        )


def test_a_responder_uncordons_and_does_nothing_else(world: World, node_of_a_drill: str) -> None:
    patch = world["responder"].core.patch_node
    patch(node_of_a_drill, {"spec": {"unschedulable": None}}, **DRY)
    patch(node_of_a_drill, {"spec": {"unschedulable": False}}, **DRY)
    refused(patch, node_of_a_drill, {"spec": CORDON})
    refused(patch, node_of_a_drill, {"metadata": {"annotations": {FENCE: world.namespace}}})


OWNER = {
    "apiVersion": "drillbook.dev/v1",
    "kind": "Drill",
    "name": "gone",
    "uid": "00000000-0000-0000-0000-000000000000",
}
FOREIGN: dict[str, dict[str, Any]] = {
    "owners": {"metadata": {"ownerReferences": [OWNER]}},
    "finalizers": {"metadata": {"finalizers": ["example.com/never"]}},
    "annotations": {"metadata": {"annotations": {"a": "b"}}},
    "an empty annotation": {"metadata": {"annotations": {"a": ""}}},
    "annotations taken away": {"metadata": {"annotations": {"node.alpha.kubernetes.io/ttl": None}}},
    "labels": {"metadata": {"labels": {"a": "b"}}},
    "taints": {"spec": {"taints": [{"key": "k", "effect": "NoExecute"}]}},
    "provider": {"spec": {"providerID": "aws:///x"}},
}


@pytest.mark.parametrize("what", FOREIGN)
@pytest.mark.parametrize("who", ["node-injector", "responder", "reaper"])
def test_the_rest_of_a_node_stays(world: World, node_of_a_drill: str, who: str, what: str) -> None:
    """By itself, and together with the fence."""
    patch = world[who].core.patch_node
    change = FOREIGN[what]
    refused(patch, node_of_a_drill, change)
    fence = {FENCE: world.namespace, **change.get("metadata", {}).get("annotations", {})}
    metadata = {**change.get("metadata", {}), "annotations": fence}
    refused(patch, node_of_a_drill, {**change, "metadata": metadata})


@pytest.mark.parametrize("what", FOREIGN)
@pytest.mark.parametrize("who", ["node-injector", "reaper"])
def test_also_of_one_without_a_mark(world: World, who: str, what: str) -> None:
    change = FOREIGN[what]
    fence = {FENCE: world.namespace, **change.get("metadata", {}).get("annotations", {})}
    metadata = {**change.get("metadata", {}), "annotations": fence}
    name = a_node(world).metadata.name
    refused(world[who].core.patch_node, name, {**change, "metadata": metadata})


# --------------------------------------------------------------------------- drillbook-system


def test_the_system_namespace_takes_what_belongs_there(world: World) -> None:
    core = world["provisioner"].core
    create = core.create_namespaced_config_map
    create(SYSTEM_NAMESPACE, {"metadata": {"name": "halt"}}, **DRY)
    refused(create, SYSTEM_NAMESPACE, {"metadata": {"name": "another"}})


@dataclass(frozen=True)
class Leases:
    """The drills' leases, written as the provisioner."""

    world: World
    name: str = ""
    """Of the lease that is updated; the drill's own when none is named."""

    @property
    def api(self) -> client.CoordinationV1Api:
        return client.CoordinationV1Api(self.world["provisioner"].core.api_client)

    @property
    def create(self) -> Callable[..., Any]:
        found: Callable[..., Any] = self.api.create_namespaced_lease
        return found

    def body(self, name: str) -> dict[str, Any]:
        return {
            "metadata": {
                "name": name,
                "labels": {RUN_LABEL: "test-rights"},
                "annotations": {DEADLINE: stamp(datetime.now(UTC)), LOCKS: "[]", VERBS: "[]"},
            },
            "spec": {
                "holderIdentity": "runner/test/1",
                "leaseDurationSeconds": 30,
                "renewTime": stamp(datetime.now(UTC)),
                "leaseTransitions": 2,
            },
        }

    def update(self, change: Callable[[dict[str, Any]], Any]) -> None:
        """A dry run on the lease as it is; its holder renews it all the time."""
        name, api = self.name or self.world.namespace, self.api
        for _ in range(5):
            found = api.read_namespaced_lease(name, SYSTEM_NAMESPACE)
            body = api.api_client.sanitize_for_serialization(found)
            change(body)
            try:
                api.replace_namespaced_lease(name, SYSTEM_NAMESPACE, body, **DRY)
            except ApiException as error:
                if error.status != 409:
                    raise
            else:
                return
        pytest.fail(f"lease {name} was written all the time")

    def refused_update(self, change: Callable[[dict[str, Any]], Any]) -> str:
        return refused(lambda **_: self.update(change))


def note(key: str, value: str) -> Callable[[dict[str, Any]], Any]:
    return lambda body: body["metadata"]["annotations"].update({key: value})


def spec(**fields: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda body: body["spec"].update(fields)


def test_a_drill_does_not_speak_for_the_reaper(world: World) -> None:
    own, sign = Leases(world), Leases(world, "reaper")
    sign_of_life = "sign of life"
    assert sign_of_life in sign.refused_update(spec(leaseDurationSeconds=60))
    assert sign_of_life in refused(own.api.delete_namespaced_lease, "reaper", SYSTEM_NAMESPACE)
    for key in (ACKNOWLEDGED, DECLINED):
        assert "only the reaper" in own.refused_update(note(key, "by myself"))
        claimed = own.body("drill-rights-x")
        claimed["metadata"]["annotations"][key] = "by myself"
        assert "only the reaper" in refused(own.create, SYSTEM_NAMESPACE, claimed)
    assert "only the reaper" in own.refused_update(
        lambda body: body["metadata"]["annotations"].pop(ACKNOWLEDGED)
    )
    own.update(note("a", "b"))


def test_a_lease_of_a_drill_says_whose_it_is_and_when_it_ends(world: World) -> None:
    leases = Leases(world)
    body = leases.body("drill-rights-x")
    leases.create(SYSTEM_NAMESPACE, body, **DRY)
    refused(leases.create, SYSTEM_NAMESPACE, leases.body("another"))
    spec, metadata = body["spec"], body["metadata"]
    for wrong in (
        {**body, "spec": {**spec, "renewTime": None}},
        {**body, "spec": {**spec, "leaseDurationSeconds": None}},
        {**body, "spec": {**spec, "leaseDurationSeconds": 7201}},
        {**body, "metadata": {**metadata, "annotations": {}}},
        {**body, "metadata": {**metadata, "labels": {}}},
    ):
        assert "says when it was renewed" in refused(leases.create, SYSTEM_NAMESPACE, wrong)


@pytest.mark.parametrize(
    "change",
    [
        note(LOCKS, "of another"),
        note(VERBS, "[]"),
        note(DEADLINE, "2030-01-01T00:00:00Z"),
        lambda body: body["metadata"]["labels"].update({RUN_LABEL: "another"}),
    ],
)
def test_what_a_lease_said_of_its_drill_stands(
    world: World, change: Callable[[dict[str, Any]], Any]
) -> None:
    assert "stay as they are" in Leases(world).refused_update(change)


def test_a_fence_never_falls(world: World) -> None:
    """Of a lease that was taken over twice; by whom does not matter."""
    api = client.CoordinationV1Api(world["administrator"].core.api_client)
    leases = Leases(world, fresh_name("rights", "fence"))
    lasting = leases.body(leases.name)
    lasting["metadata"]["annotations"][DEADLINE] = "2030-01-01T00:00:00Z"
    api.create_namespaced_lease(SYSTEM_NAMESPACE, lasting)
    try:
        leases.update(spec(leaseTransitions=2, holderIdentity="sweep/test/1"))
        leases.update(spec(leaseTransitions=3, holderIdentity="sweep/test/1"))
        assert "never falls" in leases.refused_update(spec(leaseTransitions=1))
        assert "never falls" in leases.refused_update(lambda b: b["spec"].pop("leaseTransitions"))
    finally:
        api.delete_namespaced_lease(leases.name, SYSTEM_NAMESPACE)


def test_the_reaper_acknowledges(world: World) -> None:
    patch = client.CoordinationV1Api(world["reaper"].core.api_client).patch_namespaced_lease
    note = {"metadata": {"annotations": {ACKNOWLEDGED: "now"}}}
    patch(world.namespace, SYSTEM_NAMESPACE, note, **DRY)


def ask_for_token(world: World, **spec: Any) -> Callable[..., Any]:
    """Without the options of the other calls: this one takes no time-out of a dry run."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    return lambda **options: world["runner"].core.create_namespaced_service_account_token(
        "observer", SYSTEM_NAMESPACE, body, **options
    )


def test_a_token_ends_and_is_for_the_api_server(world: World) -> None:
    ask_for_token(world, expirationSeconds=10800)(**DRY)
    for wrong in (
        {"expirationSeconds": 10801},
        {"expirationSeconds": 315360000},
        {"expirationSeconds": 600, "audiences": ["vault"]},
        {"expirationSeconds": 600, "audiences": ["https://kubernetes.default.svc", "vault"]},
        {"expirationSeconds": 600, "audiences": ["https://kubernetes.default.svc.example/x"]},
    ):
        assert "three hours" in refused(ask_for_token(world, **wrong))


def test_an_api_server_of_another_name_is_said_on_the_system_namespace(world: World) -> None:
    patch, key = world["administrator"].core.patch_namespace, "drillbook.dev/audience"
    asked = ask_for_token(world, expirationSeconds=600, audiences=["https://api.example"])
    refused(asked)
    patch(SYSTEM_NAMESPACE, {"metadata": {"annotations": {key: "https://api.example"}}})
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                asked(**DRY)
                break
            except ApiException:  # the policies see a namespace's new annotation a moment later
                assert time.monotonic() < deadline, "the annotation does not count"
                time.sleep(0.2)
    finally:
        patch(SYSTEM_NAMESPACE, {"metadata": {"annotations": {key: None}}})


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
    body = undo_record("drill-rights-of-nobody-777")
    made = api.create(body=body, namespace=SYSTEM_NAMESPACE)
    assert made.to_dict()["spec"] == body["spec"]
    yield Records(api, body["metadata"]["name"])
    api.delete(name=body["metadata"]["name"], namespace=SYSTEM_NAMESPACE)


NOBODY = "drill-rights-of-nobody"
TARGET = {"apiVersion": "v1", "namespace": NOBODY, "uid": "u"}


def undo_record(name: str, **fields: Any) -> dict[str, Any]:
    spec = {
        # Of no drill: there is no such lease, so nobody undoes it.
        "drill": NOBODY,
        "sequence": 1,
        "verb": "patch",
        "target": {**TARGET, "kind": "ConfigMap", "name": "x"},
        "preImage": {"data": {"key": "before", "other": None}},
        "patch": {"data": {"key": "after"}},
        "expires": "2026-11-21T12:00:00.000000Z",
        "fence": 0,
        **fields,
    }
    return {
        "apiVersion": "drillbook.dev/v1",
        "kind": "UndoRecord",
        "metadata": {"name": name, "labels": {LEASE_LABEL: NOBODY}},
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
            body=undo_record(f"{NOBODY}-001", **fields),
            namespace=SYSTEM_NAMESPACE,
            query_params=[("dryRun", "All")],
        )


def test_another_word_is_no_state(world: World) -> None:
    api = world["administrator"].resource("drillbook.dev/v1", "UndoRecord")
    body = {**undo_record(f"{NOBODY}-001"), "state": "FORGOTTEN"}
    with pytest.raises(Exception, match="is invalid"):
        api.create(body=body, namespace=SYSTEM_NAMESPACE, query_params=[("dryRun", "All")])


def keep(world: World, body: dict[str, Any]) -> None:
    """As the provisioner, as a dry run."""
    api = world["provisioner"].resource("drillbook.dev/v1", "UndoRecord")
    api.create(body=body, namespace=SYSTEM_NAMESPACE, query_params=[("dryRun", "All")])


NODE = {"apiVersion": "v1", "kind": "Node", "name": "node2", "uid": "u"}
SPACE = {"apiVersion": "v1", "kind": "Namespace", "name": NOBODY, "namespace": ""}
POD = {**TARGET, "kind": "Pod", "name": "orders-5cd67d6dd6-4ddk5"}
ROLE = {**TARGET, "apiVersion": f"{RBAC}/v1", "kind": "Role", "name": "system:x"}


@pytest.mark.parametrize(
    ("verb", "target"),
    [
        *((verb, NODE) for verb in ("cordon", "cut-network", "kill-node")),
        ("create", SPACE),
        *((verb, POD) for verb in ("create", "patch", "scale", "delete")),
        ("patch", ROLE),
    ],
)
def test_a_drill_may_record_what_it_can_change(
    world: World, verb: str, target: dict[str, str]
) -> None:
    keep(world, undo_record(f"{NOBODY}-001", verb=verb, target=target, preImage={}))


@pytest.mark.parametrize(
    ("verb", "target"),
    [
        *((verb, NODE) for verb in ("create", "patch", "scale", "delete")),
        ("cordon", {**NODE, "namespace": NOBODY}),
        ("cordon", {**NODE, "apiVersion": "example.com/v1"}),
        *((verb, SPACE) for verb in ("patch", "delete", "cordon")),
        ("create", {**SPACE, "name": "kube-system"}),
        ("create", {**SPACE, "name": "drill-another"}),
        ("create", {**SPACE, "namespace": NOBODY}),
        ("patch", {**POD, "namespace": "kube-system"}),
        ("patch", {**POD, "namespace": "drill-another"}),
        ("patch", {key: value for key, value in POD.items() if key != "namespace"}),
        *((verb, POD) for verb in ("cordon", "cut-network", "kill-node")),
        (
            "patch",
            {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "namespace": SYSTEM_NAMESPACE,
                "name": "reaper",
            },
        ),
    ],
)
def test_and_nothing_of_anybody_elses(world: World, verb: str, target: dict[str, str]) -> None:
    with pytest.raises(Exception, match="a drill changes its own namespace"):
        keep(world, undo_record(f"{NOBODY}-001", verb=verb, target=target, preImage={}))


@pytest.mark.parametrize(
    "name", ["", "../../../api/v1/nodes/node1", "a/b", "-a", "a-", "a b", ".."]
)
def test_the_name_of_a_target_is_no_path(world: World, name: str) -> None:
    with pytest.raises(Exception, match=r"spec\.target\.name"):
        keep(world, undo_record(f"{NOBODY}-001", target={**POD, "name": name}))


def test_a_record_is_its_own_drills(world: World, record: Records) -> None:
    other = undo_record(f"{NOBODY}-001")
    keep(world, other)
    for metadata in (
        {"name": f"{NOBODY}-001"},
        {"name": f"{NOBODY}-001", "labels": {LEASE_LABEL: "drill-another"}},
        {"name": "drill-another-001", "labels": {LEASE_LABEL: NOBODY}},
    ):
        with pytest.raises(Exception, match="carries its drill's name"):
            keep(world, {**other, "metadata": metadata})
    with pytest.raises(Exception, match="carries its drill's name"):
        record.patch({"metadata": {"labels": {LEASE_LABEL: "drill-another"}}})


UNCORDON = {"metadata": {"annotations": {MARK: None}}, "spec": {"unschedulable": None}}


def test_undoing_a_cordon_opens_the_node(world: World) -> None:
    cordon = {"verb": "cordon", "target": NODE}
    for good in (UNCORDON, {**UNCORDON, "spec": {"unschedulable": False}}, {}):
        keep(world, undo_record(f"{NOBODY}-001", **cordon, preImage=good))
    for forged in (
        {**UNCORDON, "spec": {"unschedulable": True}},
        {**UNCORDON, "spec": {"unschedulable": None, "taints": []}},
        {**UNCORDON, "status": {}},
        {**UNCORDON, "metadata": {"annotations": {MARK: "drill-another"}}},
        {**UNCORDON, "metadata": {"annotations": {MARK: None, "a": "b"}}},
        {**UNCORDON, "metadata": {"ownerReferences": []}},
    ):
        with pytest.raises(Exception, match="takes the mark and the cordon away"):
            keep(world, undo_record(f"{NOBODY}-001", **cordon, preImage=forged))
