"""The agent as a process of its own, on a state folder without nodes; and how it is started."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path

import pytest

from drillbook.changes.host_agent import HostAgent
from drillbook.model.errors import CouldNotTell, Refused
from drillbook_staging.agent import launch, version
from drillbook_staging.agent.change import Change, Verb
from drillbook_staging.agent.journal import Journal
from drillbook_staging.places import Places
from tests.waiting import await_

PROGRAM = (sys.executable, "-m", "drillbook_staging.agent")


def at(root: Path) -> Places:
    return Places(root / "state", root / "cache", root)


def start(root: Path) -> subprocess.Popen[bytes]:
    folders = ("--state", str(at(root).state), "--cache", str(at(root).cache))
    return subprocess.Popen([*PROGRAM, *folders], stderr=subprocess.PIPE)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    child = start(tmp_path)
    yield child
    child.kill()
    child.communicate()


def agent(root: Path) -> HostAgent:
    """Once it answers."""
    found = HostAgent(at(root).agent_socket)
    until = time.monotonic() + 20
    while True:
        try:
            found.hello()
        except CouldNotTell:
            assert time.monotonic() < until
            time.sleep(0.05)
        else:
            return found


def log(root: Path) -> str:
    return (at(root).agent / "agent.log").read_text()


def test_it_teaches() -> None:
    said = subprocess.run([*PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
    for word in ("kill-node", "cut-network", "renew", "undo", "list", "agent.sock", "expires"):
        assert word in said


def test_it_says_which_code_it_runs(tmp_path: Path, running: subprocess.Popen[bytes]) -> None:
    found = agent(tmp_path).hello()
    assert (found.version, found.supervised) == (version.of_this_code(), True)
    with pytest.raises(Refused, match="no node 'node2'; there are none"):
        agent(tmp_path).apply("drill-a", 1, "kill-node", "node2", time.time() + 30)
    assert launch.is_current(at(tmp_path))


def test_the_same_python_by_another_name_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    before = version.of_this_code()
    monkeypatch.setattr(sys, "executable", f"{sys.executable}3")
    assert version.of_this_code() == before
    monkeypatch.setattr(sys, "prefix", "/another")
    assert version.of_this_code() != before


def test_none_and_one_of_other_code_are_not_current(
    tmp_path: Path, running: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    agent(tmp_path)
    monkeypatch.setattr(version, "PARTS", ("lock",))
    assert not launch.is_current(at(tmp_path))
    assert not launch.is_current(at(tmp_path / "none"))


def test_sigterm_ends_it_without_undoing(tmp_path: Path, running: subprocess.Popen[bytes]) -> None:
    agent(tmp_path)
    change = Change(
        drill="drill-a", sequence=1, verb=Verb.KILL_NODE, node="node2", expires=time.time() + 60
    )
    Journal(at(tmp_path).agent).write(change)
    running.send_signal(signal.SIGTERM)
    assert running.wait(20) == 0
    assert "ends, with 1 changes that are not undone" in log(tmp_path)
    assert Journal(at(tmp_path).agent).read().changes == (change,)


def test_the_second_waits_until_the_first_has_ended(
    tmp_path: Path, running: subprocess.Popen[bytes]
) -> None:
    agent(tmp_path)
    second = start(tmp_path)
    try:
        time.sleep(1.5)
        assert second.poll() is None
        assert log(tmp_path).count("listens at") == 1
        running.kill()
        running.wait()
        await_("it listens", lambda: f"process {second.pid} listens at" in log(tmp_path), 20)
        agent(tmp_path)
    finally:
        second.kill()
        second.communicate()


def test_what_the_supervisor_is_told(tmp_path: Path) -> None:
    odd = Places(tmp_path / "100% state", tmp_path / "cache", tmp_path)
    parser = RawConfigParser()
    parser.read_string(launch.config(odd))
    told = parser["program:agent"]
    assert told["autorestart"] == "true"
    words = shlex.split(told["command"].replace("%%", "%"))
    assert words == [*PROGRAM, "--state", str(odd.state), "--cache", str(odd.cache)]


def test_only_processes_with_our_mark_are_ended(
    tmp_path: Path, running: subprocess.Popen[bytes]
) -> None:
    """This one was not started by `up`, and does not carry it."""
    agent(tmp_path)
    launch.end(at(tmp_path))
    assert running.poll() is None
    marked = {**os.environ, "DRILLBOOK_PART_OF": str(at(tmp_path).state)}
    words = (*PROGRAM, "--state", str(at(tmp_path).state), "--cache", str(at(tmp_path).cache))
    ours = subprocess.Popen(words, env=marked)
    await_("ours is found", lambda: launch.processes(at(tmp_path)) == {ours.pid}, 20)
    launch.end(at(tmp_path))
    assert ours.wait(20) == -signal.SIGKILL
