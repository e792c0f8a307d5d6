"""Dead drills: which there are, and their end, as the reaper and `drillbook sweep` bring it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from drillbook.clock import Clock
from drillbook.errors import UndoFailed
from drillbook.undo import lease as leases
from drillbook.undo import residue, stops
from drillbook.undo.custody import finish
from drillbook.undo.lease import Lease
from drillbook.undo.objects import Conflict, Object, Objects
from drillbook.undo.record import API_VERSION, ObjectRef, moment
from drillbook.undo.undoer import Undoer, remove

REAPER_HOLDER = "reaper/"
"""What the holder of a lease that a reaper took over begins with."""
ORPHAN_AFTER_S = 30.0
"""A drill writes its lease at once after itself; without one for so long it died in between."""


def dead(found: Sequence[Lease], now: datetime, holder: str) -> list[Lease]:
    """Those that nobody answers for. One that another reaper took over is dead as well: there is
    one at a time, so that one is gone. Pure."""
    return [
        one
        for one in found
        if one.expired(now) or (one.holder.startswith(REAPER_HOLDER) and one.holder != holder)
    ]


def orphans(drills: Sequence[Object], found: Sequence[Lease], now: datetime) -> list[str]:
    """The names of drills that have no lease, and do not begin just now. Pure."""
    known = {one.name for one in found}
    latest = now - timedelta(seconds=ORPHAN_AFTER_S)
    return [
        one["metadata"]["name"]
        for one in drills
        if one["metadata"]["name"] not in known
        and moment(one["metadata"]["creationTimestamp"]) < latest
    ]


@dataclass
class Reaping:
    """Ends dead drills as one holder."""

    objects: Objects
    namespace: str
    undoer: Undoer
    clock: Clock
    holder: str
    within_s: float

    def leases(self) -> list[Lease]:
        return leases.of_drills(self.objects, self.namespace)

    def drills(self) -> list[Object]:
        return self.objects.listed(API_VERSION, "Drill")

    def reap(self, lease: Lease) -> bool:
        """Take a dead drill over, undo it, and let it go; False when somebody else was faster.
        Raises UndoFailed after it put the cluster into quarantine."""
        try:
            # Longer than the undo: whoever else looks meanwhile finds it held.
            leases.take_over(self.objects, lease, self.holder, self.clock.now(), self.within_s + 30)
        except Conflict:
            return False
        self.end(lease.name)
        return True

    def end(self, name: str) -> None:
        """Undo what is left of a drill, and remove it. Raises UndoFailed."""
        try:
            self.undoer.undo(name, self.within_s)
        except UndoFailed as error:
            left = [f"{name}: {line}" for line in str(error).splitlines()]
            stops.quarantine(self.objects, self.namespace, left, self.clock.now())
            raise
        finish(self.objects, self.namespace, name)

    def strangers(self) -> list[str]:
        """Namespaces with our label that no drill answers for. Raises CouldNotTell."""
        return residue.strangers(self.objects, self._names())

    def remove(self, namespace: str) -> None:
        """Such a namespace. Raises UndoFailed when it does not go."""
        ref = ObjectRef(api_version="v1", kind="Namespace", name=namespace)
        begin = self.clock.monotonic()
        while (live := self.objects.get(ref)) is not None:
            if not live["metadata"].get("deletionTimestamp"):
                remove(self.objects, replace(ref, uid=live["metadata"]["uid"]))
            if self.clock.monotonic() - begin >= self.within_s:
                raise UndoFailed(f"namespace/{namespace} is still terminating")
            self.clock.sleep(self.undoer.poll_s)

    def unexplained(self) -> list[str]:
        """What carries marks of drills that are no more, in words. Raises CouldNotTell."""
        return residue.unexplained(self.objects, self._names())

    def _names(self) -> set[str]:
        known = {one["metadata"]["name"] for one in self.drills()}
        return known | {one.name for one in self.leases()}
