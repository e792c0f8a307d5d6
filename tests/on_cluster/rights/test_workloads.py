"""What a drill's workload may be made of, and whose pods may be ended."""

from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import SYSTEM_NAMESPACE
from fixtures.spark import streaming_application
from tests.on_cluster.rights.table import RBAC
from tests.on_cluster.rights.world import World
from tests.on_cluster.rights.writes import DRY, IN_DRILL, refused
from tests.waiting import await_

pytestmark = pytest.mark.cluster


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
    accounts = world["administrator"].core.list_namespaced_service_account
    await_("the default service account", lambda: accounts(world.namespace).items, 30)
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
