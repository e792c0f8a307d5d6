"""Two drills at once, and a drill that needs what another run holds."""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest

from drillbook.model import Injection, Undo, Verdict
from tests.on_cluster.checkouts import FEATURE, WRONG, Checkout

pytestmark = pytest.mark.cluster

BOTH = ("--control", "plain", "-j", "2")


def test_two_drills_until_detection(idle: Checkout) -> None:
    code, said = idle.drill(*BOTH, "--until", "detection")
    one, two = idle.drills
    assert code == 0, said
    assert max(one.started, two.started) < min(one.ended, two.ended), said
    for drill in (one, two):
        assert (drill.verdict, drill.injection, drill.undo) == (
            *(Verdict.PASSED, Injection.CONFIRMED),
            Undo.VERIFIED,
        ), said
        assert (drill.partial, drill.valid) == (True, False)
        assert [scenario.phase for scenario in drill.scenarios] == ["detection"]
    assert one.times.injected_at is not None
    assert one.times.injected_at < two.ended
    assert "[1/2] wrong-mode--plain | " in said
    assert "[2/2] no-mode--plain | " in said
    (manifest,) = (idle.root / "reports" / "runs").glob("*/manifest.json")
    assert json.loads(manifest.read_text())["planned"]


def test_one_signal_ends_both_by_their_undo(idle: Checkout) -> None:
    child = idle.begin(*BOTH, drills=2)
    child.send_signal(signal.SIGTERM)
    child.send_signal(signal.SIGTERM)
    said, _ = child.communicate(timeout=180)
    assert child.returncode == 130, said
    assert len(idle.drills) == 2
    assert idle.is_interrupted_and_undone(), said


def test_a_lock_of_another_run_refuses(
    idle: Checkout, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What the two may break is the same path; that they do not break it makes no difference."""
    idle.edit(FEATURE, "@domain:cluster/namespace", "@domain:cluster/postgres")
    other = Checkout(tmp_path_factory.mktemp("other") / "checkout", idle.runbook)
    shutil.copytree(idle.root, other.root)
    holder = idle.begin(*WRONG)
    try:
        held = idle.namespaces()
        code, said = other.drill(*WRONG)
        assert idle.namespaces() == held, "the refused drill made a namespace"
    finally:
        holder.send_signal(signal.SIGTERM)
        words, _ = holder.communicate(timeout=180)
    refused, mine = other.record, idle.record
    assert code == 3, said
    assert (refused.refused, refused.verdict, refused.undo) == (
        *(True, Verdict.ERROR),
        Undo.NOT_NEEDED,
    ), said
    assert mine.namespace in refused.reason
    assert mine.run in refused.reason
    assert "REFUSED" in said
    assert (holder.returncode, mine.undo) == (130, Undo.VERIFIED), words


def test_a_killed_drill_is_awaited_until_the_reaper_has_undone_it(idle: Checkout) -> None:
    child = idle.begin(*WRONG, DRILLBOOK_LEASE_S="12", DRILLBOOK_RENEW_S="3")
    # No process of ours but the drill's is a child of the dispatcher.
    (drill,) = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
    os.kill(int(drill), signal.SIGKILL)
    said, _ = child.communicate(timeout=200)
    assert child.returncode == 4, said
    assert "the drill left no record" in said
    assert not idle.namespaces()
