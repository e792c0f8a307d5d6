"""Which namespaces a drill makes and deletes, how it is named, and what drillbook-system takes."""

import pytest
from kubernetes.client.exceptions import ApiException

from drillbook.changes.faults.namespace import POD_SECURITY
from drillbook.changes.undo.lease import RUN_LABEL
from drillbook.changes.undo.record import LEASE_LABEL
from drillbook.cluster.identities import SYSTEM_NAMESPACE
from tests.on_cluster.rights.world import World
from tests.on_cluster.rights.writes import DRY, GOOD, a_drill, a_namespace, refused

pytestmark = pytest.mark.cluster


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


@pytest.mark.parametrize("name", ["reaper", "drill-", "drill-x-", "drill-x.y", "node1"])
def test_a_drill_is_called_one(world: World, name: str) -> None:
    handle = world["provisioner"].resource("drillbook.dev/v1", "Drill")
    with pytest.raises(Exception, match=r"a drill is named drill-\*"):
        handle.create(body=a_drill(name), query_params=[("dryRun", "All")])


def test_the_system_namespace_takes_what_belongs_there(world: World) -> None:
    core = world["provisioner"].core
    create = core.create_namespaced_config_map
    create(SYSTEM_NAMESPACE, {"metadata": {"name": "halt"}}, **DRY)
    refused(create, SYSTEM_NAMESPACE, {"metadata": {"name": "another"}})
