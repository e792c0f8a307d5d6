"""Runbooks broken on purpose: each drill ends as it should, with words for a responder."""

from __future__ import annotations

import subprocess
import sys

import pytest

from drillbook.model import Injection, Undo, Verdict
from tests.on_cluster.checkouts import FEATURE, ROOT, Checkout

pytestmark = pytest.mark.cluster

OOM = ("--cause", "driver-oom", "--control", "plain")
RULES = "monitoring/alerts/spark.yaml"


def test_a_remediation_that_does_not_remedy_fails(checkout: Checkout) -> None:
    raised = 'When the driver memory limit of "orders" is raised to 3Gi\n      Then "orders"'
    useless = 'When the driver of "orders" is restarted\n      Then "orders"'
    checkout.edit(
        FEATURE, f"{raised} completes a batch within 3m", f"{useless} completes a batch within 40s"
    )
    code, said = checkout.drill(*OOM)
    record = checkout.record
    assert (code, record.verdict, record.undo) == (1, Verdict.FAILED, Undo.VERIFIED), said
    failed = [s for s in record.scenarios if s.verdict is Verdict.FAILED]
    assert [s.phase for s in failed] == ["remediation"]
    assert '"orders" completes a batch within 40s' in said
    assert "  expected  a Unix time later" in said


@pytest.mark.campaign
def test_a_diagnosis_of_the_wrong_reason_fails(checkout: Checkout) -> None:
    checkout.edit(FEATURE, 'with reason "OOMKilled"', 'with reason "Completed"')
    code, said = checkout.drill(*OOM)
    record = checkout.record
    assert (code, record.verdict, record.valid) == (1, Verdict.FAILED, True), said
    assert [s.phase for s in record.scenarios if s.verdict is Verdict.FAILED] == ["diagnosis"]
    assert "  expected  `Completed`" in said
    assert "  saw       OOMKilled" in said


@pytest.mark.campaign
def test_pytest_x_ends_in_the_undo(checkout: Checkout) -> None:
    """`pytest -x` ends at the first failed scenario; the drill's undo is its class's teardown."""
    checkout.edit(FEATURE, 'with reason "OOMKilled"', 'with reason "Completed"')
    node = f"{FEATURE}::driver-oom--plain"
    words = ("-m", "pytest", node, "--drill", "-x", "-q", "-p", "no:cacheprovider", "-W", "default")
    done = subprocess.run(
        [sys.executable, *words], cwd=checkout.root, capture_output=True, text=True, check=False
    )
    record = checkout.record
    assert (done.returncode, record.verdict, record.undo) == (1, Verdict.FAILED, Undo.VERIFIED)
    ran = [s.phase for s in record.scenarios if s.verdict is not Verdict.NOT_RUN]
    assert ran == ["detection", "diagnosis"], done.stdout


def test_a_fault_aimed_at_nothing_proves_nothing(checkout: Checkout) -> None:
    checkout.edit("fixtures/faults/spark.py", '"reference-data-mb"', '"reference-data-mib"')
    code, said = checkout.drill(*OOM, DRILLBOOK_EFFECT_WITHIN="30s")
    record = checkout.record
    assert (code, record.verdict) == (4, Verdict.ERROR), said
    assert (record.injection, record.undo, record.valid) == (
        Injection.NO_EFFECT,
        Undo.VERIFIED,
        False,
    )
    assert "had no effect" in said


@pytest.fixture
def always_firing(checkout: Checkout) -> Checkout:
    """The alert fires for every driver there is; the cluster has it loaded."""
    text = (checkout.root / RULES).read_text(encoding="utf-8")
    begin, end = text.index("        expr: |"), text.index("        labels:")
    every = 'max by (namespace, pod) (kube_pod_container_info{container="spark-driver"})'
    always = f"        expr: {every}\n"
    (checkout.root / RULES).write_text(text[:begin] + always + text[end:], encoding="utf-8")
    return checkout


@pytest.mark.campaign
def test_an_alert_that_always_fires_is_falsified(
    always_firing: Checkout, request: pytest.FixtureRequest
) -> None:
    code, said = always_firing.drill("--control", "healthy")
    assert code == 4, said
    assert "another expression" in said
    assert "staging up" in said

    request.addfinalizer(lambda: _load(Checkout(ROOT)))
    _load(always_firing)
    code, said = always_firing.drill("--control", "healthy", DRILLBOOK_PROBE_WITHIN="5s")
    record = always_firing.record
    assert (code, record.verdict) == (1, Verdict.FAILED), said
    assert set(record.falsified) == {"driver-oom", "missing-module", "refused-configuration"}
    assert "found where it is not the cause" in said

    code, said = always_firing.drill(*OOM)
    assert code == 4, said
    assert "already firing" in said


def _load(checkout: Checkout) -> None:
    code, said = checkout.run("staging", "up")
    assert code == 0, said
