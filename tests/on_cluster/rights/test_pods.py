"""Who may connect to a drill's pods: asked of one that is not there, so that the answer is the
policy's and RBAC's alone."""

import pytest

from drillbook.cluster.in_pod import exec_in_pod
from drillbook.model.errors import CouldNotTell
from drillbook.model.object_ref import ObjectRef
from tests.on_cluster.rights.world import World

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize(
    ("who", "answer"),
    [
        ("inspector", r'pods "nobody" not found'),
        ("injector", r'pods "nobody" not found'),
        ("responder", r'pods "nobody" not found'),
        ("observer", r'cannot (?:get|create) resource "pods/exec"'),
        ("provisioner", r'cannot (?:get|create) resource "pods/exec"'),
    ],
)
def test_who_runs_programs_in_a_drills_pods(world: World, who: str, answer: str) -> None:
    pod = ObjectRef(api_version="v1", kind="Pod", name="nobody", namespace=world.namespace)
    with pytest.raises(CouldNotTell, match=answer):
        exec_in_pod(world[who], pod, "c", ("true",), 1.0)
