"""`drillbook plan` against the embedded cluster: what it says, and that it changes nothing."""

from dataclasses import replace

import pytest

from drillbook.book import checkout as book
from drillbook.cluster import settings
from drillbook.drill.refusals import Finding, Refusals, findings
from drillbook.model import BoundRunbook, Change, Cordon, KillNode
from drillbook.model.clock import SystemClock
from tests import runbook_examples as examples
from tests.on_cluster.checkouts import ROOT, Checkout

pytestmark = pytest.mark.cluster

PLAN = ("plan", "RB-SPARK-001")
MANIFESTS = "fixtures/spark/orders/manifests.yaml"
FIRST = "# The orders application"


def found(change: Change) -> dict[str, Finding]:
    """What a drill that changes nodes meets when it begins."""
    loaded = settings.load(root=ROOT)
    fault = replace(examples.FAULT, changes=(change,))
    tags = (("domain", "cluster/node/2"),)
    bound: BoundRunbook = examples.runbook(examples.cause("node", fault=fault), tags=tags)
    asking = Refusals(loaded, (bound,), book.alerts(loaded), SystemClock())
    return {one.about: one for one in findings(asking.of_its_beginning())}


def test_a_drill_that_could_begin_is_said_to(checkout: Checkout) -> None:
    code, said = checkout.run(*PLAN)
    assert code == 0, said
    uid = settings.load(root=ROOT).allowed_clusters[0]
    for part in (uid, "reaper: alive", "no halt, no quarantine", "namespace of driver-oom: can be"):
        assert part in said
    assert "NO " not in said


def test_another_cluster_is_asked_nothing_more(checkout: Checkout) -> None:
    code, said = checkout.run(*PLAN, DRILLBOOK_ALLOWED_CLUSTERS='["another-uid"]')
    assert code == 3, said
    assert "creates  Deployment/orders" in said
    assert "another-uid" in said
    assert "reaper" not in said


def test_a_rule_that_is_not_the_loaded_one_is_told_as_the_drill_tells_it(
    checkout: Checkout,
) -> None:
    checkout.edit("monitoring/values/staging.yaml", "CrashLoop: 0s", "CrashLoop: 20s")
    code, said = checkout.run(*PLAN)
    assert code == 4, said
    assert "NO   monitoring:" in said


@pytest.mark.parametrize(
    ("manifest", "part"),
    [
        ("apiVersion: x.dev/v1\nkind: Thing\n", "x.dev/v1"),
        ("apiVersion: v1\nkind: PersistentVolume\n", "PersistentVolume/extra is not namespaced"),
    ],
)
def test_a_workload_is_held_against_what_the_cluster_serves(
    checkout: Checkout, manifest: str, part: str
) -> None:
    checkout.edit(MANIFESTS, FIRST, f"{manifest}metadata:\n  name: extra\n---\n{FIRST}")
    code, said = checkout.run(*PLAN)
    assert part in said
    assert code != 0, said


def test_a_role_that_the_provisioner_could_not_hand_on_is_named(checkout: Checkout) -> None:
    checkout.edit(
        MANIFESTS, "resources: [pods, configmaps,", "resources: [pods, pods/exec, configmaps,"
    )
    code, said = checkout.run(*PLAN)
    assert code == 3, said
    assert "create pods/exec" in said


def test_a_node_is_found_by_its_uid_with_the_agent_that_brings_it_back() -> None:
    good = found(KillNode(node="node2"))["nodes of node"]
    assert "node2 (UID " in good.said
    assert good.error is None


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (Cordon(node="node9"), "node9 is not there"),
        (KillNode(node="node1"), "cannot take node1 away"),
    ],
)
def test_a_node_that_cannot_be_taken_is_told(change: Change, part: str) -> None:
    assert part in found(change)["nodes of node"].said
