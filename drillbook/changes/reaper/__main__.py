"""`python -m drillbook.changes.reaper`: runs in the cluster as the service account `reaper`."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from drillbook.changes.faults.rights import allowed
from drillbook.changes.reaper.loop import Reaper, rights_for
from drillbook.changes.reaper.metrics import PORT, Metrics, serve
from drillbook.changes.undo.lease import LEASE_API
from drillbook.changes.undo.reaping import REAPER_HOLDER, Reaping
from drillbook.changes.undo.record import Verb
from drillbook.changes.undo.undoer import Undoer
from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import SYSTEM_NAMESPACE
from drillbook.cluster.in_cluster import InCluster, await_change, version_of
from drillbook.cluster.objects import Objects
from drillbook.cluster.settings import Settings
from drillbook.model.clock import SystemClock
from drillbook.model.errors import CouldNotTell

SILENT_S = 45.0
"""A reaper whose last round is older than this is restarted by its liveness probe."""
AGAIN_S = 2.0
LEASES = (LEASE_API, "Lease", SYSTEM_NAMESPACE)


def main() -> None:
    arguments = argparse.ArgumentParser(prog="drillbook.changes.reaper", description=__doc__)
    arguments.add_argument("--port", type=int, default=PORT, help="of /healthz and /metrics")
    port: int = arguments.parse_args().port
    settings = Settings(root=Path("/"))
    clients, clock, metrics = InCluster(settings, {}), SystemClock(), Metrics()
    reaper = Reaper(
        reaping=_reaping(settings, clients, clock),
        clock=clock,
        lacks=_lacks(clients),
        metrics=metrics,
        say=say,
    )
    last = [time.monotonic()]
    serve(metrics, lambda: _silent(time.monotonic() - last[0]), port)
    say(f"{reaper.reaping.holder} begins")
    while True:
        try:
            # From before the round on: what changes while it looks is not missed.
            version = version_of(clients, *LEASES)
            wait_s = reaper.round()
            last[0] = time.monotonic()
            await_change(clients, *LEASES, version, wait_s)
        except CouldNotTell as error:
            metrics.unanswered.inc()
            say(f"no answer, tried again: {error}")
            clock.sleep(AGAIN_S)


def _reaping(settings: Settings, clients: Connections, clock: SystemClock) -> Reaping:
    objects = Objects(clients)
    return Reaping(
        objects=objects,
        namespace=SYSTEM_NAMESPACE,
        undoer=Undoer(
            objects=objects,
            namespace=SYSTEM_NAMESPACE,
            as_whom=lambda record: objects,
            # The agent on the host undoes its part at expiry without being asked; whether it did
            # shows in the node.
            ask_host=lambda record: "",
            clock=clock,
            # It holds what it took over; two reapers are no harm.
            check=lambda: None,
        ),
        clock=clock,
        holder=f"{REAPER_HOLDER}{socket.gethostname()}/{os.getpid()}/{int(time.time())}",
        within_s=settings.duration("undo_within").seconds,
        lease_s=settings.lease_s,
        renew_s=settings.renew_s,
    )


def _lacks(clients: Connections) -> Callable[[Verb], str]:
    """Asked again for every drill: rights come and go."""

    def lacks(verb: Verb) -> str:
        missing = [
            f"{right} {plural}"
            for right, group, plural in rights_for(verb)
            if not allowed(clients, right, group, plural)
        ]
        return f"the reaper may not {' or '.join(missing)}, which undoes {verb}" if missing else ""

    return lacks


def _silent(for_s: float) -> str:
    return f"the last round was {for_s:.0f} s ago" if for_s > SILENT_S else ""


def say(text: str) -> None:
    """One line with its UTC time."""
    print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}", file=sys.stdout, flush=True)


if __name__ == "__main__":
    main()
