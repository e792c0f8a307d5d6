"""The record of a cluster that is up."""

from pathlib import Path

import pytest

from drillbook_staging import state
from drillbook_staging.places import Places
from drillbook_staging.state import Cluster

KNOWN = Cluster(
    kubeconfig=Path("/s/kubeconfig"),
    context="drillbook-staging",
    cluster_uid="u-1",
    prometheus_url="http://p",
    alertmanager_url="http://a",
    bin=Path("/c/bin"),
    nodes=("node1", "node2"),
    fingerprint="f",
    platform="p",
    runner_kubeconfig=Path("/s/runner.kubeconfig"),
    api_hosts=("h:1",),
    agent_socket=Path("/s/agent.sock"),
)


def at(root: Path) -> Places:
    return Places(root, root / "cache", root)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert state.read(at(tmp_path)) is None
    state.write(at(tmp_path), KNOWN)
    assert state.read(at(tmp_path)) == KNOWN
    assert [path.name for path in tmp_path.iterdir()] == ["cluster.json"]


@pytest.mark.parametrize("text", ["", "{", "{}", '{"another": "version"}'])
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    at(tmp_path).cluster_json.write_text(text)
    assert state.read(at(tmp_path)) is None
