"""The host agent on real nodes: taken away, and brought back whatever died meanwhile."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from drillbook.changes.host_agent import HostAgent
from drillbook.model.errors import CouldNotTell, Refused
from drillbook_staging import addresses, images, lifecycle, node, platform
from drillbook_staging.agent import launch
from drillbook_staging.lifecycle import Session
from drillbook_staging.places import Places, places
from drillbook_staging.progress import Progress
from drillbook_staging.shell import Shell
from tests.on_cluster.killing import Rehearsal
from tests.on_cluster.snapshot import kubectl
from tests.waiting import await_

pytestmark = [pytest.mark.cluster, pytest.mark.alone]

SECOND = addresses.Node(2)
DRILL = "drill-of-a-test"
READY_WITHIN_S = 60.0
UNDO_TAKES_S = 8.0
NAMESPACE = "host-agent"
PORT = 8080
SERVER = (
    "$s = IO::Socket::INET->new(Listen => 5, LocalPort => 8080, ReuseAddr => 1);"
    'while ($c = $s->accept) { print $c "alive\\n"; close $c }'
)


def is_ready() -> bool:
    path = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
    return kubectl("get", "node", SECOND.name, "--output", path) == "True"


def is_whole() -> bool:
    return node.lacks(places(), SECOND) == []


@pytest.fixture
def at() -> Places:
    return places()


@pytest.fixture
def agent(at: Places) -> Iterator[HostAgent]:
    """An agent that runs this code, and a node that is whole before and after."""
    launch.ensure(Shell(at, "test"))
    found = HostAgent(at.agent_socket)
    assert is_whole()
    yield found
    launch.ensure(Shell(at, "test"))
    found.undo(DRILL)
    await_("the node is Ready again", is_ready, READY_WITHIN_S)


# --------------------------------------------------------------------------- a pod on the node


def begin_pod(name: str) -> None:
    """A pod that may run on the second node alone, and answers on a port."""
    container = {
        "name": "server",
        "image": "localhost/debian:12",
        "imagePullPolicy": "Never",
        "command": ["perl", "-MIO::Socket::INET", "-e", SERVER],
    }
    spec = {
        "containers": [container],
        "nodeSelector": {"kubernetes.io/hostname": SECOND.name},
        "terminationGracePeriodSeconds": 0,
    }
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    kubectl("--namespace", NAMESPACE, "apply", "--filename", "-", told=json.dumps(body))


def answers(name: str) -> bool:
    """Asked from the host, which reaches the pod through the bridge and the node's cable."""
    path = "jsonpath={.status.podIP}"
    ip = kubectl("--namespace", NAMESPACE, "get", "pod", name, "--output", path)
    try:
        with socket.create_connection((ip, PORT), timeout=1) as asking:
            return bool(ip) and asking.recv(100) == b"alive\n"
    except OSError:
        return False


@pytest.fixture
def pod() -> Iterator[str]:
    """One that runs there already."""
    # Older ones of a test that was killed go first.
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")
    kubectl("create", "namespace", NAMESPACE)
    await_("its service account", lambda: "default" in _accounts(), 30)
    begin_pod("before")
    await_("the pod answers", lambda: answers("before"), 60)
    yield "before"
    kubectl("delete", "namespace", NAMESPACE)


def _accounts() -> str:
    return kubectl("--namespace", NAMESPACE, "get", "serviceaccounts", "--output", "name")


@pytest.mark.parametrize("change", ["kill", "cut"])
def test_a_drilled_node_is_lost_and_comes_back_to_work(
    agent: HostAgent, pod: str, change: str, rehearse: Callable[..., Rehearsal]
) -> None:
    """By the agent, asked by a drill, whose effect is that the node is NotReady."""
    found = rehearse(change, "--hold", "2")
    found.await_line("effect confirmed")
    assert agent.held()
    assert not is_whole()
    assert not is_ready()
    assert not answers(pod)
    found.ended()
    assert "injection confirmed, undo verified" in found.said, found.said
    assert not agent.held()
    assert is_whole()
    assert is_ready()
    begin = time.monotonic()
    await_("the old pod answers", lambda: answers(pod), 60)
    back_s = time.monotonic() - begin
    begin_pod("after")
    await_("a new pod answers", lambda: answers("after"), 60)
    print(f"{change}: its pod answers {back_s:.1f} s after the drill's end")


def test_a_node_that_was_cut_off_has_another_kubelet_and_the_same_pods(
    agent: HostAgent, at: Places, pod: str
) -> None:
    """A kubelet that goes on would wait for up to a minute, by its back-off."""
    first = node.first_processes(at)[SECOND.name]
    kubelet, container = node.kubelets(first), container_of(pod)
    assert len(kubelet) == 1
    agent.apply(DRILL, 1, "cut-network", SECOND.name, time.time() + 60)
    agent.undo(DRILL)
    await_("another kubelet", lambda: node.kubelets(first) not in ([], kubelet), 10)
    await_("the node is Ready", is_ready, READY_WITHIN_S)
    await_("the pod answers", lambda: answers(pod), 60)
    assert container_of(pod) == container
    assert node.first_processes(at)[SECOND.name] == first


def container_of(pod: str) -> str:
    path = "jsonpath={.status.containerStatuses[0].containerID}"
    return kubectl("--namespace", NAMESPACE, "get", "pod", pod, "--output", path)


# --------------------------------------------------------------------------- nobody asks


@pytest.mark.parametrize("verb", ["kill-node", "cut-network"])
def test_it_comes_back_at_expiry_without_a_request(agent: HostAgent, verb: str) -> None:
    expires = time.time() + 3
    agent.apply(DRILL, 1, verb, SECOND.name, expires)
    assert not is_whole()
    await_("the node is whole", is_whole, 3 + 2 + UNDO_TAKES_S)
    late_s = time.time() - expires
    assert late_s > -0.1
    await_("nothing is held", lambda: not agent.held(), 5)
    print(f"{verb}: whole {late_s:.2f} s after its expiry")


def kill_all(found: set[int]) -> None:
    assert found
    for process in found:
        os.kill(process, signal.SIGKILL)


def the_agent(at: Places) -> set[int]:
    return {each for each in launch.processes(at) if "--state" in node.words(each)}


def test_it_comes_back_when_the_agent_was_killed(agent: HostAgent, at: Places) -> None:
    expires = time.time() + 4
    agent.apply(DRILL, 1, "kill-node", SECOND.name, expires)
    before = the_agent(at)
    kill_all(before)
    await_("the node is whole", is_whole, 4 + 2 + UNDO_TAKES_S)
    print(f"agent killed: whole {time.time() - expires:.2f} s after its expiry")
    assert the_agent(at)
    assert the_agent(at) != before


@pytest.mark.campaign
@pytest.mark.parametrize("verb", ["kill-node", "cut-network"])
def test_it_comes_back_when_its_supervisor_was_killed_too(
    agent: HostAgent, at: Places, verb: str
) -> None:
    agent.apply(DRILL, 1, verb, SECOND.name, time.time() + 2)
    launch.end(at)
    assert launch.processes(at) == set()
    with pytest.raises(CouldNotTell, match="drillbook staging up"):
        agent.held()
    time.sleep(3)
    assert not is_whole()
    begin = time.monotonic()
    launch.ensure(Shell(at, "test"))
    await_("the node is whole", is_whole, 2 + UNDO_TAKES_S)
    print(f"{verb}: both killed, whole {time.monotonic() - begin:.2f} s after the next start")


@pytest.mark.campaign
@pytest.mark.parametrize("after_s", [0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.2])
def test_it_comes_back_when_the_agent_dies_in_its_undo(
    agent: HostAgent, at: Places, after_s: float
) -> None:
    agent.apply(DRILL, 1, "kill-node", SECOND.name, time.time() + 60)
    asking = threading.Thread(target=_ask_for_undo, args=(agent,))
    asking.start()
    time.sleep(after_s)
    kill_all(the_agent(at))
    asking.join()
    await_("the node is whole", is_whole, 60 + 2 + 2 * UNDO_TAKES_S)
    launch.ensure(Shell(at, "test"))
    await_("nothing is held", lambda: not agent.held(), 70)
    await_("the node is Ready", is_ready, READY_WITHIN_S)


def _ask_for_undo(agent: HostAgent) -> None:
    try:
        agent.undo(DRILL)
    except CouldNotTell:
        return  # it was killed before it could answer


@pytest.mark.campaign
def test_a_node_that_dies_while_it_is_cut_is_started(agent: HostAgent, at: Places) -> None:
    agent.apply(DRILL, 1, "cut-network", SECOND.name, time.time() + 60)
    node.kill(Shell(at, "test"), SECOND)
    agent.undo(DRILL)
    assert is_whole()


# --------------------------------------------------------------------------- refused


def test_refusals_change_nothing(agent: HostAgent) -> None:
    for name, why in (("node1", "never that one"), ("node7", "no node 'node7'")):
        with pytest.raises(Refused, match=why):
            agent.apply(DRILL, 1, "kill-node", name, time.time() + 60)
    with pytest.raises(Refused, match="has passed"):
        agent.apply(DRILL, 1, "kill-node", SECOND.name, time.time() - 1)
    assert is_whole()
    assert agent.held() == ()


def test_up_is_refused_while_a_node_is_away(agent: HostAgent, at: Places) -> None:
    """Planned only: what `up` would do next is for others to bear."""
    rules = platform.alert_rules(at.root)
    session = Session(at, addresses.nodes(2), images.read(at), rules, Progress())
    agent.apply(DRILL, 1, "kill-node", SECOND.name, time.time() + 60)
    launch.end(at)
    with pytest.raises(Refused, match=r"`staging up` would end .*node2 \(kill-node by drill-of-a"):
        lifecycle.plan(session, force=False)
    agent.undo(DRILL)  # which has been started for it
