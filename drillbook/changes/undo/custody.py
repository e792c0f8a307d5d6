"""A drill's custody of what it changes: opened before the first change, closed by the undo.

Between the two every change is planned in the journal, made under the lease, and noted as made.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from drillbook.changes.host_agent import HostAgent
from drillbook.changes.undo import lease as leases
from drillbook.changes.undo import precedence, reaping, residue, stops
from drillbook.changes.undo.journal import Journal
from drillbook.changes.undo.lease_renewal import LeaseLost, LeaseRenewal
from drillbook.changes.undo.record import HOST_VERBS, UndoRecord, Verb
from drillbook.changes.undo.undoer import Undoer
from drillbook.changes.undo.undoers import reaping_of, undoer_of
from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import SYSTEM_NAMESPACE, Identity
from drillbook.cluster.objects import Conflict, Object, Objects
from drillbook.cluster.settings import Settings
from drillbook.model import domains
from drillbook.model.clock import Clock
from drillbook.model.errors import CouldNotTell, Refused, UndoFailed
from drillbook.model.object_ref import ObjectRef

ACK_POLL_S = 0.1


@dataclass(frozen=True)
class Held:
    """What an open custody works with."""

    keeper: LeaseRenewal
    journal: Journal


@dataclass
class Custody:
    """One drill's. `name` is that of its lease, its owner and its namespace."""

    clients: Connections
    settings: Settings
    clock: Clock
    name: str
    run: str
    locks: tuple[domains.Lock, ...]
    verbs: tuple[Verb, ...]
    """What its changes may be: the reaper says before the first whether it could undo them."""
    ended: Callable[[str], None]
    """Hears once why the drill must end: its lease was lost, or every drill was halted."""
    namespace: str = SYSTEM_NAMESPACE
    _drill: Object | None = field(default=None, init=False)
    _held: Held | None = field(default=None, init=False)
    _begun: bool = field(default=False, init=False)
    """Something may have been made: from here on there is something to undo."""
    host_holds: bool = field(default=False, init=False)
    """The host has taken something away for this drill: it is renewed there with the lease."""

    # ---------------------------------------------------------------- opening

    def open(self) -> None:
        """Take the lease and its locks, and hear the reaper's word. Raises Refused; then nothing
        was changed, and nothing is left."""
        objects = self.as_provisioner
        stops.refuse_without_reaper(objects, self.namespace, self.clock.now())
        stops.refuse_stopped(objects, self.namespace)
        self._refuse_lonely_host()
        reaping.end_expired(self._reaping())
        try:
            self._take_lease()
            precedence.refuse_locked(
                self.as_provisioner, self.held.keeper.lease, self.locks, self.clock
            )
            self._await_word()
        except BaseException:
            self.close()
            raise

    def _refuse_lonely_host(self) -> None:
        """A node is taken away only when somebody would start its agent again."""
        if HOST_VERBS & set(self.verbs) and not self.host.hello().supervised:
            raise Refused(
                "refused: nobody would start the host agent again if it died; `drillbook staging "
                "up` mends that. Nothing was changed."
            )

    def _reaping(self) -> reaping.Reaping:
        return reaping_of(self.clients, self.settings, self.clock, self.holder)

    def _take_lease(self) -> None:
        # Before the stamp: what this process believes of its lease must not outlast it.
        begin = self.clock.monotonic()
        objects, now = self.as_provisioner, self.clock.now()
        deadline = now + timedelta(seconds=self.settings.duration("max_drill").seconds)
        self._begun = True
        self._drill = leases.create_drill(objects, self.name, self.run)
        owner = leases.owner_reference(self._drill)
        body = leases.manifest(
            name=self.name,
            namespace=self.namespace,
            run=self.run,
            holder=self.holder,
            now=now,
            duration_s=self.settings.lease_s,
            deadline=deadline,
            locks=domains.to_text(self.locks),
            verbs=self.verbs,
            owner=owner,
        )
        taken = leases.create(objects, body)
        keeper = LeaseRenewal(
            objects=objects,
            namespace=self.namespace,
            clock=self.clock,
            lease=taken,
            renew_s=self.settings.renew_s,
            margin_s=self.settings.request_timeout_s,
            ended=self.ended,
            renewed=begin,
            also_renew=self._renew_host,
        )
        journal = Journal(objects, self.namespace, self.name, owner, deadline, taken.fence)
        self._held = Held(keeper, journal)
        keeper.start()

    def _await_word(self) -> None:
        """The reaper's. Without it nobody would undo this drill if it were killed."""
        within = self.settings.duration("acknowledged_within").seconds
        begin = self.clock.monotonic()
        while self.clock.monotonic() - begin < within:
            found = leases.get(self.as_provisioner, self.namespace, self.name)
            if found is not None and found.declined:
                raise Refused(
                    f"refused: the reaper could not undo this drill: {found.declined}. "
                    "Nothing was changed."
                )
            if found is not None and found.acknowledged:
                return
            self.clock.sleep(ACK_POLL_S)
        raise Refused(
            f"refused: the reaper did not acknowledge this drill within {within:g} s. "
            f"{stops.INSTALL}"
        )

    @property
    def holder(self) -> str:
        return f"runner/{socket.gethostname()}/{os.getpid()}"

    # ---------------------------------------------------------------- changing

    def check(self) -> None:
        """Before every change. Raises LeaseLost."""
        self.held.keeper.check()

    @property
    def held(self) -> Held:
        """Raises LeaseLost where no lease was ever taken."""
        if self._held is None:
            raise LeaseLost("this drill holds no lease, so it may change nothing.")
        return self._held

    def held_for_s(self) -> float:
        """For how many seconds from now on the lease is certain to be this drill's."""
        return 0.0 if self._held is None else self._held.keeper.held_for_s()

    @property
    def lost(self) -> str:
        """Why the lease was lost; empty while it is held."""
        return "" if self._held is None else self._held.keeper.lost

    @property
    def owner(self) -> dict[str, Any]:
        """The ownerReference of what this drill makes."""
        if self._drill is None:
            raise LeaseLost("this drill holds no lease, so it may make nothing.")
        return leases.owner_reference(self._drill)

    def plan(
        self,
        verb: Verb,
        target: ObjectRef,
        *,
        pre_image: Mapping[str, Any] | None = None,
        patch: Mapping[str, Any] | None = None,
        version: str = "",
    ) -> UndoRecord:
        """The acknowledged record of a change that is about to be made, under the lease. Raises
        LeaseLost, CouldNotTell; then the change must not be made."""
        self.check()
        record = self.held.journal.plan(
            verb, target, pre_image=pre_image, patch=patch, version=version
        )
        self.check()
        return record

    def applied(self, record: UndoRecord) -> UndoRecord:
        return self.held.journal.applied(record)

    def dropped(self, record: UndoRecord, why: str) -> None:
        """The server refused the change for good: there is nothing to undo."""
        self.held.journal.dropped(record, why)

    @property
    def host(self) -> HostAgent:
        """Raises Refused where there is none."""
        path = self.settings.agent_socket
        if path is None:
            raise Refused(
                "refused: this fault kills or cuts off a node, and no host agent is set to bring "
                "it back. It exists on the embedded cluster: `drillbook staging up`."
            )
        return HostAgent(path)

    def host_expiry(self) -> float:
        """Unix seconds until which the host's changes may stand without a renewal: the end of the
        hold, so that a dead drill's node is on its way back when the reaper begins."""
        return self.held.keeper.hold_ends.timestamp()

    def _renew_host(self) -> None:
        if self.host_holds:
            self.host.renew(self.name, self.host_expiry())

    # ---------------------------------------------------------------- keeping, closing

    def keep(self, duration_s: float) -> None:
        """Leave everything standing for that long; then the reaper undoes it. Raises
        CouldNotTell."""
        self.check()
        keeper = self.held.keeper
        keeper.stop()
        objects, now = self.as_provisioner, self.clock.now()
        for _ in range(5):
            found = leases.get(objects, self.namespace, self.name)
            if found is None or found.holder != keeper.lease.holder:
                raise CouldNotTell("the drill's lease is no longer its own: nothing can be kept.")
            try:
                keeper.lease = leases.keep(objects, found, now, duration_s)
            except Conflict:
                continue
            self._renew_host()
            return
        raise CouldNotTell("the drill's lease could not be written in five tries.")

    def close(self) -> None:
        """Undo everything, see that it is undone, and let the lease go. Raises UndoFailed with
        what is left. When the lease was lost, only wait until the reaper has done it."""
        within_s = self.settings.duration("undo_within").seconds
        if not self._begun:
            return
        # From here on the host undoes its part: nothing is left to renew there.
        self.host_holds = False
        if self.lost:
            self._await_reaper(within_s)
            return
        try:
            self.undoer.undo(self.name, within_s)
        except LeaseLost:
            self._await_reaper(within_s)
            return
        except UndoFailed as error:
            self._quarantine(error)
            raise
        finally:
            if self._held is not None:
                self._held.keeper.stop()
        leases.let_go(self.as_provisioner, self.namespace, self.name)

    def _quarantine(self, error: UndoFailed) -> None:
        """What is left must be heard, whatever becomes of the quarantine."""
        left = str(error).splitlines()
        try:
            stops.quarantine(self.as_provisioner, self.namespace, self.name, left, self.clock.now())
        except CouldNotTell as unwritten:
            raise UndoFailed(
                f"{error}\nthe quarantine could not be written: {unwritten}"
            ) from error

    def _await_reaper(self, within_s: float) -> None:
        begin = self.clock.monotonic()
        while True:
            try:
                objects = self.as_provisioner
                gone = objects.get(leases.drill_ref(self.name)) is None
                # What this process made after the end is collected a moment later.
                if gone and not residue.of_drill(objects, self.name):
                    return
                last = "the reaper is still at it"
            except CouldNotTell as error:
                last = str(error)
            if self.clock.monotonic() - begin >= within_s:
                raise UndoFailed(
                    f"this drill lost its lease ({self.lost}), and whether the reaper has undone "
                    f"it could not be seen: {last}. Ask with `drillbook undo --dead`."
                )
            self.clock.sleep(1.0)

    @property
    def undoer(self) -> Undoer:
        return undoer_of(self.clients, self.settings, self.clock, self._check_what_is_held)

    def _check_what_is_held(self) -> None:
        """A drill that never came to its lease may still remove what it began."""
        if self._held is not None:
            self._held.keeper.check()

    @property
    def as_provisioner(self) -> Objects:
        return Objects(self.clients.acting_as(Identity.PROVISIONER))
