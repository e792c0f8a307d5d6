"""No token lasts, and none is for anybody but the API server."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes.client.exceptions import ApiException

from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import SYSTEM_NAMESPACE
from tests.on_cluster.rights.world import World
from tests.on_cluster.rights.writes import DRY, IN_DRILL, refused

pytestmark = pytest.mark.cluster

NEVER_ENDING = "kubernetes.io/service-account-token"


@pytest.mark.parametrize("who", ["provisioner", "inmate"])
def test_no_token_is_made_that_never_ends(world: World, inmate: Connections, who: str) -> None:
    create = (inmate if who == "inmate" else world[who]).core.create_namespaced_secret
    notes = {"kubernetes.io/service-account.name": "default"}
    secret = {"metadata": {"name": "x", "annotations": notes}}
    create(world.namespace, {**secret, "type": "Opaque"}, **DRY)
    refused(create, world.namespace, {**secret, "type": NEVER_ENDING}, policy=IN_DRILL)


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
