"""`staging down` and `staging up` while a drill has a node away: `pytest -m staging`."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drillbook.changes.host_agent import HostAgent
from drillbook_staging import residue
from drillbook_staging.agent import launch
from drillbook_staging.places import places
from tests.staging.test_life import skip_what_passed

pytestmark = [pytest.mark.cluster, pytest.mark.staging]

DRILL = "drill-of-a-test"


def staging(*words: str) -> subprocess.CompletedProcess[str]:
    program = str(Path(sys.executable).parent / "drillbook")
    return subprocess.run(
        [program, "staging", *words],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )


@pytest.fixture(autouse=True)
def as_it_was_found() -> Iterator[None]:
    skip_what_passed()
    was_up = staging("status").returncode == 0
    begun = staging("up")
    assert begun.returncode == 0, begun.stderr
    yield
    ended = staging("up" if was_up else "down", "--force")
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("verb", ["kill-node", "cut-network"])
def test_down_is_refused_and_by_force_leaves_nothing(verb: str) -> None:
    agent = HostAgent(places().agent_socket)
    agent.apply(DRILL, 1, verb, "node2", time.time() + 600)
    for words in (("down",), ("up",)):
        refused = staging(*words)
        assert refused.returncode == 3, refused.stdout
        assert f"node2 ({verb} by {DRILL}" in refused.stderr
    assert [each.node for each in agent.held()] == ["node2"]
    done = staging("down", "--force")
    assert done.returncode == 0, done.stderr
    assert residue.find(places()) == []
    assert launch.processes(places()) == set()


def test_up_by_force_brings_a_whole_cluster() -> None:
    HostAgent(places().agent_socket).apply(DRILL, 1, "kill-node", "node2", time.time() + 600)
    done = staging("up", "--force")
    assert done.returncode == 0, done.stderr
    assert HostAgent(places().agent_socket).held() == ()
