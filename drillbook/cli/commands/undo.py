"""`undo` and `halt`: by hand what the reaper does by itself, and what stops every drill."""

import os
import socket
from collections.abc import Callable
from datetime import datetime
from functools import partial

from rich.console import Console

from drillbook.changes.undo import stops
from drillbook.changes.undo.lease import Lease
from drillbook.changes.undo.reaping import Reaping
from drillbook.changes.undo.undoers import reaping_of
from drillbook.cluster.clients import Connections
from drillbook.cluster.connections import connections, runner
from drillbook.cluster.identities import SYSTEM_NAMESPACE, Identity
from drillbook.cluster.objects import Objects
from drillbook.cluster.settings import Settings
from drillbook.drill import guard
from drillbook.model.clock import SystemClock
from drillbook.model.errors import UndoFailed, UsageError


def by_hand(settings: Settings, dead: bool, kept: bool, console: Console) -> None:
    """Undo what dead drills left behind (`dead`) and the incidents that were left standing
    (`kept`); lift the quarantine when nothing is left. Live drills are named. Raises UndoFailed."""
    if not (dead or kept):
        raise UsageError(
            "say what: `drillbook undo --dead` undoes what dead drills left behind, "
            "`drillbook undo --kept` ends incidents that were left standing. Nothing was changed."
        )
    reaping = _reaping(settings)
    found, failed = reaping.leases(), list[str]()
    now = reaping.clock.now()
    chosen = {one.name for one in found if (kept and one.kept) or (dead and one.expired(now))}
    for lease in found:
        if lease.name in chosen:
            _try(partial(reaping.reap, lease), lease.name, console, failed)
        else:
            console.print(_left_alone(lease, now), markup=False, soft_wrap=True)
    lost = reaping.orphans() if dead else []
    for name in lost:
        _try(partial(reaping.end, name), name, console, failed)
    strangers = reaping.strangers() if dead else []
    for name in strangers:
        _try(partial(reaping.remove, name), name, console, failed)
    left = [*failed, *(reaping.unexplained() if dead else ())]
    if left:
        raise UndoFailed("\n".join(("this is left; drills stay refused until it is gone:", *left)))
    console.print(f"{len(chosen) + len(lost) + len(strangers)} undone, verified")
    if dead:
        _lift_quarantine(reaping, console)


def _left_alone(lease: Lease, now: datetime) -> str:
    """Why a drill is not undone, and who ends it."""
    if lease.kept:
        return f"{lease.name}: left standing until {lease.ends:%H:%M:%S} UTC; `--kept` ends it."
    if lease.expired(now):
        return f"{lease.name}: dead since {lease.ends:%H:%M:%S} UTC; `--dead` undoes it."
    return (
        f"{lease.name}: under way, held until {lease.ends:%H:%M:%S} UTC unless "
        f"{lease.holder} renews; left alone. If that is dead, the reaper undoes it then."
    )


def _lift_quarantine(reaping: Reaping, console: Console) -> None:
    """Unless a drill whose undo failed is still there, in somebody else's hands."""
    there = {one["metadata"]["name"] for one in reaping.drills()}
    waiting = sorted(stops.in_quarantine(reaping.objects, SYSTEM_NAMESPACE) & there)
    if waiting:
        stays = f"the quarantine stays: {', '.join(waiting)} is still being undone"
        console.print(f"{stays}; `drillbook undo --dead` again then")
    elif stops.lift_quarantine(reaping.objects, SYSTEM_NAMESPACE):
        console.print("nothing is left: the quarantine is lifted")


def halt(settings: Settings, reason: str, console: Console) -> None:
    """Stop every drill by its undo, and let none start."""
    objects = Objects(_admitted(settings).acting_as(Identity.PROVISIONER))
    stops.halt(objects, SYSTEM_NAMESPACE, reason, SystemClock().now())
    console.print("every drill is halted: those under way undo what they did, and none starts.")
    console.print("`drillbook halt --lift` ends that.")


def lift(settings: Settings, console: Console) -> None:
    """Let drills start again."""
    objects = Objects(_admitted(settings).acting_as(Identity.PROVISIONER))
    lifted = stops.lift_halt(objects, SYSTEM_NAMESPACE)
    console.print("drills may start again" if lifted else "nothing was halted")


def _admitted(settings: Settings) -> Connections:
    guard.admitted(settings, runner(settings))
    return connections(settings)


def _reaping(settings: Settings) -> Reaping:
    holder = f"undo/{socket.gethostname()}/{os.getpid()}"
    return reaping_of(_admitted(settings), settings, SystemClock(), holder)


def _try(undo: Callable[[], object], name: str, console: Console, failed: list[str]) -> None:
    console.print(f"{name}: undoing", markup=False)
    try:
        undo()
    except UndoFailed as error:
        failed.extend(f"{name}: {line}" for line in str(error).splitlines())
