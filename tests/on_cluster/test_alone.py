"""What needs the cluster for itself: a node is drilled, the reaper is away, every drill is halted,
or the cluster is in quarantine."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drillbook.changes.undo.killpoints import AT, BY
from drillbook.changes.undo.stops import REAPER_STALE_S
from drillbook.cluster.identities import SYSTEM_NAMESPACE
from tests.on_cluster.checkouts import ROOT, Checkout
from tests.on_cluster.killing import CUT_OFF, GRACE_S, LEASE_S, Rehearsal, api_cut_off
from tests.on_cluster.snapshot import differences, kubectl, left_of, nothing_left, snapshot
from tests.waiting import await_

pytestmark = [pytest.mark.cluster, pytest.mark.alone]
HERE = Checkout(ROOT)


# --------------------------------------------------------------------------- the reaper


def reapers_process() -> int:
    """On the host's count; a node's processes are the host's too."""
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"drillbook.changes.reaper" in words and words[0].endswith(b"python3"):
            return int(folder.name)
    raise AssertionError("no reaper runs")


def test_the_reaper_killed_with_the_drill(rehearse: Callable[..., Rehearsal]) -> None:
    found = rehearse("patch", "--hold", "60")
    found.await_line("effect confirmed")
    found.child.kill()
    os.kill(reapers_process(), signal.SIGKILL)
    nothing_left(found.named(), LEASE_S + GRACE_S)


@contextmanager
def reaper_killed_at(point: str) -> Iterator[None]:
    """Its process ends there, the first time that it comes to it."""
    reaper = ("-n", SYSTEM_NAMESPACE)
    kubectl(*reaper, "set", "env", "deployment/reaper", f"DRILLBOOK_KILL_AT={point}")
    try:
        yield
    finally:
        kubectl(*reaper, "set", "env", "deployment/reaper", "DRILLBOOK_KILL_AT-")
        kubectl(*reaper, "rollout", "status", "deployment/reaper", "--timeout=90s")


def deaths_of_the_reaper() -> int:
    path = "{.items[*].status.containerStatuses[?(@.name=='reaper')].restartCount}"
    words = ("-n", SYSTEM_NAMESPACE, "get", "pods", "-l", "app=reaper", "-o", f"jsonpath={path}")
    return sum(map(int, kubectl(*words).split()))


def await_death_of_the_reaper() -> None:
    await_("the reaper comes to that write", deaths_of_the_reaper, 90, every_s=0.5)


@pytest.mark.parametrize(
    "point",
    [
        "lease.take:after#1",
        *(
            pytest.param(point, marks=pytest.mark.campaign)
            for point in (
                "lease.annotate:before#1",
                "lease.annotate:after#1",
                "lease.take:before#1",
                "reaper.renew:before#2",
                "reaper.renew:after#2",
                "undo.write:after#1",
                "undo.remove:after#1",
                "lease.delete:after#1",
            )
        ),
    ],
)
def test_the_reaper_killed_at_its_own_writes(
    point: str, rehearse: Callable[..., Rehearsal]
) -> None:
    with reaper_killed_at(point):
        kubectl("-n", SYSTEM_NAMESPACE, "rollout", "status", "deployment/reaper", "--timeout=90s")
        found = rehearse("cordon", DRILLBOOK_KILL_AT="fault.patch:after#1")
        await_death_of_the_reaper()
        found.ended()
    nothing_left(found.named(), LEASE_S + GRACE_S)


@pytest.mark.campaign
@pytest.mark.parametrize("point", ["reaper.create:before#1", "reaper.create:after#1"])
def test_the_reaper_killed_before_its_first_sign_of_life(point: str) -> None:
    with reaper_killed_at(point):
        kubectl("-n", SYSTEM_NAMESPACE, "delete", "lease", "reaper")
        await_death_of_the_reaper()


@contextmanager
def without_reaper() -> Iterator[None]:
    kubectl("-n", SYSTEM_NAMESPACE, "scale", "deployment/reaper", "--replicas=0")
    kubectl("-n", SYSTEM_NAMESPACE, "wait", "pods", "-l", "app=reaper", "--for=delete")
    try:
        yield
    finally:
        kubectl("-n", SYSTEM_NAMESPACE, "scale", "deployment/reaper", "--replicas=1")
        kubectl("-n", SYSTEM_NAMESPACE, "rollout", "status", "deployment/reaper", "--timeout=60s")


def test_without_a_reaper_no_drill_begins_and_it_finds_what_died_when_it_is_back(
    rehearse: Callable[..., Rehearsal],
) -> None:
    found = rehearse("patch", "cordon", "--hold", "60")
    found.await_line("effect confirmed")
    with without_reaper():
        found.child.kill()
        found.ended()
        time.sleep(REAPER_STALE_S + 1)  # until its last sign of life is too old
        assert left_of(found.named()), "somebody else undid it"
        before = snapshot()
        code, said = HERE.drill("--control", "healthy")
        assert code == 3, said
        assert "of your overlay of staging/platform/drillbook" in said
        assert "Nothing was changed" in said
        assert not differences(before, snapshot())
    nothing_left(found.named(), GRACE_S)


def node_was_written_since(drill: str) -> bool:
    """Since the record of the drill's cordon was planned."""
    seen = "jsonpath={.spec.preconditions.resourceVersion}"
    record = ("-n", SYSTEM_NAMESPACE, "get", "undorecord", f"{drill}-002", "-o", seen)
    node = ("get", "node", "node2", "-o", "jsonpath={.metadata.resourceVersion}")
    return kubectl(*record) != kubectl(*node)


@pytest.mark.campaign
def test_by_hand_without_a_reaper(rehearse: Callable[..., Rehearsal]) -> None:
    """And killed at its own writes, the last of which a second one finds."""
    killed = False
    while not killed:
        found = rehearse("cordon", DRILLBOOK_KILL_AT="fault.patch:before#1")
        found.ended()
        with without_reaper():
            time.sleep(LEASE_S + 1)
            # Kubelet tells how its node is every five minutes. A change of the dead drill would be
            # refused for that, and nobody need touch the node to be sure: then another drill.
            if not node_was_written_since(found.named()):
                kill_undoing(found.named())
                killed = True
            code, said = HERE.run("undo", "--dead", "--kept")
            assert code == 0, said
            assert not left_of(found.named())


def kill_undoing(drill: str) -> None:
    for write in ("undo.touch", "lease.take", "undo.write"):
        for point in (f"{write}:before#1", f"{write}:after#1"):
            code, said = HERE.run("undo", "--dead", "--kept", DRILLBOOK_KILL_AT=point)
            assert code == -signal.SIGKILL, f"{point}: {said}"
            # A lease that was taken over is its taker's until that one is late; to wait for that
            # each time would take minutes.
            lease = ("patch", "lease", drill, "--type=merge", "-p")
            late = json.dumps({"spec": {"leaseDurationSeconds": 1}})
            kubectl("-n", SYSTEM_NAMESPACE, *lease, late)
            time.sleep(1.5)


def made_again(manifest: str) -> None:
    body = json.loads(manifest)
    for key in ("uid", "resourceVersion", "creationTimestamp", "managedFields"):
        body["metadata"].pop(key, None)
    kubectl("create", "-f", "-", told=json.dumps(body))


def test_a_drill_that_the_reaper_could_not_undo_is_declined(
    rehearse: Callable[..., Rehearsal],
) -> None:
    binding = ("clusterrolebinding", "drillbook-node-reaper")
    kept = kubectl("get", *binding, "-o", "json")
    kubectl("delete", *binding)
    try:
        found = rehearse("cordon")
        found.ended()
        assert "the reaper may not patch nodes, which undoes cordon" in found.said
        assert "refused True" in found.said
    finally:
        made_again(kept)


def test_a_node_drill_is_alone(rehearse: Callable[..., Rehearsal]) -> None:
    first = rehearse("cordon", "--hold", "20")
    first.await_line("effect confirmed")
    for changes in (("cordon",), ("patch",)):
        second = rehearse(*changes)
        second.ended()
        assert "holds what this one needs" in second.said
        assert "injection refused, undo not needed, refused True" in second.said
    first.ended()
    assert "undo verified" in first.said


def test_a_node_that_somebody_cordoned_is_not_drilled(rehearse: Callable[..., Rehearsal]) -> None:
    kubectl("cordon", "node2")
    try:
        found = rehearse("cordon")
        found.ended()
        assert "there before the fault" in found.said, found.said
        assert "injection none, undo verified" in found.said
        assert "true" in kubectl("get", "node", "node2", "-o", "jsonpath={.spec.unschedulable}")
    finally:
        kubectl("uncordon", "node2")


# --------------------------------------------------------------------------- halt, quarantine


def test_one_object_halts_every_drill(rehearse: Callable[..., Rehearsal]) -> None:
    found = rehearse("patch", "--hold", "120")
    found.await_line("effect confirmed")
    code, said = HERE.run("halt", "--why", "the month's close")
    assert code == 0, said
    try:
        found.ended(60)
        assert "every drill was halted: the month's close" in found.said
        assert "undo verified" in found.said
        code, said = HERE.drill("--control", "healthy")
        assert code == 3, said
        assert "the month's close" in said
        assert "drillbook halt --lift" in said
    finally:
        code, said = HERE.run("halt", "--lift")
        assert code == 0, said


STUCK = (
    "patch",
    "--action",
    'kubectl -n "$NAMESPACE" patch configmap conf --type=merge '
    """-p '{"metadata":{"finalizers":["example.org/stuck"]}}'""",
)
"""A drill whose namespace cannot go before `unstick`."""


def unstick(drill: str) -> None:
    ref = ("-n", drill, "patch", "configmap", "conf", "--type=json", "-p")
    kubectl(*ref, '[{"op":"remove","path":"/metadata/finalizers"}]')


def test_an_undo_that_fails_quarantines_the_cluster(rehearse: Callable[..., Rehearsal]) -> None:
    found = rehearse(*STUCK, DRILLBOOK_UNDO_WITHIN="8s")
    found.ended()
    drill = found.named()
    assert "undo failed" in found.said, found.said
    assert f"left: namespace/{drill}: it is being deleted" in found.said
    assert "example.org/stuck" in found.said
    code, said = HERE.drill("--control", "healthy")
    assert code == 3, said
    assert "quarantine" in said
    assert drill in said
    code, said = HERE.run("undo", "--dead")  # somebody still undoes it: no reason to lift
    assert "the quarantine is lifted" not in said
    unstick(drill)
    nothing_left(drill, LEASE_S + GRACE_S)  # the reaper tries again
    code, said = HERE.run("undo", "--dead", "--kept")
    assert code == 0, said
    assert "the quarantine is lifted" in said


@pytest.mark.campaign
@pytest.mark.parametrize("side", ["before", "after"])
def test_killed_while_a_stop_is_written(side: str, rehearse: Callable[..., Rehearsal]) -> None:
    """Half of a stop is none, or a whole one; and none keeps the reaper from its work."""
    short = {"DRILLBOOK_UNDO_WITHIN": "5s"}
    other = rehearse(*STUCK, "--hold", "20", **short, DRILLBOOK_KILL_AT=f"stop.add:{side}#1")
    other.await_line("action PASSED")
    found = rehearse(*STUCK, **short, DRILLBOOK_KILL_AT=f"stop.create:{side}#1")
    assert found.ended() == -signal.SIGKILL, found.said
    stopped = "quarantine" in kubectl("-n", SYSTEM_NAMESPACE, "get", "configmaps")
    assert stopped is (side == "after")
    other.ended()
    for one in (found, other):
        unstick(one.named())
    for one in (found, other):
        nothing_left(one.named(), LEASE_S + GRACE_S)
    code, said = HERE.run("undo", "--dead", "--kept", DRILLBOOK_KILL_AT=f"stop.delete:{side}#1")
    assert code == -signal.SIGKILL, said
    code, said = HERE.run("undo", "--dead", "--kept")
    assert code == 0, said
    assert "quarantine" not in kubectl("-n", SYSTEM_NAMESPACE, "get", "configmaps")


def test_undo_by_hand_removes_what_is_kept_and_leaves_what_is_under_way(
    rehearse: Callable[..., Rehearsal],
) -> None:
    kept = rehearse("patch", "--leave-standing", "30m")
    live = rehearse("patch", "--hold", "25")
    kept.ended()
    live.await_line("effect confirmed")
    code, said = HERE.run("undo", "--dead", "--kept")
    assert code == 0, said
    assert f"{live.named()}: under way" in said
    assert not left_of(kept.named())
    live.ended()
    assert "undo verified" in live.said


@pytest.mark.campaign
def test_an_action_of_a_paused_drill_ends_with_its_lease(
    rehearse: Callable[..., Rehearsal], tmp_path: Path
) -> None:
    begun, late = tmp_path / "begun", tmp_path / "late"
    line = f"touch {begun}; sleep {LEASE_S + 10}; touch {late}; kubectl cordon node2"
    found = rehearse("cordon", "--action", line)
    found.await_line("effect confirmed")
    until = time.monotonic() + 30
    while not begun.exists():
        assert time.monotonic() < until, f"the action did not begin: {found.said}"
        time.sleep(0.1)
    os.kill(found.child.pid, signal.SIGSTOP)
    nothing_left(found.named(), LEASE_S + GRACE_S)
    time.sleep(12)
    os.kill(found.child.pid, signal.SIGCONT)
    found.ended()
    assert not late.exists()
    assert "action PASSED" not in found.said, found.said


@pytest.mark.campaign
def test_the_api_cut_off_in_the_middle_of_the_undo(rehearse: Callable[..., Rehearsal]) -> None:
    """The runner cannot know; the reaper undoes it, and the runner sees that in the end."""
    stopped = {AT: "undo.write:before#1", BY: "SIGSTOP"}
    found = rehearse("patch", "cordon", group=CUT_OFF, **stopped)
    found.await_line("undo: removing")
    with api_cut_off(CUT_OFF):
        time.sleep(1)
        os.kill(found.child.pid, signal.SIGCONT)
        nothing_left(found.named(), LEASE_S + GRACE_S)
    found.ended()
    assert "undo verified" in found.said, found.said
