"""What a drill refuses, what it cannot tell, and how it ends when it is ended."""

from __future__ import annotations

import json
import shutil
import signal
import time

import pytest

from drillbook.cluster import settings
from drillbook.model import Undo, Verdict
from drillbook.staging import state
from drillbook.staging.places import places
from tests.on_cluster.checkouts import ROOT, Checkout, namespaces

pytestmark = pytest.mark.cluster

OOM = ("--cause", "driver-oom", "--control", "plain")


def test_a_cluster_that_is_not_on_the_list_is_refused(checkout: Checkout) -> None:
    before = namespaces()
    code, said = checkout.drill(*OOM, DRILLBOOK_ALLOWED_CLUSTERS='["another-uid"]')
    assert code == 3, said
    assert "allowed_clusters" in said
    assert "Nothing was changed" in said
    assert namespaces() == before
    assert not (checkout.root / "reports").exists()


def test_a_contexts_name_is_no_evidence(checkout: Checkout) -> None:
    """The same kubeconfig, brought as a cluster of one's own, has no allow-list."""
    path = settings.load(root=ROOT).kubeconfig
    code, said = checkout.drill(*OOM, "--kubeconfig", str(path), "--context", "drillbook-staging")
    assert code == 3, said


def test_an_api_server_that_is_not_on_the_list_is_refused(checkout: Checkout) -> None:
    before = namespaces()
    code, said = checkout.drill(*OOM, DRILLBOOK_ALLOWED_HOSTS='["127.0.0.1:6443"]')
    assert code == 3, said
    assert "allowed_hosts" in said
    assert namespaces() == before


def test_the_administrator_is_refused(checkout: Checkout) -> None:
    """The same cluster, with everything set but the credentials."""
    known, before = state.read(places()), namespaces()
    assert known
    code, said = checkout.drill(
        *OOM,
        DRILLBOOK_KUBECONFIG=str(known.kubeconfig),
        DRILLBOOK_ALLOWED_HOSTS=json.dumps(known.api_hosts),
        DRILLBOOK_ALLOWED_CLUSTERS=json.dumps([known.cluster_uid]),
        DRILLBOOK_PROMETHEUS_URL=known.prometheus_url,
        DRILLBOOK_ALERTMANAGER_URL=known.alertmanager_url,
        DRILLBOOK_TOOL_PATH=str(known.bin),
    )
    assert code == 3, said
    assert "may do everything (cluster-admin)" in said
    assert "Nothing was changed" in said
    assert namespaces() == before


def test_a_cluster_of_another_environment_is_refused(checkout: Checkout) -> None:
    shutil.copy(
        checkout.root / "monitoring/values/staging.yaml",
        checkout.root / "monitoring/values/dev.yaml",
    )
    code, said = checkout.drill(*OOM, DRILLBOOK_ENVIRONMENT="dev")
    assert code == 3, said
    assert "says 'staging'" in said


@pytest.mark.parametrize("name", ["DRILLBOOK_PROMETHEUS_URL", "DRILLBOOK_ALERTMANAGER_URL"])
def test_monitoring_that_does_not_answer_is_never_a_pass(checkout: Checkout, name: str) -> None:
    code, said = checkout.drill(*OOM, **{name: "http://127.0.0.1:9"})
    assert code == 4, said
    assert "127.0.0.1:9" in said
    assert "Traceback" not in said


def test_a_missing_kubeconfig_is_a_usage_error(checkout: Checkout) -> None:
    code, said = checkout.drill(*OOM, "--kubeconfig", "/nowhere/kubeconfig")
    assert code == 2, said
    assert "/nowhere/kubeconfig" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_in_the_undo(checkout: Checkout, number: signal.Signals) -> None:
    before = namespaces()
    child = checkout.start("drill", "-v", *OOM)
    while not namespaces() - before:
        assert child.poll() is None, child.communicate()[0]
        time.sleep(0.2)
    time.sleep(2)
    child.send_signal(number)
    child.send_signal(number)
    said, _ = child.communicate(timeout=120)
    assert child.returncode == 130, said
    record = checkout.record
    assert (record.interrupted, record.undo) == (True, Undo.VERIFIED), said
    assert record.verdict is not Verdict.PASSED
    assert namespaces() == before


def test_a_dispatcher_that_is_killed_takes_its_drill_along(checkout: Checkout) -> None:
    before = namespaces()
    child = checkout.start("drill", "-v", *OOM)
    while not namespaces() - before:
        assert child.poll() is None, child.communicate()[0]
        time.sleep(0.2)
    child.kill()
    child.communicate(timeout=120)
    end = time.monotonic() + 120
    while not list((checkout.root / "reports" / "runs").glob("*/RB-*.json")):
        assert time.monotonic() < end, "the drill did not notice that its dispatcher is gone"
        time.sleep(0.2)
    assert namespaces() == before
    assert checkout.record.undo is Undo.VERIFIED


def test_until_ends_early_and_says_partial(checkout: Checkout) -> None:
    code, said = checkout.drill(*OOM, "--until", "detection")
    record = checkout.record
    assert (code, record.partial, record.valid) == (0, True, False), said
    assert [s.phase for s in record.scenarios] == ["detection"]
    (manifest,) = (checkout.root / "reports" / "runs").glob("*/manifest.json")
    assert json.loads(manifest.read_text())["planned"]
