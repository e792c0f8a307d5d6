"""The reaper runs the engine's own image, as nobody, and every node carries it."""

import json
from typing import Any

import pytest

from drillbook_staging import engine, images, node, nodes_images, state
from drillbook_staging.cluster import Kubectl
from drillbook_staging.places import places
from drillbook_staging.shell import Shell

pytestmark = pytest.mark.cluster


def kubectl() -> Kubectl:
    known = state.read(places())
    assert known is not None
    return Kubectl(Shell(places(), "test"), known.bin / "kubectl")


def pod() -> dict[str, Any]:
    words = ("get", "pods", "--namespace", "drillbook-system", "--selector", "app=reaper")
    running = json.loads(kubectl().output(*words, "--output", "json"))["items"]
    (found,) = [one for one in running if not one["metadata"].get("deletionTimestamp")]
    return dict(found)


def test_every_node_carries_the_image_that_the_reaper_is_annotated_with() -> None:
    image = images.read(places()).named(engine.REFERENCE)
    assert pod()["metadata"]["annotations"][engine.ANNOTATION] == image.key
    processes = node.first_processes(places())
    assert processes
    for process in processes.values():
        found = nodes_images.names(Shell(places(), "test"), process)
        assert engine.REFERENCE in found
        assert [each for each in found if each.startswith(image.family)] == [image.by_key]


def test_it_runs_on_the_first_node_as_nobody_and_cannot_write() -> None:
    found = pod()
    assert found["spec"]["nodeName"] == "node1"
    status = found["status"]["containerStatuses"][0]
    assert status["ready"]
    exec_ = ("exec", "--namespace", "drillbook-system", found["metadata"]["name"], "--")
    assert kubectl().output(*exec_, "id", "-u").strip() == "65534"
    tried = kubectl().output(*exec_, "sh", "-c", "touch /opt/drillbook/x 2>&1; echo ended with $?")
    assert "Read-only file system" in tried
    assert "ended with 1" in tried
