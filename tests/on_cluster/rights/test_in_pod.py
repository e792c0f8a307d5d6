"""The inspector reads inside of a real container of a drill, and so does the line it prints."""

import subprocess

import pytest

from drillbook.model import Absent, Part
from drillbook.sources import InPod, Look
from tests.on_cluster.rights.world import World
from tests.waiting import await_

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("rights")]
SERVER = Part(role="server", kind="Deployment", name="db", selector="app=db", container="main")
LABELS = {"app": "db"}


def deployment(image: str) -> dict[str, object]:
    container = {"name": "main", "image": image, "command": ["sleep", "3600"]}
    pod = {"containers": [container], "terminationGracePeriodSeconds": 0}
    template = {"metadata": {"labels": LABELS}, "spec": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "db"},
        "spec": {"selector": {"matchLabels": LABELS}, "template": template},
    }


def test_a_printed_exec_reads_what_the_drill_reads(world: World) -> None:
    pods = world["administrator"].core.list_namespaced_pod("drillbook-system").items
    image = pods[0].spec.containers[0].image  # the reaper's: it is on the nodes
    api = world["provisioner"].resource("apps/v1", "Deployment")
    api.create(body=deployment(image), namespace=world.namespace)
    inspector = world["inspector"]
    inspector.values |= {"NAMESPACE": world.namespace, "CONTEXT": inspector.settings.context or ""}
    source = InPod(part=SERVER, look=Look.EXISTS, of="/etc/passwd")
    await_("a ready pod", lambda: not isinstance(source.read(inspector).answer, Absent), 60)
    assert source.read(inspector).answer == "/etc/passwd"
    line = ["bash", "-eu", "-c", str(source.command())]
    done = subprocess.run(line, env=inspector.environment(), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert source.parse(done.stdout) == "/etc/passwd"
    api.delete(name="db", namespace=world.namespace)
