"""`drillbook plan` against the embedded cluster: what it says, and that it changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from drillbook.cluster import settings
from drillbook.cluster.identities import Identity
from drillbook.cluster.settings import Settings
from drillbook.drill import forecast, needs
from drillbook.drill.forecast import Finding
from drillbook.drill.needs import Right
from drillbook.model import BoundRunbook, Change, Cordon, KillNode
from tests import runbook_examples as examples
from tests.on_cluster.checkouts import ROOT, Checkout

pytestmark = pytest.mark.cluster

PLAN = ("plan", "RB-SPARK-001")
MANIFESTS = "fixtures/workloads/orders/manifests.yaml"
FIRST = "# The orders application"
LATER = timedelta(hours=1)


def now() -> datetime:
    return datetime.now(UTC)


def found(bound: BoundRunbook, at: datetime | None = None, **changed: object) -> dict[str, Finding]:
    """The last finding about each thing."""
    loaded: Settings = settings.load(root=ROOT).model_copy(update=changed)
    return {one.about: one for one in forecast.findings(loaded, bound, at or now())}


def on_nodes(*changes: Change) -> BoundRunbook:
    fault = replace(examples.FAULT, changes=changes)
    tags = (("domain", "cluster/node/2"),)
    return examples.runbook(examples.cause("node", fault=fault), tags=tags)


# --------------------------------------------------------------------------- the command


def test_a_drill_that_could_begin_is_said_to(checkout: Checkout) -> None:
    code, said = checkout.run(*PLAN)
    assert code == 0, said
    uid = settings.load(root=ROOT).allowed_clusters[0]
    for part in (uid, "reaper: alive", "no halt, no quarantine", "1 of at most 20 pods"):
        assert part in said
    assert "NO " not in said


def test_another_cluster_is_asked_nothing_more(checkout: Checkout) -> None:
    code, said = checkout.run(*PLAN, DRILLBOOK_ALLOWED_CLUSTERS='["another-uid"]')
    assert code == 3, said
    assert "creates  Deployment/orders" in said
    assert "another-uid" in said
    assert "reaper" not in said


def test_over_a_cap_is_refused_after_all_was_said(checkout: Checkout) -> None:
    code, said = checkout.run(*PLAN, DRILLBOOK_MAX_DRILL="5m")
    assert code == 3, said
    assert "NO   blast radius of driver-oom" in said
    assert "reaper: alive" in said


@pytest.mark.parametrize(
    ("manifest", "part"),
    [
        ("apiVersion: x.dev/v1\nkind: Thing\n", "serves no Thing of x.dev/v1"),
        ("apiVersion: v1\nkind: PersistentVolume\n", "PersistentVolume/extra is not namespaced"),
        (
            "apiVersion: policy/v1\nkind: PodDisruptionBudget\n",
            "provisioner in the drill: will hold what it makes",
        ),
    ],
)
def test_a_workload_is_held_against_what_the_cluster_serves(
    checkout: Checkout, manifest: str, part: str
) -> None:
    checkout.edit(MANIFESTS, FIRST, f"{manifest}metadata:\n  name: extra\n---\n{FIRST}")
    code, said = checkout.run(*PLAN)
    assert part in said
    assert code == (0 if "will hold" in part else 3), said


def test_a_role_that_the_provisioner_could_not_hand_on_is_named(checkout: Checkout) -> None:
    checkout.edit(
        MANIFESTS, "resources: [pods, configmaps,", "resources: [pods, pods/exec, configmaps,"
    )
    code, said = checkout.run(*PLAN)
    assert code == 3, said
    assert "provisioner in the drill: lacks" in said
    assert "create pods/exec" in said


# --------------------------------------------------------------------------- what it finds


@pytest.fixture
def one_right_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a drill that needs what nobody of ours has."""
    right = Right(identity=Identity.OBSERVER, verb="delete", resource="nodes")
    true = needs.standing
    monkeypatch.setattr(needs, "standing", lambda *words: (*true(*words), right))


@pytest.mark.usefixtures("one_right_too_many")
def test_a_right_that_is_lacking_is_named_with_its_identity() -> None:
    answers = found(examples.runbook())
    assert answers["observer"].wrong
    assert answers["observer"].said.startswith("lacks delete nodes.")
    assert not answers["provisioner"].wrong


def test_what_a_probe_may_not_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some kinds it reads everywhere, others in the drill's namespace, Secrets nowhere."""
    kinds = [("list", "pods"), ("get", "pods/log"), ("get", "configmaps"), ("get", "secrets")]
    monkeypatch.setattr(needs, "kinds_read", lambda bound: kinds)
    answer = found(examples.runbook())["observer in the drill"]
    assert answer.wrong
    assert answer.said.startswith("lacks get secrets. ")


def test_a_reaper_that_fell_silent_is_no_reaper() -> None:
    assert not found(examples.runbook())["reaper"].wrong
    silent = found(examples.runbook(), at=now() + LATER)["reaper"]
    assert silent.wrong
    assert "last sign of life" in silent.said


def test_a_node_is_found_by_its_uid_with_the_agent_that_brings_it_back() -> None:
    answers = found(on_nodes(KillNode(node="node2")))
    assert answers["node of node"].said.startswith("node2 (UID ")
    assert "node2" in answers["host agent"].said
    assert not answers["host agent"].wrong
    assert not answers["node-injector"].wrong


def test_a_node_that_is_not_there_is_wrong() -> None:
    answers = found(on_nodes(Cordon(node="node9")))
    assert answers["node of node"] == Finding("node of node", "node9 is not there", wrong=True)
    assert "host agent" not in answers


def test_a_node_that_the_agent_may_not_take_is_wrong() -> None:
    answers = found(on_nodes(KillNode(node="node1")))
    assert answers["host agent"].wrong
    assert "node1" in answers["host agent"].said


def test_without_an_agent_no_node_is_killed() -> None:
    answers = found(on_nodes(KillNode(node="node2")), agent_socket=None)
    assert answers["host agent"].wrong
