"""The record of a cluster that is up."""

from __future__ import annotations

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
)


def at(root: Path) -> Places:
    return Places(root, root / "cache", root)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert state.read(at(tmp_path)) is None
    state.write(at(tmp_path), KNOWN)
    assert state.read(at(tmp_path)) == KNOWN
    assert [path.name for path in tmp_path.iterdir()] == ["cluster.json"]


def test_a_record_of_an_older_version_is_read_and_serves_no_drill(tmp_path: Path) -> None:
    """Else the next `up` would set a running cluster up anew."""
    older = KNOWN.model_dump_json(exclude={"runner_kubeconfig", "api_hosts", "agent_socket"})
    at(tmp_path).cluster_json.write_text(older)
    found = state.read(at(tmp_path))
    assert found == KNOWN
    assert not found.serves_drills


def test_a_record_serves_drills_while_the_runners_kubeconfig_is_there(tmp_path: Path) -> None:
    runner = at(tmp_path).runner_kubeconfig
    told = {"runner_kubeconfig": runner, "api_hosts": ("h:1",), "agent_socket": tmp_path / "s"}
    new = KNOWN.model_copy(update=told)
    assert not new.serves_drills
    runner.touch()
    assert new.serves_drills
    for field in told:
        assert not new.model_copy(update={field: None}).serves_drills


@pytest.mark.parametrize("text", ["", "{", "{}", '{"another": "version"}'])
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    at(tmp_path).cluster_json.write_text(text)
    assert state.read(at(tmp_path)) is None
