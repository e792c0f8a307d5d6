"""What each identity may do, asked of RBAC: the rows of the table, and nothing more."""

import pytest
from kubernetes import client

from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import SYSTEM_NAMESPACE
from tests.on_cluster.rights.table import (
    ALLOWED,
    CLUSTER,
    DRILL,
    EVERYBODY,
    NEVER,
    NODE_LEASES,
)
from tests.on_cluster.rights.world import World

pytestmark = pytest.mark.cluster

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
@pytest.mark.parametrize("who", EVERYBODY)
def test_the_tables_rights_and_nothing_more(world: World, who: str, where: str) -> None:
    listed = {
        (verb, what)
        for whose, verbs, what, place in ALLOWED
        for verb in verbs.split()
        if whose == who and place in (CLUSTER, where)
    }
    found = all_that(world[who], world.namespace if where is DRILL else where)
    assert found - QUESTIONS == listed


def test_the_table_gives_nobody_what_nobody_may() -> None:
    given = {(verb, what) for _, verbs, what, _ in ALLOWED for verb in verbs.split()}
    never = {(verb, what) for verbs, what in NEVER for verb in verbs.split()}
    assert given & never == set()
    secrets = {(who, what, where) for who, _, what, where in ALLOWED if "/secrets" in what}
    named = ("inspector", "/secrets:orders-reader", DRILL)
    assert secrets == {("provisioner", "/secrets", DRILL), named}
    assert {where for _, _, what, where in ALLOWED if what.startswith("/pods/exec")} == {DRILL}


def test_each_kind_that_is_asked_about_is_served(world: World) -> None:
    """The administrator may also do what does not exist."""
    api = world["administrator"]
    whats = (*(what for _, _, what, _ in ALLOWED), *(what for _, what in NEVER))
    kinds = {what.partition(":")[0] for what in whats} - {"*/*"}
    named = {(kind.split("/")[0], kind.split("/")[1]) for kind in kinds}
    virtual = {("", "users"), ("", "groups")}
    for group, resource in sorted(named - virtual):
        found = api._dynamic.resources.search(name=resource)
        assert group in {one.group or "" for one in found}, f"{group}/{resource}"
