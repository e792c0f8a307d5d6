"""How many drills a machine carries."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from drillbook.cli.capacity import OWN_BYTES, PER_PROCESSOR, memory, room
from drillbook.cli.schedule import Room
from drillbook.model import Workload
from tests import runbook_examples as examples

MOST = PER_PROCESSOR * len(os.sched_getaffinity(0))


def test_as_many_as_processors_and_the_control_groups_memory_carry(tmp_path: Path) -> None:
    assert room(7, workloads_here=True) == Room(7), "what was asked for"
    (tmp_path / "memory.max").write_text(f"{3 * OWN_BYTES}\n")
    (tmp_path / "memory.current").write_text(f"{OWN_BYTES}\n")
    assert room(None, workloads_here=True, cgroup=tmp_path) == Room(MOST, 2.0 * OWN_BYTES)
    assert room(None, workloads_here=False, cgroup=tmp_path).jobs == min(MOST, 2)
    (tmp_path / "memory.max").write_text("max\n")
    assert room(None, workloads_here=True, cgroup=tmp_path).memory > 0


@pytest.mark.parametrize(
    ("resources", "replicas", "wanted"),
    [
        ({"requests": {"memory": "512Mi"}, "limits": {"memory": "1Gi"}}, 1, 512 * 2**20),
        ({"limits": {"memory": "1.5G"}}, 2, 3 * 10**9),
        ({"requests": {"memory": 1000}}, 1, 1000),
        ({}, 3, 0),
    ],
)
def test_a_drill_asks_for_what_it_declares(resources: object, replicas: int, wanted: float) -> None:
    pod = {"containers": [{"name": "a", "resources": resources}]}
    (deployment,) = examples.workload().manifests
    made = {**deployment, "spec": {"replicas": replicas, "template": {"spec": pod}}}
    own = (made, {**deployment, "kind": "Service"})
    load = Workload((replace(examples.component(), manifests=own),))
    assert memory(examples.cause(load=load)) == OWN_BYTES + wanted
