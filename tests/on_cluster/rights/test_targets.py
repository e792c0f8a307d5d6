"""What a drill may write down to be undone: its own namespace's objects, and a node's cordon."""

import pytest

from drillbook.changes.undo.inverse import MARK
from drillbook.cluster.identities import SYSTEM_NAMESPACE
from tests.on_cluster.rights.table import RBAC
from tests.on_cluster.rights.world import World
from tests.on_cluster.rights.writes import NOBODY, TARGET, keep, undo_record

pytestmark = pytest.mark.cluster

NODE = {"apiVersion": "v1", "kind": "Node", "name": "node2", "uid": "u"}
SPACE = {"apiVersion": "v1", "kind": "Namespace", "name": NOBODY, "namespace": ""}
POD = {**TARGET, "kind": "Pod", "name": "orders-5cd67d6dd6-4ddk5"}
ROLE = {**TARGET, "apiVersion": f"{RBAC}/v1", "kind": "Role", "name": "system:x"}


@pytest.mark.parametrize(
    ("verb", "target"),
    [
        *((verb, NODE) for verb in ("cordon", "cut-network", "kill-node")),
        ("create", SPACE),
        *((verb, POD) for verb in ("create", "patch", "scale", "delete", "run")),
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
        *((verb, NODE) for verb in ("create", "patch", "scale", "delete", "run")),
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
