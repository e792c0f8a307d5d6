"""What a drill refuses, what it cannot tell, and how it ends when it is ended."""

import json
import shutil
import signal
import time

import pytest

from drillbook.cluster import settings
from drillbook.model import Undo, Verdict
from drillbook_staging import state
from drillbook_staging.places import places
from tests.on_cluster.checkouts import ROOT, WRONG, Checkout
from tests.waiting import await_

pytestmark = pytest.mark.cluster


def refused(checkout: Checkout, *words: str, **environment: str) -> str:
    """What a drill said that changed nothing."""
    code, said = checkout.drill(*WRONG, *words, **environment)
    assert code == 3, said
    assert "Nothing was changed" in said
    assert not checkout.namespaces()
    assert not (checkout.root / "reports").exists()
    return said


@pytest.mark.parametrize(
    ("name", "only"), [("allowed_clusters", "another-uid"), ("allowed_hosts", "127.0.0.1:6443")]
)
def test_a_cluster_that_is_not_on_the_list_is_refused(idle: Checkout, name: str, only: str) -> None:
    assert name in refused(idle, **{f"DRILLBOOK_{name.upper()}": json.dumps([only])})


def test_a_contexts_name_is_no_evidence(idle: Checkout) -> None:
    """The same kubeconfig, brought as a cluster of one's own, has no allow-list."""
    path = settings.load(root=ROOT).kubeconfig
    refused(idle, "--kubeconfig", str(path), "--context", "drillbook-staging")


def test_the_administrator_is_refused(idle: Checkout) -> None:
    """The same cluster, with everything set but the credentials."""
    known = state.read(places())
    assert known
    said = refused(
        idle,
        DRILLBOOK_KUBECONFIG=str(known.kubeconfig),
        DRILLBOOK_ALLOWED_HOSTS=json.dumps(known.api_hosts),
        DRILLBOOK_ALLOWED_CLUSTERS=json.dumps([known.cluster_uid]),
        DRILLBOOK_PROMETHEUS_URL=known.prometheus_url,
        DRILLBOOK_ALERTMANAGER_URL=known.alertmanager_url,
        DRILLBOOK_TOOL_PATH=str(known.bin),
    )
    assert "may do everything (cluster-admin)" in said


def test_a_cluster_of_another_environment_is_refused(idle: Checkout) -> None:
    values = idle.root / "monitoring/values"
    shutil.copy(values / "staging.yaml", values / "dev.yaml")
    assert "says 'staging'" in refused(idle, DRILLBOOK_ENVIRONMENT="dev")


@pytest.mark.parametrize("name", ["DRILLBOOK_PROMETHEUS_URL", "DRILLBOOK_ALERTMANAGER_URL"])
def test_monitoring_that_does_not_answer_is_never_a_pass(idle: Checkout, name: str) -> None:
    code, said = idle.drill(*WRONG, **{name: "http://127.0.0.1:9"})
    assert code == 4, said
    assert "127.0.0.1:9" in said
    assert "Traceback" not in said


def test_a_signal_twice_ends_in_the_undo(idle: Checkout) -> None:
    child = idle.begin(*WRONG)
    time.sleep(2)
    child.send_signal(signal.SIGINT)
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=120)
    assert child.returncode == 130, said
    assert idle.is_interrupted_and_undone(), said
    assert idle.record.verdict is not Verdict.PASSED


def test_a_dispatcher_that_is_killed_takes_its_drill_along(idle: Checkout) -> None:
    child = idle.begin(*WRONG)
    child.kill()
    child.communicate(timeout=120)
    runs = idle.root / "reports" / "runs"
    await_("the drill notices that nobody dispatches it", lambda: [*runs.glob("*/RB-*.json")], 120)
    assert not idle.namespaces()
    assert idle.record.undo is Undo.VERIFIED
