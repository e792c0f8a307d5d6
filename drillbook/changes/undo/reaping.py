"""Dead drills: which there are, and their end, as the reaper and `drillbook undo` bring it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from drillbook.changes.undo import lease as leases
from drillbook.changes.undo import residue, stops
from drillbook.changes.undo.lease import Lease
from drillbook.changes.undo.lease_renewal import LeaseLost
from drillbook.changes.undo.record import API_VERSION, PREFIX, moment
from drillbook.changes.undo.undoer import Undoer, remove
from drillbook.cluster.objects import Conflict, Object, Objects
from drillbook.model.clock import Clock
from drillbook.model.errors import Refused, UndoFailed
from drillbook.model.object_ref import ObjectRef

REAPER_HOLDER = "reaper/"
"""What the holder of a lease that a reaper took over begins with."""
REAPERS_OWN_S = 15.0
"""The reaper ends a drill within this after its lease."""
VOLUME_GONE_WITHIN_S = 60.0


def dead(found: Sequence[Lease], now: datetime) -> list[Lease]:
    """Those that nobody answers for, or that a reaper (there is one) took over. Pure."""
    return [one for one in found if one.expired(now) or one.holder.startswith(REAPER_HOLDER)]


def orphans(
    drills: Sequence[Object], found: Sequence[Lease], now: datetime, after_s: float
) -> list[str]:
    """Drills without a lease for `after_s`: a drill writes its lease at once after itself, so it
    died in between. `found` must be read after `drills`. Pure."""
    known = {one.name for one in found}
    latest = now - timedelta(seconds=after_s)
    return [
        one["metadata"]["name"]
        for one in drills
        if one["metadata"]["name"] not in known
        and moment(one["metadata"]["creationTimestamp"]) < latest
    ]


@dataclass
class Hold:
    """A dead drill's lease in the hands of whoever ends it, renewed for as long as that takes."""

    objects: Objects
    clock: Clock
    lease: Lease
    renew_s: float
    since: float
    """When it was last renewed, by the clock's monotonic seconds."""

    def check(self) -> None:
        """Before every step. Raises LeaseLost when somebody else has it now, CouldNotTell."""
        at = self.clock.monotonic()
        if at - self.since < self.renew_s:
            return
        try:
            self.lease = leases.renew(self.objects, self.lease, self.clock.now())
        except Conflict as error:
            raise LeaseLost(f"somebody else ends {self.lease.name}: {error}") from error
        self.since = at


@dataclass
class Reaping:
    """Ends dead drills as one holder."""

    objects: Objects
    namespace: str
    undoer: Undoer
    clock: Clock
    holder: str
    within_s: float
    lease_s: float
    """For how long a lease that is taken over lasts; the settings of this process, as renew_s."""
    renew_s: float

    def leases(self) -> list[Lease]:
        return leases.of_drills(self.objects, self.namespace)

    def drills(self) -> list[Object]:
        return self.objects.listed(API_VERSION, "Drill")

    def reap(self, lease: Lease) -> bool:
        """Take a dead drill over and undo it; False: others were faster. Raises UndoFailed."""
        begin = self.clock.monotonic()
        try:
            taken = leases.take_over(
                self.objects, lease, self.holder, self.clock.now(), self.lease_s
            )
            hold = Hold(self.objects, self.clock, taken, self.renew_s, begin)
            self._end(lease.name, replace(self.undoer, check=hold.check))
        except (Conflict, LeaseLost):
            return False
        return True

    def end(self, name: str) -> None:
        """Undo what is left of a drill that has no lease, and remove it. Raises UndoFailed."""
        self._end(name, self.undoer)

    def _end(self, name: str, undoer: Undoer) -> None:
        try:
            undoer.undo(name, self.within_s)
        except UndoFailed as error:
            left = str(error).splitlines()
            stops.quarantine(self.objects, self.namespace, name, left, self.clock.now())
            raise
        leases.let_go(self.objects, self.namespace, name)

    def orphans(self) -> list[str]:
        drills = self.drills()
        return orphans(drills, self.leases(), self.clock.now(), self.lease_s)

    def strangers(self) -> list[str]:
        """Namespaces with our label that no drill answers for. Raises CouldNotTell."""
        found = residue.namespaces(self.objects)
        return [one for one in found if one not in self._names()]

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
        found = self._unexplained()
        # A drill may have ended between two lists; then nothing of it is there any more.
        again = self._unexplained() if found else []
        return [one for one in found if one in again]

    def _unexplained(self) -> list[str]:
        spaces, marks = residue.namespaces(self.objects), residue.marks(self.objects)
        # One that was being made when its claim went is taken back by whoever made it.
        latest = self.clock.now() - timedelta(seconds=VOLUME_GONE_WITHIN_S)
        volumes = [v for v in residue.volumes(self.objects) if v.made < latest]
        # Last: a drill that began meanwhile is known, and its namespace no stranger.
        known = self._names()
        return [
            *(f"namespace/{one}: no drill answers for it" for one in spaces if one not in known),
            *(f"node/{node} carries the mark of {one}" for node, one in marks if one not in known),
            *(
                f"{one}: claimed from {one.namespace}, and no drill answers for it"
                for one in volumes
                if one.namespace.startswith(PREFIX) and one.namespace not in known
            ),
        ]

    def _names(self) -> set[str]:
        known = {one["metadata"]["name"] for one in self.drills()}
        return known | {one.name for one in self.leases()}


def overdue(found: Sequence[Lease], now: datetime) -> list[Lease]:
    """Those that the reaper should have ended by now; before that they are its alone. Pure."""
    return [one for one in found if one.expired(now - timedelta(seconds=REAPERS_OWN_S))]


def end_expired(reaping: Reaping) -> None:
    """At a drill's start: end what is overdue. Raises Refused when something is left."""
    left: list[str] = []
    for lease in overdue(reaping.leases(), reaping.clock.now()):
        try:
            reaping.reap(lease)
        except UndoFailed as error:
            left += [f"{lease.name}: {line}" for line in str(error).splitlines()]
    left += reaping.unexplained()
    if left:
        lines = "\n".join(f"  {line}" for line in left)
        raise Refused(
            f"refused: earlier drills left what nobody can explain:\n{lines}\nLook at it; then "
            "`drillbook undo --dead` removes what carries Drillbook's labels. Nothing was changed."
        )
