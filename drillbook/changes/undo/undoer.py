"""Carries out the inverse of every record of a drill, the last first, until all of it is verified.

The drill itself, the reaper and `drillbook undo` all undo by this code. Nothing in it trusts what
was done before: it reads, acts under a condition, reads again; and it may be repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from drillbook.changes.undo import journal, residue
from drillbook.changes.undo.inverse import (
    FENCE,
    AskHost,
    Done,
    Inverse,
    Make,
    Remove,
    Touch,
    Wait,
    Write,
    inverse,
    unsettled,
)
from drillbook.changes.undo.killpoints import writes
from drillbook.changes.undo.lease_renewal import LeaseLost
from drillbook.changes.undo.record import HOST_VERBS, State, UndoRecord, Verb, beyond
from drillbook.cluster.objects import Conflict, Object, Objects
from drillbook.model.clock import Clock
from drillbook.model.errors import DrillbookError, UndoFailed
from drillbook.model.object_ref import ObjectRef

POD_GRACE_S = 2

AsWhom = Callable[[UndoRecord], Objects]
"""The identity that may carry out this record's inverse."""
AskTheHost = Callable[[UndoRecord], str]
"""Asks the host's agent to undo its part; answers what is left there, empty when nothing."""


@dataclass
class Undoer:
    """Undoes drills."""

    objects: Objects
    """Reads everything, and writes the records."""
    namespace: str
    """Where the records are."""
    as_whom: AsWhom
    ask_host: AskTheHost
    clock: Clock
    check: Callable[[], None]
    """Raises LeaseLost when somebody else answers for the drill now."""
    poll_s: float = 0.5

    def undo(self, drill: str, within_s: float) -> None:
        """Until every record is verified and a scan finds nothing more. Raises UndoFailed with
        what is left, LeaseLost."""
        since = self.clock.now()
        self._until_nothing_is_left(lambda: self._left_after_a_pass(drill, since), within_s)

    def settle(self, record: UndoRecord, within_s: float) -> None:
        """One change only, until it is verified. Raises UndoFailed with what is left of it,
        LeaseLost."""
        since = self.clock.now()

        def left() -> list[str]:
            fresh = journal.read(self.objects, self.namespace, record)
            # What the journal withholds, whoever made the change still knows.
            return self._one(replace(fresh, pre_image=record.pre_image, patch=record.patch), since)

        self._until_nothing_is_left(left, within_s)

    def _until_nothing_is_left(self, one_pass: Callable[[], list[str]], within_s: float) -> None:
        begin = self.clock.monotonic()
        while left := one_pass():
            if self.clock.monotonic() - begin >= within_s:
                raise UndoFailed("\n".join(left))
            self.clock.sleep(self.poll_s)

    def _left_after_a_pass(self, drill: str, since: datetime) -> list[str]:
        try:
            records = journal.records_of(self.objects, self.namespace, drill)
            made = {r.target.name for r in records if _makes_namespace(r)}
            alone = [r for r in reversed(records) if r.target.namespace not in made]
            left = [words for record in alone for words in self._one(record, since)]
            return left or residue.of_drill(self.objects, drill)
        except LeaseLost:
            raise
        except DrillbookError as error:
            return [f"could not be told: {error}"]

    def _one(self, record: UndoRecord, since: datetime) -> list[str]:
        """What is left of one change after the next step of its undo."""
        if record.state is State.VERIFIED:
            return []
        self.check()
        forged = beyond(record)
        if forged:
            return [f"undo record {record.name} is not carried out: {forged}"]
        try:
            if record.target.namespace and not self.objects.namespaced(record.target):
                # The client would leave the namespace out, and reach the whole cluster's.
                return [f"undo record {record.name} is not carried out: no namespace holds such"]
            record = self._move(record, State.UNDOING)
            live = self._live(record)
            step = inverse(record, live)
            self._carry_out(record, step, live)
            left = self._what_is_left(record, step, since)
            if left:
                return [left]
            self._move(self._move(record, State.UNDONE), State.VERIFIED)
        except LeaseLost:
            raise
        except DrillbookError as error:
            return [f"{record.target} ({record.verb}): {error}"]
        return []

    def _what_is_left(self, record: UndoRecord, step: Inverse, since: datetime) -> str:
        if record.verb in HOST_VERBS:
            return self.ask_host(record) or residue.not_ready(
                self.objects, record.target.name, since
            )
        if isinstance(step, Wait):
            return f"{record.target}: {step.why}"
        if isinstance(step, Touch):
            return f"{record.target}: the fence that keeps a late change out is still on it"
        return unsettled(record, self._live(record))

    def _carry_out(self, record: UndoRecord, step: Inverse, live: Object | None) -> None:
        """On the very object that the step was decided by."""
        if isinstance(step, Wait) and _makes_namespace(record):
            self._hasten(self.as_whom(record), record.target.name)
        if isinstance(step, Done | Wait | AskHost):
            return
        objects = self.as_whom(record)
        if isinstance(step, Make):
            make(objects, step)
        elif live is None:
            return
        elif isinstance(step, Remove):
            remove(objects, _ref(record, live))
            if _makes_namespace(record):
                self._hasten(objects, record.target.name)
        elif isinstance(step, Write):
            write(objects, _ref(record, live), step, live)
        elif isinstance(step, Touch):
            touch(objects, _ref(record, live), live, record)

    def _hasten(self, objects: Objects, namespace: str) -> None:
        """Nobody needs a drill's pods to end politely, and some take half a minute for it."""
        for pod in self.objects.listed("v1", "Pod", namespace):
            if pod["metadata"].get("deletionGracePeriodSeconds") != POD_GRACE_S:
                end_pod(objects, pod)

    def _live(self, record: UndoRecord) -> Object | None:
        return None if record.verb in HOST_VERBS else self.objects.get(record.target)

    def _move(self, record: UndoRecord, state: State) -> UndoRecord:
        return journal.move(self.objects, self.namespace, record, state)


def _makes_namespace(record: UndoRecord) -> bool:
    """What lies in a namespace that the drill made goes with it."""
    return record.verb is Verb.CREATE and record.target.kind == "Namespace"


def _ref(record: UndoRecord, live: Object) -> ObjectRef:
    return replace(record.target, uid=live["metadata"]["uid"])


@writes("undo.make")
def make(objects: Objects, step: Make) -> None:
    objects.create(step.body)


@writes("undo.remove")
def remove(objects: Objects, ref: ObjectRef) -> None:
    objects.delete(ref)


@writes("undo.end-pod")
def end_pod(objects: Objects, pod: Object) -> None:
    metadata = pod["metadata"]
    place = {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]}
    ref = ObjectRef(api_version="v1", kind="Pod", **place)
    with suppress(Conflict):  # it went, and its controller made another of its name
        objects.delete(ref, grace_s=POD_GRACE_S)


@writes("undo.write")
def write(objects: Objects, ref: ObjectRef, step: Write, live: Object) -> None:
    objects.patch(ref, step.body, version=live["metadata"]["resourceVersion"])


@writes("undo.touch")
def touch(objects: Objects, ref: ObjectRef, live: Object, record: UndoRecord) -> None:
    """Another version: a change that is still on its way is refused. The next pass removes it."""
    mark = {"metadata": {"annotations": {FENCE: record.drill}}}
    objects.patch(ref, mark, version=live["metadata"]["resourceVersion"])
