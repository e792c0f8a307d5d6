"""`sweep` and `halt`: by hand what the reaper does by itself, and what stops every drill."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from functools import partial

from rich.console import Console

from drillbook import guard
from drillbook.clock import SystemClock
from drillbook.errors import Refused, UndoFailed
from drillbook.session import connections, runner
from drillbook.settings import Settings
from drillbook.sources.clients import Connections
from drillbook.sources.identities import SYSTEM_NAMESPACE, Identity
from drillbook.undo import stops
from drillbook.undo.custody import undoer_of
from drillbook.undo.lease import Lease
from drillbook.undo.objects import Objects
from drillbook.undo.reaping import Reaping, orphans


def sweep(settings: Settings, console: Console) -> None:
    """Undo every drill that nobody answers for, kept ones included, and lift the quarantine when
    nothing is left. A drill that is under way is left alone, and named. Raises UndoFailed."""
    reaping = _reaping(settings)
    found, failed = reaping.leases(), list[str]()
    now = reaping.clock.now()
    chosen = {one.name for one in found if one.expired(now) or one.kept}
    for lease in found:
        if lease.name in chosen:
            _end(reaping, lease, console, failed)
        else:
            console.print(f"{lease.name}: under way ({lease.holder}); left alone", markup=False)
    lost = orphans(reaping.drills(), found, reaping.clock.now())
    for name in lost:
        _try(partial(reaping.end, name), name, console, failed)
    strangers = reaping.strangers()
    for name in strangers:
        _try(partial(reaping.remove, name), name, console, failed)
    left = [*failed, *reaping.unexplained()]
    if left:
        raise UndoFailed("\n".join(("this is left; drills stay refused until it is gone:", *left)))
    if stops.lift_quarantine(reaping.objects, SYSTEM_NAMESPACE):
        console.print("nothing is left: the quarantine is lifted")
    console.print(f"{len(chosen) + len(lost) + len(strangers)} undone, verified")


def at_start(settings: Settings, console: Console) -> None:
    """Before the first drill of a run: undo what dead drills left. Raises Refused when there is
    something that cannot be explained, or that could not be undone."""
    reaping = _reaping(settings)
    failed: list[str] = []
    now = reaping.clock.now()
    for lease in (one for one in reaping.leases() if one.expired(now)):
        _end(reaping, lease, console, failed)
    left = [*failed, *reaping.unexplained()]
    if left:
        lines = "\n".join(f"  {line}" for line in left)
        raise Refused(
            f"refused: earlier drills left what nobody can explain:\n{lines}\nLook at it, then "
            "`drillbook sweep` removes what carries Drillbook's labels. No drill was started."
        )


def halt(settings: Settings, reason: str, console: Console) -> None:
    """Stop every drill by its undo, and let none start."""
    clients = _admitted(settings)
    objects = Objects(clients.acting_as(Identity.PROVISIONER))
    stops.halt(objects, SYSTEM_NAMESPACE, reason, SystemClock().now())
    console.print("every drill is halted: those under way undo what they did, and none starts.")
    console.print("`drillbook halt --lift` ends that.")


def lift(settings: Settings, console: Console) -> None:
    """Let drills start again."""
    objects = Objects(_admitted(settings).acting_as(Identity.PROVISIONER))
    lifted = stops.lift_halt(objects, SYSTEM_NAMESPACE)
    console.print("drills may start again" if lifted else "nothing was halted")


# --------------------------------------------------------------------------- how


def _admitted(settings: Settings) -> Connections:
    guard.admitted(settings, runner(settings))
    return connections(settings)


def _reaping(settings: Settings) -> Reaping:
    clients, clock = _admitted(settings), SystemClock()
    return Reaping(
        objects=Objects(clients.acting_as(Identity.PROVISIONER)),
        namespace=SYSTEM_NAMESPACE,
        undoer=undoer_of(clients, settings, clock, lambda: None),
        clock=clock,
        holder=f"sweep/{socket.gethostname()}/{os.getpid()}",
        within_s=settings.duration("undo_within").seconds,
    )


def _end(reaping: Reaping, lease: Lease, console: Console, failed: list[str]) -> None:
    _try(partial(reaping.reap, lease), lease.name, console, failed)


def _try(undo: Callable[[], object], name: str, console: Console, failed: list[str]) -> None:
    console.print(f"{name}: undoing", markup=False)
    try:
        undo()
    except UndoFailed as error:
        failed.extend(f"{name}: {line}" for line in str(error).splitlines())
