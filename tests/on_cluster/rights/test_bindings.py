"""Who may be bound to which role: in drill namespaces only, and each to its own."""

from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import SYSTEM_NAMESPACE, Identity
from tests.on_cluster.rights.table import RBAC
from tests.on_cluster.rights.world import World
from tests.on_cluster.rights.writes import DRY, IN_DRILL, a_binding, account, refused

pytestmark = pytest.mark.cluster


def binding_as(who: Connections) -> Callable[..., Any]:
    """The call that makes a RoleBinding."""
    api = client.RbacAuthorizationV1Api(who.core.api_client)
    found: Callable[..., Any] = api.create_namespaced_role_binding
    return found


@pytest.mark.parametrize("namespace", ["kube-system", "default", SYSTEM_NAMESPACE])
def test_the_provisioner_binds_in_drill_namespaces_only(world: World, namespace: str) -> None:
    create = binding_as(world["provisioner"])
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
    create = binding_as(world["provisioner"])
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
        ("drillbook-inspector", "ClusterRole", "inspector"),
        ("drillbook-inspector-secrets", "Role", "inspector"),
        ("drillbook-injector-exec", "ClusterRole", "injector"),
        ("drillbook-injector", "Role", "injector"),
    ],
)
def test_each_identity_gets_the_role_that_is_meant_for_it(
    world: World, role: str, kind: str, whose: str
) -> None:
    create = binding_as(world["provisioner"])
    create(world.namespace, a_binding(role, kind, account(whose)), **DRY)
    for other in {str(one) for one in Identity} - {whose}:
        refused(create, world.namespace, a_binding(role, kind, account(other)), policy=IN_DRILL)


def test_a_drills_own_account_does_not_get_round_it(world: World, inmate: Connections) -> None:
    create = binding_as(inmate)
    own = account("inmate", world.namespace)
    create(world.namespace, a_binding("inmate", "Role", own), **DRY)
    for subject in SUBJECTS.values():
        refused(create, world.namespace, a_binding("inmate", "Role", subject), policy=IN_DRILL)


def test_the_provisioner_grants_no_more_than_it_has(world: World) -> None:
    """RBAC's own rule, without `escalate` and `bind`."""
    api = client.RbacAuthorizationV1Api(world["provisioner"].core.api_client)
    with pytest.raises(ApiException, match="attempting to grant RBAC permissions"):
        api.create_namespaced_role_binding(world.namespace, a_binding("cluster-admin"), **DRY)
    wide = {"metadata": {"name": "wide"}}
    rule = {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}
    with pytest.raises(ApiException, match="attempting to grant RBAC permissions"):
        api.create_namespaced_role(world.namespace, {**wide, "rules": [rule]}, **DRY)
