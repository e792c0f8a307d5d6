"""What counts as running, and what counts as unchanged."""

import copy
from typing import Any

import pytest

from drillbook_staging.survey import WORKLOADS, survey, told

Json = dict[str, Any]


def deployment(namespace: str, name: str) -> Json:
    counts = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "observedGeneration": 2}
    metadata = {"namespace": namespace, "name": name, "generation": 2}
    return {"kind": "Deployment", "metadata": metadata, "spec": {"replicas": 1}, "status": counts}


def kube_proxy() -> Json:
    counts = {
        "desiredNumberScheduled": 2,
        "updatedNumberScheduled": 2,
        "numberAvailable": 2,
        "observedGeneration": 1,
    }
    metadata = {"namespace": "kube-system", "name": "kube-proxy", "generation": 1}
    return {"kind": "DaemonSet", "metadata": metadata, "spec": {}, "status": counts}


def a_node(name: str, ready: str = "True") -> Json:
    conditions = [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": ready}]
    return {"kind": "Node", "metadata": {"name": name}, "status": {"conditions": conditions}}


def healthy() -> dict[str, Json]:
    return {
        "namespace": {"kind": "Namespace", "metadata": {"name": "kube-system", "uid": "u-1"}},
        "node1": a_node("node1"),
        "node2": a_node("node2"),
        "proxy": kube_proxy(),
        "coredns": deployment("kube-system", "coredns"),
        "prometheus": deployment("monitoring", "prometheus"),
        "alertmanager": deployment("monitoring", "alertmanager"),
        "metrics": deployment("monitoring", "kube-state-metrics"),
        "volumes": deployment("local-path-storage", "local-path-provisioner"),
        "reaper": deployment("drillbook-system", "reaper"),
        "drilled": deployment("drill-x", "prometheus"),
    }


def lacks(objects: dict[str, Json]) -> list[str]:
    return survey(list(objects.values())).lacks(["node1", "node2"])


def test_a_healthy_cluster_lacks_nothing() -> None:
    found = survey(list(healthy().values()))
    assert found.uid == "u-1"
    assert found.lacks(["node1", "node2"]) == []
    assert set(found.running) == set(WORKLOADS)


@pytest.mark.parametrize("status", ["False", "Unknown"])
def test_a_node_that_is_not_ready_is_named(status: str) -> None:
    objects = healthy() | {"node2": a_node("node2", status)}
    assert lacks(objects) == ["node2 is not Ready"]


def test_a_node_that_is_not_listed_is_named() -> None:
    objects = healthy()
    del objects["node1"]
    assert lacks(objects) == ["node1 is not Ready"]


@pytest.mark.parametrize(
    "status",
    [
        {"availableReplicas": 0},
        {"updatedReplicas": 0},
        {"replicas": 2},  # the old one is not gone
        {"observedGeneration": 1},  # nobody has looked at the newest version
    ],
)
def test_a_deployment_on_its_way_does_not_run(status: Json) -> None:
    objects = healthy()
    objects["prometheus"]["status"] |= status
    assert lacks(objects) == ["monitoring/Deployment/prometheus is not available"]


@pytest.mark.parametrize(
    "status", [{"numberAvailable": 1}, {"desiredNumberScheduled": 0, "numberAvailable": 0}]
)
def test_a_daemon_that_is_not_on_every_node_does_not_run(status: Json) -> None:
    objects = healthy()
    objects["proxy"]["status"] |= status
    assert lacks(objects) == ["kube-system/DaemonSet/kube-proxy is not available"]


def test_a_drills_own_workload_of_the_same_name_is_not_ours() -> None:
    objects = healthy()
    del objects["prometheus"]
    assert lacks(objects) == ["monitoring/Deployment/prometheus is not available"]


# --------------------------------------------------------------------------- unchanged


def test_what_the_cluster_notes_is_no_change() -> None:
    before = deployment("monitoring", "prometheus")
    after = copy.deepcopy(before)
    after["status"]["replicas"] = 7
    after["metadata"]["resourceVersion"] = "8"
    after["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "2"}
    assert told([before]) == told([after])


@pytest.mark.parametrize("part", ["spec", "data", "rules"])
def test_what_people_ask_is(part: str) -> None:
    before = deployment("monitoring", "prometheus")
    assert told([before]) != told([before | {part: {"replicas": 2}}])
    assert told([before]) != told([])


def test_a_label_is_asked_for() -> None:
    """The guard reads one of the system namespace's."""
    before = deployment("monitoring", "prometheus")
    after = copy.deepcopy(before)
    after["metadata"]["labels"] = {"environment": "staging"}
    assert told([before]) != told([after])
