"""Of a node nothing changes but its cordon, the drill's mark and the fence."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from drillbook.changes.undo.inverse import FENCE, MARK
from tests.on_cluster.rights.world import World
from tests.on_cluster.rights.writes import DRY, refused

# Alone: a drill may cordon the same node, and a patch that changes nothing is not refused.
pytestmark = [pytest.mark.cluster, pytest.mark.alone]

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"


def a_node(world: World) -> Any:
    """One that may be drilled, and that no drill is still undoing."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for one in world["administrator"].core.list_node().items:
            drilled = MARK in (one.metadata.annotations or {})
            if CONTROL_PLANE not in one.metadata.labels and not drilled:
                return one
        time.sleep(0.5)
    raise AssertionError("every node is drilled by somebody")


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
FOREIGN: tuple[dict[str, Any], ...] = (
    {"metadata": {"ownerReferences": [OWNER]}},
    {"metadata": {"finalizers": ["example.com/never"]}},
    {"metadata": {"annotations": {"a": "b"}}},
    {"metadata": {"annotations": {"a": ""}}},
    {"metadata": {"annotations": {"node.alpha.kubernetes.io/ttl": None}}},
    {"metadata": {"labels": {"a": "b"}}},
    {"spec": {"taints": [{"key": "k", "effect": "NoExecute"}]}},
    {"spec": {"providerID": "aws:///x"}},
)


def with_the_fence(world: World, change: dict[str, Any]) -> dict[str, Any]:
    metadata = change.get("metadata", {})
    notes = {FENCE: world.namespace, **metadata.get("annotations", {})}
    return {**change, "metadata": {**metadata, "annotations": notes}}


@pytest.mark.parametrize("who", ["node-injector", "responder", "reaper"])
def test_the_rest_of_a_node_stays(world: World, node_of_a_drill: str, who: str) -> None:
    """By itself, and together with the fence."""
    patch = world[who].core.patch_node
    for change in FOREIGN:
        refused(patch, node_of_a_drill, change)
        refused(patch, node_of_a_drill, with_the_fence(world, change))


@pytest.mark.parametrize("who", ["node-injector", "reaper"])
def test_also_of_one_without_a_mark(world: World, who: str) -> None:
    name = a_node(world).metadata.name
    for change in FOREIGN:
        refused(world[who].core.patch_node, name, with_the_fence(world, change))
