"""How much a drill may touch: counted one way, and refused above the caps."""

from dataclasses import replace
from typing import Any

import pytest

from drillbook.cluster.settings import Settings
from drillbook.drill.caps import blast_radius, nodes, refuse_over_caps
from drillbook.model import (
    BoundCause,
    Change,
    Cordon,
    Create,
    CutNode,
    KillNode,
    Manifest,
    Scale,
    Target,
    Workload,
)
from drillbook.model.errors import Refused
from tests import runbook_examples as examples

SETTINGS = Settings()


def manifest(kind: str, **spec: Any) -> Manifest:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "orders"}, "spec": spec}


def drilling(*made: Manifest, changes: tuple[Change, ...] = ()) -> BoundCause:
    load = Workload((replace(examples.component(), manifests=made),))
    return examples.cause(
        "many", load=load, fault=replace(examples.FAULT, changes=changes or examples.FAULT.changes)
    )


@pytest.mark.parametrize(
    ("made", "count"),
    [
        (manifest("Pod"), 1),
        (manifest("DaemonSet"), 1),
        (manifest("Deployment"), 1),
        (manifest("Deployment", replicas=0), 0),
        (manifest("StatefulSet", replicas=5), 5),
        (manifest("Job", parallelism=4, completions=100), 4),
        (manifest("CronJob", jobTemplate={"spec": {"parallelism": 3}}), 3),
        (manifest("CronJob"), 1),
        (manifest("ConfigMap"), 0),
    ],
)
def test_what_is_declared_is_counted(made: Manifest, count: int) -> None:
    assert blast_radius(drilling(made), SETTINGS).pods == count


def test_what_the_fault_makes_scales_to_or_takes_counts_beside_the_workload() -> None:
    changes = (
        Create(manifest=manifest("Job", parallelism=4)),
        Scale(target=Target(api_version="apps/v1", kind="Deployment", name="x"), replicas=50),
    )
    cause = drilling(manifest("Deployment", replicas=2), manifest("Pod"), changes=changes)
    assert blast_radius(cause, SETTINGS).pods == 2 + 1 + 4 + 50
    with pytest.raises(Refused, match=r"spec\.replicas is 'many'.*Nothing was changed"):
        blast_radius(drilling(manifest("Deployment", replicas="many")), SETTINGS)
    taken = (Cordon(node="node2"), KillNode(node="node2"), CutNode(node="node3"))
    assert nodes(drilling(changes=taken)) == ("node2", "node3")


def test_every_budget_counts_towards_the_time() -> None:
    def longest(cause: BoundCause, **settings: Any) -> float:
        return blast_radius(cause, Settings(**settings)).longest_s

    cause = examples.cause()
    before = longest(cause)
    assert longest(replace(cause, scenarios=cause.scenarios[1:])) == before - 90  # "within 90s"
    assert longest(cause, undo_within="3m") == before + 60
    assert longest(cause, effect_within="4m") == before + 2 * 60  # and again when reinjected


@pytest.mark.parametrize(
    ("settings", "cause", "said"),
    [
        ({"max_pods": 5}, drilling(manifest("Deployment", replicas=5)), ""),
        ({"max_pods": 5}, drilling(manifest("Pod"), manifest("Job", parallelism=5)), "6 pods, and"),
        ({"max_nodes": 1}, drilling(changes=(CutNode(node="a"), Cordon(node="b"))), "2 nodes, and"),
        ({"max_nodes": 0}, drilling(changes=(CutNode(node="a"),)), "`max_nodes` is 0"),
        ({"max_drill": "5m"}, drilling(), "`max_drill` is 5m"),
        ({}, examples.cause(), ""),
    ],
)
def test_over_a_cap_is_refused(settings: dict[str, Any], cause: BoundCause, said: str) -> None:
    bound = examples.runbook(cause)
    if not said:
        refuse_over_caps(Settings(**settings), bound)
        return
    with pytest.raises(Refused, match=said) as refusal:
        refuse_over_caps(Settings(**settings), bound)
    assert f"RB-APP-001 {cause.cause.id}" in str(refusal.value)
    assert str(refusal.value).endswith("Nothing was changed.")


def test_every_cap_of_every_cause_is_told_at_once() -> None:
    two = examples.runbook(drilling(manifest("Pod"), manifest("Pod")), examples.cause("small"))
    with pytest.raises(Refused) as refusal:
        refuse_over_caps(Settings(max_pods=1, max_drill="5m"), two)
    assert str(refusal.value).count("max_pods") == 1
    assert str(refusal.value).count("max_drill") == 2
