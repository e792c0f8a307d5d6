"""Keeps a drill's lease: a thread that renews it, and looks for the object that halts every drill.
A lease that was lost (expired, taken over, gone) is lost for good: from then on nothing that this
process does may change the cluster, however long it slept in between."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf

from drillbook.changes.undo import lease as leases
from drillbook.changes.undo import stops
from drillbook.changes.undo.lease import Lease
from drillbook.cluster.objects import Objects
from drillbook.model.clock import Clock
from drillbook.model.errors import CouldNotTell, DrillbookError, Refused

TICK_S = 1.0


class LeaseLost(DrillbookError):
    """Somebody else answers for this drill's changes now; this process may change nothing."""


@dataclass
class LeaseRenewal:
    """One drill's. `ended` hears once why the drill must end."""

    objects: Objects
    namespace: str
    clock: Clock
    lease: Lease
    renew_s: float
    margin_s: float
    """A change takes this long at most: none begins later than this before the lease's end."""
    ended: Callable[[str], None]
    renewed: float
    """When (by the clock's monotonic seconds) the lease was last renewed, before it was asked."""
    also_renew: Callable[[], None] = lambda: None
    """What else lives as long as the lease: the host agent's changes."""
    lost: str = ""
    halted: str = ""
    _stop: threading.Event = field(init=False, default_factory=threading.Event)
    _lock: threading.RLock = field(init=False, default_factory=threading.RLock)
    _thread: threading.Thread | None = field(init=False, default=None)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Renew no more. The lease stays as it is."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=self.margin_s + TICK_S)

    def check(self) -> None:
        """Before every change. Raises LeaseLost."""
        if not self.lost and self._held_for() >= self.lease.duration_s - self.margin_s:
            self._lose(f"it could not be renewed for {self._held_for():.0f} s")
        if self._until_deadline() <= 0:
            self._lose("the drill took longer than `max_drill` allows")
        if self.lost:
            raise LeaseLost(
                f"this drill's lease was lost: {self.lost}. The reaper undoes the drill; nothing "
                "was changed from here after that."
            )

    @property
    def hold_ends(self) -> datetime:
        """UTC: from then on the drill begins no change, unless it renews."""
        lease = self.lease
        return lease.ends if lease.kept else lease.ends - timedelta(seconds=self.margin_s)

    def held_for_s(self) -> float:
        """For how many seconds from now on the lease is certain to be this drill's."""
        if self.lost:
            return 0.0
        left_s = self.lease.duration_s - self.margin_s - self._held_for()
        return min(left_s, self._until_deadline())

    def renew(self) -> None:
        """Renew now. What cannot be told is tried again at the next tick. Raises LeaseLost."""
        self.check()
        with self._lock:
            begin = self.clock.monotonic()
            try:
                self.lease = leases.renew(self.objects, self.lease, self.clock.now())
            except CouldNotTell:
                # A conflict. Or it is gone and answers 404; so does a proxy's odd moment.
                self._read_again()
                return
            self.renewed = begin
        # An agent that is away for a moment is asked again at the next renewal. One that refuses
        # has undone its part: what the drill saw from then on would be its doing.
        with suppress(CouldNotTell):
            try:
                self.also_renew()
            except Refused as error:
                self.ended(f"the host no longer holds what it took away: {error}")

    def _read_again(self) -> None:
        try:
            found = leases.get(self.objects, self.namespace, self.lease.name)
        except CouldNotTell:
            return  # the time that is left decides
        if found is None or found.uid != self.lease.uid:
            self._lose("it is gone")
        elif found.holder != self.lease.holder:
            self._lose(f"{found.holder} took it over")
        else:
            self.lease = found

    def _lose(self, why: str) -> None:
        if not self.lost:
            self.lost = why
            self.ended(f"the drill's lease was lost: {why}")

    def _held_for(self) -> float:
        return self.clock.monotonic() - self.renewed

    def _until_deadline(self) -> float:
        """Seconds; it is an end of the lease as any other, with the same margin before it."""
        if self.lease.deadline is None:
            return inf
        return (self.lease.deadline - self.clock.now()).total_seconds() - self.margin_s

    def _run(self) -> None:
        try:
            self._keep()
        except Exception as error:  # noqa: BLE001 - nobody would renew: the drill has to hear it
            self._lose(f"its renewal ended by a mistake of drillbook's own: {error!r}")

    def _keep(self) -> None:
        next_renewal = self.clock.monotonic() + self.renew_s
        while not self._stop.wait(TICK_S):
            before = self.renewed
            try:
                if self.clock.monotonic() >= next_renewal:
                    self.renew()
            except LeaseLost:
                return
            if self.renewed != before:
                next_renewal = self.clock.monotonic() + self.renew_s
            self._look()
            if self.lost:
                return

    def _look(self) -> None:
        """At the time that is left, and at the object that halts every drill."""
        try:
            self.check()
            why = stops.halted(self.objects, self.namespace)
        except LeaseLost:
            return
        except CouldNotTell:
            return  # a server that does not answer is noticed by the lease
        if why and not self.halted:
            self.halted = why
            self.ended(f"every drill was halted: {why}")
