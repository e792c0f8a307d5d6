"""How much a drill may touch: counted, and refused above the caps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drillbook.changes.faults.quota import quota
from drillbook.cluster.settings import Settings
from drillbook.drill.caps import blast_radius, excesses, nodes, refuse_over_caps
from drillbook.model import (
    BoundCause,
    Change,
    Cordon,
    Create,
    CutNode,
    Fault,
    KillNode,
    Manifest,
    Patch,
    Scale,
    Target,
    Var,
    Workload,
    join,
)
from drillbook.model.errors import Refused
from tests import runbook_examples as examples

SETTINGS = Settings()
APP = Var("APP")


def manifest(kind: str, name: str = "orders", **spec: Any) -> Manifest:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def autoscaler(kind: str, name: str, most: int) -> Manifest:
    target = {"apiVersion": "apps/v1", "kind": kind, "name": name}
    return manifest("HorizontalPodAutoscaler", "hpa", maxReplicas=most, scaleTargetRef=target)


def load(*manifests: Manifest) -> Workload:
    return replace(examples.workload(), manifests=manifests)


def fault(*patches: Patch) -> Fault:
    return replace(examples.FAULT, changes=patches)


def scaled(replicas: object, **target: Any) -> Patch:
    found = Target(api_version="apps/v1", **{"kind": "Deployment", **target})
    return Patch(target=found, patch={"spec": {"replicas": replicas}})


def pods(cause: BoundCause, cluster_nodes: int = 1) -> int:
    return blast_radius(cause, SETTINGS, cluster_nodes).pods


# --------------------------------------------------------------------------- pods


@pytest.mark.parametrize(
    ("made", "count"),
    [
        (manifest("Pod"), 1),
        (manifest("Deployment"), 1),
        (manifest("Deployment", replicas=0), 0),
        (manifest("StatefulSet", replicas=5), 5),
        (manifest("Job", parallelism=4, completions=100), 4),
        (manifest("Job"), 1),
        (manifest("CronJob", jobTemplate={"spec": {"parallelism": 3}}), 3),
        (manifest("DaemonSet"), 7),
        (manifest("ConfigMap"), 0),
    ],
)
def test_what_a_manifest_asks_for(made: Manifest, count: int) -> None:
    assert pods(examples.cause(load=load(made)), cluster_nodes=7) == count


def test_all_of_a_workload_counts() -> None:
    both = load(manifest("Deployment", replicas=2), manifest("StatefulSet", "db", replicas=3))
    assert pods(examples.cause(load=both)) == 5


def test_an_autoscaler_counts_as_far_as_it_may_go_and_its_target_not_twice() -> None:
    grows = load(manifest("Deployment", replicas=2), autoscaler("Deployment", "orders", 9))
    assert pods(examples.cause(load=grows)) == 9


def test_an_autoscaler_of_something_else_counts_beside() -> None:
    beside = load(manifest("Deployment", replicas=2), autoscaler("Deployment", "other", 9))
    assert pods(examples.cause(load=beside)) == 11


@pytest.mark.parametrize(
    "target",
    [
        {"name": "orders"},
        {"name": APP},
        {"selector": "app=orders"},
        {"name": join(Var("NOBODY_KNOWS"), "-x")},
    ],
)
def test_a_fault_that_scales_counts(target: dict[str, Any]) -> None:
    cause = examples.cause(
        load=load(manifest("Deployment", replicas=2)), fault=fault(scaled(50, **target))
    )
    assert pods(cause) == 50


@pytest.mark.parametrize("target", [{"name": "other"}, {"name": "orders", "kind": "StatefulSet"}])
def test_a_fault_on_something_else_does_not(target: dict[str, Any]) -> None:
    cause = examples.cause(
        load=load(manifest("Deployment", replicas=2)), fault=fault(scaled(50, **target))
    )
    assert pods(cause) == 2


def test_a_fault_that_scales_down_makes_it_no_smaller() -> None:
    cause = examples.cause(
        load=load(manifest("Deployment", replicas=2)), fault=fault(scaled(0, name="orders"))
    )
    assert pods(cause) == 2


def test_what_cannot_be_counted_is_refused() -> None:
    cause = examples.cause(load=load(manifest("Deployment", replicas="many")))
    with pytest.raises(Refused, match=r"spec\.replicas is 'many'.*Nothing was changed"):
        pods(cause)


def test_a_scale_counts_as_a_patch_of_the_replicas_does() -> None:
    changes = (
        Scale(target=Target(api_version="apps/v1", kind="Deployment", name=APP), replicas=50),
    )
    cause = examples.cause(
        load=load(manifest("Deployment", replicas=2)),
        fault=replace(examples.FAULT, changes=changes),
    )
    assert pods(cause) == 50


def test_what_a_fault_creates_counts_beside_the_workload() -> None:
    changes = (Create(manifest=manifest("Job", "load", parallelism=4)),)
    assert pods(examples.cause(fault=replace(examples.FAULT, changes=changes))) == 1 + 4


# --------------------------------------------------------------------------- nodes


def on_nodes(*changes: Change) -> BoundCause:
    return examples.cause(fault=replace(examples.FAULT, changes=changes))


def test_each_node_counts_once() -> None:
    cause = on_nodes(Cordon(node="node2"), KillNode(node="node2"), CutNode(node="node3"))
    assert nodes(cause) == ("node2", "node3")


def test_a_drill_that_takes_more_nodes_than_the_cap_is_refused() -> None:
    bound = examples.runbook(on_nodes(Cordon(node="node2"), KillNode(node="node3")))
    refuse_over_caps(Settings(max_nodes=2), bound)
    with pytest.raises(Refused, match="asks for 2 nodes, and `max_nodes` is 1"):
        refuse_over_caps(SETTINGS, bound)


def test_a_cap_of_no_nodes_forbids_them() -> None:
    with pytest.raises(Refused, match="max_nodes"):
        refuse_over_caps(Settings(max_nodes=0), examples.runbook(on_nodes(CutNode(node="node2"))))


# --------------------------------------------------------------------------- time


def test_every_budget_counts_towards_the_time() -> None:
    def longest(cause: BoundCause, **settings: Any) -> float:
        return blast_radius(cause, Settings(**settings)).longest_s

    cause = examples.cause()
    before = longest(cause)
    assert longest(replace(cause, scenarios=cause.scenarios[1:])) == before - 90  # "within 90s"
    assert longest(cause, undo_within="3m") == before + 60
    assert longest(cause, effect_within="4m") == before + 2 * 60  # and again when reinjected


# --------------------------------------------------------------------------- caps


def many(replicas: int) -> BoundCause:
    return examples.cause("many", load=load(manifest("Deployment", replicas=replicas)))


def test_a_small_drill_is_not_refused() -> None:
    refuse_over_caps(SETTINGS, examples.runbook())


def test_as_much_as_the_cap_is_allowed_and_one_more_is_not() -> None:
    settings = Settings(max_pods=5)
    refuse_over_caps(settings, examples.runbook(many(5)))
    with pytest.raises(Refused, match="asks for 6 pods, and `max_pods` is 5") as refusal:
        refuse_over_caps(settings, examples.runbook(many(6)))
    assert "RB-APP-001 many" in str(refusal.value)
    assert "Nothing was changed" in str(refusal.value)
    assert refusal.value.exit_code == 3


def test_a_drill_that_may_take_too_long_is_refused() -> None:
    with pytest.raises(Refused, match=r"asks for up to \d+ s, and `max_drill` is 5m"):
        refuse_over_caps(Settings(max_drill="5m"), examples.runbook())


def test_every_cap_of_every_cause_is_told_at_once() -> None:
    settings = Settings(max_pods=1, max_drill="5m")
    with pytest.raises(Refused) as refusal:
        refuse_over_caps(settings, examples.runbook(many(2), examples.cause("small")))
    assert str(refusal.value).count("max_pods") == 1
    assert str(refusal.value).count("max_drill") == 2


def test_a_daemon_set_counts_on_every_node() -> None:
    bound = examples.runbook(examples.cause(load=load(manifest("DaemonSet"))))
    refuse_over_caps(Settings(max_pods=3), bound, cluster_nodes=3)
    with pytest.raises(Refused, match="4 pods"):
        refuse_over_caps(Settings(max_pods=3), bound, cluster_nodes=4)


def test_the_quota_holds_the_same_cap() -> None:
    assert quota(Settings(max_pods=7))["spec"] == {"hard": {"pods": "7"}}


def test_nothing_is_over_a_cap_without_a_reason() -> None:
    assert excesses(SETTINGS, blast_radius(examples.cause(), SETTINGS)) == []
