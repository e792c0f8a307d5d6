"""What the lease of a drill says stands, and a drill does not speak for the reaper."""

from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from drillbook.changes.faults.namespace import fresh_name
from drillbook.changes.undo.lease import ACKNOWLEDGED, DEADLINE, DECLINED, LOCKS, RUN_LABEL, VERBS
from drillbook.cluster.identities import SYSTEM_NAMESPACE
from tests.on_cluster.rights.world import World
from tests.on_cluster.rights.writes import DRY, Leases, refused

pytestmark = pytest.mark.cluster


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
        leases.update(spec(leaseTransitions=2, holderIdentity="undo/test/1"))
        leases.update(spec(leaseTransitions=3, holderIdentity="undo/test/1"))
        assert "never falls" in leases.refused_update(spec(leaseTransitions=1))
        assert "never falls" in leases.refused_update(lambda b: b["spec"].pop("leaseTransitions"))
    finally:
        api.delete_namespaced_lease(leases.name, SYSTEM_NAMESPACE)


def test_the_reaper_acknowledges(world: World) -> None:
    patch = client.CoordinationV1Api(world["reaper"].core.api_client).patch_namespaced_lease
    note = {"metadata": {"annotations": {ACKNOWLEDGED: "now"}}}
    patch(world.namespace, SYSTEM_NAMESPACE, note, **DRY)
