"""The embedded cluster's whole life on a real host. These tests take it down: `pytest -m staging`.

They leave it up or down as they found it. They run when what they test has changed since their last
green run on this machine, and whenever DRILLBOOK_LIFE=always is set (`make campaign`).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
import requests

from drillbook.changes.undo.lease import RUN_LABEL
from drillbook_staging import builds, debian, digest, images, lifecycle, residue, state
from drillbook_staging.places import places
from tests.staging import host
from tests.staging.host import Picture, differences, picture

pytestmark = [pytest.mark.cluster, pytest.mark.staging]

DRILLBOOK = str(Path(sys.executable).parent / "drillbook")
STAGING = (DRILLBOOK, "staging")
ROOT = Path(__file__).parents[2]
QUIET_WITHIN_S = 30.0
STAGE_WITHIN_S = 120.0


def staging(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*STAGING, *words], capture_output=True, text=True, cwd=cwd, check=False)


def must(*words: str, cwd: Path = ROOT) -> str:
    done = staging(*words, cwd=cwd)
    assert done.returncode == 0, f"{done.args}: {done.stdout}{done.stderr}"
    return done.stdout


def is_up() -> bool:
    return staging("status").returncode == 0


def kubectl(*words: str) -> str:
    known = state.read(places())
    assert known is not None
    command = (str(known.bin / "kubectl"), "--kubeconfig", str(known.kubeconfig), *words)
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def uid() -> str:
    known = state.read(places())
    assert known is not None
    return known.cluster_uid


def what_they_are_about() -> str:
    """The hash of what these tests are about, and of themselves."""
    code = digest.of_files(places().sources, without=("__pycache__", "drillbook_staging.egg-info"))
    return digest.of_text(code, Path(__file__).read_text(), Path(host.__file__).read_text())


def skip_what_passed() -> tuple[Path, str]:
    """Where it stands that these passed, and for what: the present code, when they go on."""
    stamp, now = places().cache / "life-tested", what_they_are_about()
    last = stamp.read_text() if stamp.exists() else ""
    if last == now and os.environ.get("DRILLBOOK_LIFE") != "always":
        pytest.skip(f"staging/ has not changed since these passed ({stamp})")
    return stamp, now


@pytest.fixture(scope="module", autouse=True)
def as_it_was_found(request: pytest.FixtureRequest) -> Iterator[None]:
    stamp, now = skip_what_passed()
    was_up, failed = is_up(), request.session.testsfailed
    yield
    must("up" if was_up else "down")
    asked = request.config.option.keyword or "::" in " ".join(request.config.args)
    if request.session.testsfailed == failed and not asked:
        stamp.write_text(now)


@pytest.fixture(scope="module")
def before(as_it_was_found: None) -> Picture:
    """The host without a cluster, all that it needs being installed and in the cache."""
    at = places()
    if debian.missing() or not builds.is_complete(at, images.read(at)):
        must("up")
    must("down")
    return picture(at)


def leftovers(before: Picture) -> list[str]:
    """What is different, once what was ended has gone."""
    until = time.monotonic() + QUIET_WITHIN_S
    while True:
        found = differences(before, picture(places()))
        if not found or time.monotonic() > until:
            return found
        time.sleep(1)


# --------------------------------------------------------------------------- killed at each stage


def begin() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*STAGING, "up"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def read_until(stream: IO[str], stage: str) -> None:
    """Read what `up` says until it announces a stage."""
    said = []
    for line in stream:
        said.append(line)
        if line.strip() == f"{stage} ...":
            return
    raise AssertionError(f"`up` ended before the stage {stage!r}: {''.join(said)}")


def kill(child: subprocess.Popen[str]) -> None:
    """SIGKILL, to it alone: whatever it started goes on."""
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert child.stdout
    child.stdout.close()


def test_after_a_kill_at_any_stage_up_works_and_down_leaves_nothing(before: Picture) -> None:
    for name, _ in lifecycle.STAGES:
        child = begin()
        assert child.stdout
        read_until(child.stdout, name)  # which an earlier kill must not have prevented
        kill(child)
    assert not is_up()
    must("up")
    assert is_up()
    assert kinds(differences(before, picture(places()))) >= OF_A_CLUSTER
    must("down")
    assert leftovers(before) == []


OF_A_CLUSTER = {"process", "interface", "route", "cgroup", "file"}
"""What the comparison must see of one that is up, or it would prove nothing of one that is not."""


def kinds(found: list[str]) -> set[str]:
    return {line.partition(" came: ")[0] for line in found if " came: " in line}


def test_down_is_safe_to_repeat() -> None:
    must("down")
    must("down")
    assert residue.find(places()) == []
    told = staging("status")
    assert told.returncode == 4
    assert "no cluster is up. Start it: drillbook staging up" in told.stdout


# --------------------------------------------------------------------------- one that is up


@pytest.fixture
def running() -> str:
    """A cluster that is up, by its UID."""
    must("up")
    return uid()


def test_a_second_command_says_who_is_at_work() -> None:
    must("down")
    child = begin()
    assert child.stdout
    read_until(child.stdout, "nodes")
    second = staging("up")
    assert second.returncode == 3
    assert f"another `drillbook staging` command is at work (process {child.pid})" in second.stderr
    rest = child.stdout.read()
    child.stdout.close()
    assert child.wait() == 0, rest


def test_a_cluster_that_is_up_stays_as_it_is(running: str) -> None:
    said = must("up")
    assert "nothing has changed" in said
    assert " ..." not in said  # no stage ran
    assert uid() == running


def test_a_change_by_hand_is_put_right(running: str) -> None:
    kubectl("--namespace", "monitoring", "scale", "deployment/kube-state-metrics", "--replicas=0")
    assert "bringing its platform up to date" in must("up")
    assert "nothing has changed" in must("up")
    assert uid() == running


def test_a_changed_alert_rule_reaches_the_running_cluster(running: str, tmp_path: Path) -> None:
    for name in ("monitoring", "staging"):
        shutil.copytree(ROOT / name, tmp_path / name)
    values = tmp_path / "monitoring" / "values" / "staging.yaml"
    rules = tmp_path / "monitoring" / "alerts" / "drilled.yaml"
    rules.write_text(RULE)
    values.write_text(f"{values.read_text().rstrip()}\n  AddedByATest: 0s\n")
    must("up", cwd=tmp_path)
    assert "AddedByATest" in loaded()
    must("up")
    assert "AddedByATest" not in loaded()
    assert uid() == running


RULE = """\
groups:
  - name: drilled
    rules:
      - alert: AddedByATest
        expr: vector(0) > 1
        labels: {severity: P1}
        annotations: {runbook_url: runbooks/none.md}
"""


def loaded() -> set[str]:
    """The alerts that Prometheus has."""
    known = state.read(places())
    assert known is not None
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(f"{known.prometheus_url}/api/v1/rules", timeout=5).json()
    return {rule["name"] for group in answer["data"]["groups"] for rule in group["rules"]}


# --------------------------------------------------------------------------- guards


@pytest.fixture
def drilled(running: str) -> Iterator[str]:
    """A namespace as the engine makes one."""
    name = "drill-of-a-test"
    labels = {RUN_LABEL: "test"}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    file = places().tmp / "namespace.json"
    file.write_text(json.dumps(body))
    kubectl("apply", "--filename", str(file))
    yield name
    kubectl("delete", "namespace", name)


@pytest.mark.parametrize("words", [("down",), ("up", "--nodes", "1")])
def test_a_drill_is_not_torn_down(drilled: str, running: str, words: tuple[str, ...]) -> None:
    refused = staging(*words)
    assert refused.returncode == 3
    assert drilled in refused.stderr
    assert "--force" in refused.stderr
    assert is_up()
    assert uid() == running


def test_an_unchanged_cluster_does_not_mind_a_drill(drilled: str) -> None:
    assert "nothing has changed" in must("up")


def test_another_state_folder_does_not_end_this_cluster(running: str, tmp_path: Path) -> None:
    environ = {**os.environ, "DRILLBOOK_STATE": str(tmp_path / "state")}
    refused = subprocess.run(
        [*STAGING, "down"], capture_output=True, text=True, env=environ, check=False
    )
    assert refused.returncode == 3
    assert f"whose state is in {places().state}" in refused.stderr
    assert is_up()
