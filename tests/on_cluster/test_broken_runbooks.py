"""Runbooks broken on purpose: each drill ends as it should, with words for a responder."""

import subprocess
import sys

import pytest

from drillbook.model import Injection, Undo, Verdict
from tests.on_cluster.checkouts import FEATURE, ROOT, WRONG, Checkout

pytestmark = pytest.mark.cluster

RULES = "monitoring/alerts/spark.yaml"


def test_a_remediation_that_does_not_remedy_fails(idle: Checkout) -> None:
    idle.edit("steps/idle.py", '{"mode":"right"}', '{"mode":"wrong"}')
    idle.edit(FEATURE, "within 1m", "within 20s")
    code, said = idle.drill(*WRONG, DRILLBOOK_PROBE_WITHIN="5s")
    record = idle.record
    assert (code, record.verdict, record.undo) == (1, Verdict.FAILED, Undo.VERIFIED), said
    failed = [s for s in record.scenarios if s.verdict is Verdict.FAILED]
    assert [s.phase for s in failed] == ["remediation"]
    assert '"idle" is asleep again within 20s' in said
    assert "  expected  " in said


@pytest.mark.campaign
def test_the_idle_runbook_unbroken_passes(idle: Checkout) -> None:
    """So that the drills here fail by what was broken."""
    code, said = idle.drill(*WRONG)
    assert (code, idle.record.verdict) == (0, Verdict.PASSED), said


@pytest.mark.campaign
def test_pytest_x_ends_in_the_undo(idle: Checkout) -> None:
    """A diagnosis of the wrong reason fails, `pytest -x` ends at the first failed scenario, and the
    drill's undo is its class's teardown."""
    idle.edit(FEATURE, 'contains "the mode is wrong"', 'contains "the mode is another"')
    node = f"{FEATURE}::wrong-mode--plain"
    words = ("-m", "pytest", node, "--drill", "-x", "-q", "-p", "no:cacheprovider", "-W", "default")
    done = subprocess.run(
        [sys.executable, *words], cwd=idle.root, capture_output=True, text=True, check=False
    )
    record = idle.record
    assert (done.returncode, record.verdict, record.undo) == (1, Verdict.FAILED, Undo.VERIFIED)
    ran = [s.phase for s in record.scenarios if s.verdict is not Verdict.NOT_RUN]
    assert ran == ["detection", "diagnosis"], done.stdout


def test_a_fault_aimed_at_nothing_proves_nothing(idle: Checkout) -> None:
    idle.edit("steps/idle.py", '"mode", mode, part', '"mod", mode, part')
    code, said = idle.drill(*WRONG, DRILLBOOK_EFFECT_WITHIN="15s")
    record = idle.record
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

    code, said = always_firing.drill("--cause", "driver-oom", "--control", "plain")
    assert code == 4, said
    assert "already firing" in said


def _load(checkout: Checkout) -> None:
    code, said = checkout.run("staging", "up")
    assert code == 0, said
