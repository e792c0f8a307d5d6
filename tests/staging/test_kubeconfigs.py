"""The kubeconfigs that `up` writes: the administrator's, and the one that drills get."""

import json
import stat
from pathlib import Path

import yaml

from drillbook_staging import cluster
from drillbook_staging.cluster import Kubectl, renamed, runner
from drillbook_staging.places import CONTEXT, Places
from drillbook_staging.shell import Shell

ADMIN = renamed(
    {
        "clusters": [{"name": "k", "cluster": {"server": "https://h:1", "ca": "c"}}],
        "users": [{"name": "a", "user": {"client-key-data": "the administrator's key"}}],
    }
)


def test_the_runner_has_the_administrators_cluster_and_nothing_else_of_his() -> None:
    found = runner(ADMIN, "a-token")
    assert found["clusters"] == ADMIN["clusters"]
    assert found["contexts"] == ADMIN["contexts"]
    assert found["users"] == [{"name": CONTEXT, "user": {"token": "a-token"}}]
    assert "administrator" not in json.dumps(found)


def test_it_is_written_whole_and_for_root_alone(tmp_path: Path) -> None:
    places = Places(tmp_path, tmp_path / "cache", tmp_path)
    places.kubeconfig.write_text(yaml.safe_dump(ADMIN))
    program = tmp_path / "kubectl"
    program.write_text('#!/bin/sh\necho "$@" >> "$0.asked"\necho a-token\n')
    program.chmod(0o755)
    cluster.write_runner(Kubectl(Shell(places, "write down"), program))
    assert yaml.safe_load(places.runner_kubeconfig.read_text()) == runner(ADMIN, "a-token")
    assert stat.S_IMODE(places.runner_kubeconfig.stat().st_mode) == 0o600
    assert not (tmp_path / "runner.new").exists()
    asked = (tmp_path / "kubectl.asked").read_text()
    assert "--namespace drillbook-system create token runner --duration=31536000s" in asked
