"""The agent's socket and the engine's client, against each other."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from drillbook.changes.host_agent import Held, Hello, HostAgent, address
from drillbook.model.errors import CouldNotTell, Refused, UndoFailed
from drillbook_staging.agent.server import Desk, Server
from tests.staging.agent_world import NOON, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "agent")


@pytest.fixture
def path(tmp_path: Path, world: World) -> Iterator[Path]:
    """The socket of a served keeper, deeper than the kernel takes by name."""
    folder = tmp_path / ("deep-" * 20) / ("deeper-" * 10)
    folder.mkdir(parents=True)
    with Server(folder / "agent.sock", Desk(world.keeper(), "v1", parent=0)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder / "agent.sock"
        server.shutdown()
        thread.join()


def held(state: str, said: str = "") -> Held:
    return Held("drill-a", 1, "kill-node", "node2", NOON + 30, state, said)


def test_a_change_there_and_back(world: World, path: Path) -> None:
    agent = HostAgent(path)
    assert agent.apply("drill-a", 1, "kill-node", "node2", NOON + 30) == held("APPLIED")
    assert world.away
    assert agent.held() == (held("APPLIED"),)
    agent.renew("drill-a", NOON + 40)
    assert agent.held()[0].expires == NOON + 40
    assert [each.node for each in agent.undo("drill-a")] == ["node2"]
    assert world.away == {}
    assert agent.held() == ()


def test_it_says_who_it_is(path: Path) -> None:
    # Its parent is not process 0: as if the supervisor had died.
    assert HostAgent(path).hello() == Hello("v1", ("node2", "node3"), supervised=False)


def test_its_refusals_are_refusals(path: Path) -> None:
    agent = HostAgent(path)
    with pytest.raises(Refused, match="the host agent: node1 carries the control plane"):
        agent.apply("drill-a", 1, "kill-node", "node1", NOON + 30)
    with pytest.raises(Refused, match=r"apply\.verb"):
        agent.apply("drill-a", 1, "halt", "node2", NOON + 30)


def test_an_undo_that_fails_is_told_as_such(world: World, path: Path) -> None:
    agent = HostAgent(path)
    agent.apply("drill-a", 1, "kill-node", "node2", NOON + 30)
    world.fails = "no bridge"
    with pytest.raises(UndoFailed, match=r"node2 is not back: no bridge\. It is tried again"):
        agent.undo("drill-a")
    assert agent.held() == (held("UNDOING", "no bridge"),)


def test_a_disk_that_is_full_is_told(world: World, path: Path) -> None:
    agent = HostAgent(path)
    agent.apply("drill-a", 1, "kill-node", "node2", NOON + 30)
    world.full = True
    with pytest.raises(CouldNotTell, match="No space left"):
        agent.renew("drill-a", NOON + 40)


def test_the_socket_is_roots_alone(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_socket_that_a_killed_agent_left_is_replaced(path: Path, world: World) -> None:
    left = path.with_name("left.sock")
    with socket.socket(socket.AF_UNIX) as dead, address(left) as name:
        dead.bind(name)
    with Server(left, Desk(world.keeper(), "v2", parent=0)):
        assert left.exists()


@pytest.mark.parametrize("name", ["agent.sock", "none/agent.sock"])
def test_nobody_there_says_who_starts_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(CouldNotTell, match=r"No such file.*`drillbook staging up` starts it"):
        HostAgent(tmp_path / name).hello()


@pytest.mark.parametrize("answer", [b"", b"Bad gateway\n", b'{"vers'])
def test_half_an_answer_is_none(tmp_path: Path, answer: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen()

        def serve() -> None:
            talk, _ = listening.accept()
            with talk:
                talk.recv(1000)
                talk.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(CouldNotTell, match="gave no answer to 'hello'"):
            HostAgent(tmp_path / "s").hello()
        thread.join()


def test_several_lines_on_one_connection_and_garbage_between(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as talk, address(path) as name:
        talk.connect(name)
        talk.sendall(b'{"do": "list"}\nnonsense\n{"do": "list"}\n')
        with talk.makefile("rb") as lines:
            answers = [json.loads(lines.readline()) for _ in range(3)]
    assert answers[0] == answers[2] == {"held": []}
    assert answers[1]["kind"] == "refused"
    assert "Invalid JSON" in answers[1]["error"]


def test_a_line_without_end_is_refused_and_the_connection_closed(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as talk, address(path) as name:
        talk.settimeout(10)
        talk.connect(name)
        talk.sendall(b"x" * 65_537)
        with talk.makefile("rb") as lines:
            assert "longer than" in json.loads(lines.readline())["error"]
            assert lines.readline() == b""
