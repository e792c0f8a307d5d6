"""What a drill leaves that ended without a record: killed, it undoes nothing by itself."""

from collections.abc import Callable, Collection

from drillbook.changes.undo.lease import RUN_LABEL
from drillbook.changes.undo.record import API_VERSION
from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import Identity
from drillbook.cluster.objects import Objects
from drillbook.model.clock import Clock
from drillbook.model.errors import DrillbookError

POLL_S = 1.0


def drills_of_run(clients: Connections, run: str) -> set[str]:
    """The drills of a run that are not undone yet. Raises CouldNotTell."""
    objects = Objects(clients.acting_as(Identity.PROVISIONER))
    found = objects.listed(API_VERSION, "Drill", selector=f"{RUN_LABEL}={run}")
    return {one["metadata"]["name"] for one in found}


def left_behind(
    known: Callable[[], set[str]], recorded: Collection[str], clock: Clock, within_s: float
) -> str:
    """Which drills without a record are not undone after that many seconds; empty when all are. The
    reaper undoes them when their leases expire. `recorded`: the drills whose own record says what
    became of them. What cannot be told counts as left."""
    begin = clock.monotonic()
    while True:
        try:
            left = ", ".join(sorted(known() - set(recorded)))
        except DrillbookError as error:
            left = f"could not tell: {error}"
        if not left or clock.monotonic() - begin >= within_s:
            return left
        clock.sleep(POLL_S)
