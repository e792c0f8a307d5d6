"""What can happen to a drill beside being killed: nothing stays behind, and nothing is hidden."""

import os
import signal
from collections.abc import Callable

import pytest

from tests.on_cluster.killing import CUT_OFF, GRACE_S, LEASE_S, Rehearsal, api_cut_off
from tests.on_cluster.snapshot import left_of, nothing_left

pytestmark = pytest.mark.cluster


def test_the_api_cut_off_from_the_drill(rehearse: Callable[..., Rehearsal]) -> None:
    found = rehearse("patch", "--hold", "90", group=CUT_OFF)
    found.await_line("effect confirmed")
    with api_cut_off(CUT_OFF):
        nothing_left(found.named(), LEASE_S + GRACE_S)
        found.await_line("could not be renewed", 60)
    found.ended()
    assert "undo verified" in found.said, found.said


def test_a_drill_that_takes_too_long_is_ended(rehearse: Callable[..., Rehearsal]) -> None:
    # It holds its lease until 4 s before that, and needs some seconds to begin.
    found = rehearse("patch", "--hold", "120", DRILLBOOK_MAX_DRILL="25s")
    found.ended(90)
    assert "longer than `max_drill` allows" in found.said, found.said
    assert "undo verified" in found.said, found.said
    assert not left_of(found.named())


def test_a_target_made_anew_is_not_touched(rehearse: Callable[..., Rehearsal]) -> None:
    again = (
        'kubectl -n "$NAMESPACE" delete configmap conf && '
        'kubectl -n "$NAMESPACE" create configmap conf --from-literal=mode=broken '
        "--from-literal=new=x"
    )
    found = rehearse("patch", "--action", again, "--take-back", "--show", "configmaps/conf")
    found.ended()
    assert "action PASSED" in found.said, found.said
    shown = found.said.partition("shown: ")[2]
    assert "broken" in shown.splitlines()[0], found.said
    assert "undo verified" in found.said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_ends_in_the_undo(
    number: signal.Signals, rehearse: Callable[..., Rehearsal]
) -> None:
    found = rehearse("patch", "--hold", "60")
    found.await_line("effect confirmed")
    os.kill(found.child.pid, number)
    found.ended(60)
    assert "undo verified" in found.said, found.said
    assert not left_of(found.named())


def test_what_is_kept_is_undone_at_its_end(rehearse: Callable[..., Rehearsal]) -> None:
    found = rehearse("patch", "--leave-standing", "10s")
    found.ended()
    assert "undo kept" in found.said
    assert left_of(found.named())
    nothing_left(found.named(), 10 + GRACE_S)
