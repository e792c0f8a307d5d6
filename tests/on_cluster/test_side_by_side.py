"""Two drills at once, and a drill that needs what another run holds."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from drillbook.evidence import records
from drillbook.model import Injection, Undo, Verdict
from tests.on_cluster.checkouts import FEATURE, Checkout, namespaces

pytestmark = pytest.mark.cluster

TWO = ("--cause", "driver-oom", "--cause", "missing-module", "--control", "plain")
OOM = ("--cause", "driver-oom", "--control", "plain")


def ours() -> set[str]:
    """The namespaces of this runbook's drills: other tests may be at work on the cluster."""
    return {name for name in namespaces() if name.startswith("drill-rb-spark-001-")}


def records_of(checkout: Checkout) -> list[records.Drill]:
    """The records of the only run."""
    (folder,) = (checkout.root / "reports" / "runs").iterdir()
    return list(records.read_run(folder))


def test_namespace_drills_run_side_by_side(checkout: Checkout) -> None:
    code, said = checkout.drill(*TWO, "--until", "detection", "-j", "2")
    one, two = records_of(checkout)
    assert code == 0, said
    assert max(one.started, two.started) < min(one.ended, two.ended), said
    for drill in (one, two):
        assert (drill.verdict, drill.injection, drill.undo) == (
            *(Verdict.PASSED, Injection.CONFIRMED),
            Undo.VERIFIED,
        ), said
    assert one.times.injected_at is not None
    assert one.times.injected_at < two.ended
    assert "[1/2] driver-oom--plain | " in said
    assert "[2/2] missing-module--plain | " in said


def test_one_signal_ends_both_by_their_undo(checkout: Checkout) -> None:
    before = ours()
    child = checkout.start("drill", "-v", *TWO, "-j", "2")
    while len(ours() - before) < 2:
        assert child.poll() is None, child.communicate()[0]
        time.sleep(0.2)
    child.send_signal(signal.SIGTERM)
    said, _ = child.communicate(timeout=180)
    assert child.returncode == 130, said
    assert [(d.interrupted, d.undo) for d in records_of(checkout)] == [(True, Undo.VERIFIED)] * 2
    assert not ours() - before


def test_a_lock_of_another_run_refuses(checkout: Checkout, tmp_path: Path) -> None:
    """What the two may break is the same path; that they do not break it makes no difference."""
    checkout.edit(FEATURE, "@domain:cluster/namespace", "@domain:cluster/postgres")
    other = Checkout(tmp_path / "other")
    shutil.copytree(checkout.root, other.root, ignore=shutil.ignore_patterns("other"))
    before = ours()
    holder = checkout.start("drill", "-v", *OOM)
    try:
        while not ours() - before:
            assert holder.poll() is None, holder.communicate()[0]
            time.sleep(0.2)
        held = ours()
        code, said = other.drill(*OOM)
        assert not ours() - held, "the refused drill made a namespace"
    finally:
        holder.send_signal(signal.SIGTERM)
        words, _ = holder.communicate(timeout=180)
    (refused,) = records_of(other)
    assert code == 3, said
    assert (refused.refused, refused.verdict, refused.undo) == (
        *(True, Verdict.ERROR),
        Undo.NOT_NEEDED,
    ), said
    (mine,) = records_of(checkout)
    assert mine.namespace in refused.reason
    assert mine.run in refused.reason
    assert "REFUSED" in said
    assert (holder.returncode, mine.undo) == (130, Undo.VERIFIED), words


def test_a_killed_drill_is_awaited_until_the_reaper_has_undone_it(checkout: Checkout) -> None:
    before = ours()
    child = checkout.start("drill", "-v", *OOM)
    while not ours() - before:
        assert child.poll() is None, child.communicate()[0]
        time.sleep(0.2)
    # No process of ours but the drill's is a child of the dispatcher.
    (drill,) = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
    os.kill(int(drill), signal.SIGKILL)
    said, _ = child.communicate(timeout=200)
    assert child.returncode == 4, said
    assert "the drill left no record" in said
    assert not ours() - before
