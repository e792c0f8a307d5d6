"""The undo journal of one drill, in the cluster: written and acknowledged before each change."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from drillbook.changes.undo.inverse import contains
from drillbook.changes.undo.killpoints import writes
from drillbook.changes.undo.record import (
    API_VERSION,
    KIND,
    LEASE_LABEL,
    State,
    UndoRecord,
    Verb,
    from_object,
    manifest,
)
from drillbook.cluster.objects import Conflict, Objects
from drillbook.model.errors import CouldNotTell, beginning
from drillbook.model.object_ref import ObjectRef

_ORDER = tuple(State)


class AlreadyChanged(Conflict):
    """Another drill holds a change of the same object: its present state is no pre-image."""


@dataclass
class Journal:
    """Writes records into the system namespace; an answer of the server is the acknowledgement."""

    objects: Objects
    namespace: str
    drill: str
    """The name of the drill's lease."""
    owner: Mapping[str, Any]
    """The ownerReference of the drill, so that deleting the drill deletes its records."""
    expires: datetime
    fence: int
    _sequence: int = field(default=0, init=False)

    def plan(
        self,
        verb: Verb,
        target: ObjectRef,
        *,
        pre_image: Mapping[str, Any] | None = None,
        patch: Mapping[str, Any] | None = None,
        version: str = "",
    ) -> UndoRecord:
        """Write what is about to happen. Raises CouldNotTell, AlreadyChanged: do not change."""
        self._refuse_second_hand(target)
        self._sequence += 1
        record = UndoRecord(
            drill=self.drill,
            sequence=self._sequence,
            verb=verb,
            target=target,
            expires=self.expires,
            fence=self.fence,
            pre_image=pre_image or {},
            patch=patch or {},
            resource_version=version,
        )
        return self._create(record)

    def applied(self, record: UndoRecord) -> UndoRecord:
        """The change was made."""
        return move(self.objects, self.namespace, record, State.APPLIED)

    def dropped(self, record: UndoRecord, why: str) -> None:
        """The server refused the change for good: there is nothing to undo."""
        move(self.objects, self.namespace, record, State.VERIFIED, why)

    @writes("record.plan")
    def _create(self, record: UndoRecord) -> UndoRecord:
        body = manifest(record, self.namespace, self.owner)
        acknowledged = self.objects.create(body)
        return replace(record, version=acknowledged["metadata"]["resourceVersion"])

    def _refuse_second_hand(self, target: ObjectRef) -> None:
        if not target.uid:
            return
        for other in all_records(self.objects, self.namespace):
            if other.state is State.VERIFIED or other.drill == self.drill:
                continue
            if other.target.uid == target.uid:
                raise AlreadyChanged(
                    f"{target} was changed by the drill {other.drill}, which has not undone it: "
                    "what it is now is not what it was. Wait for that drill, or `drillbook undo "
                    "--dead`."
                )


def all_records(objects: Objects, namespace: str, selector: str | None = None) -> list[UndoRecord]:
    """Every undo record there is. Raises CouldNotTell."""
    found = objects.listed(API_VERSION, KIND, namespace, selector)
    return sorted(map(from_object, found), key=lambda one: (one.drill, one.sequence))


def read(objects: Objects, namespace: str, record: UndoRecord) -> UndoRecord:
    """The record as it is now. Raises CouldNotTell when it is gone."""
    found = objects.get(replace(record.ref, namespace=namespace))
    if found is None:
        raise CouldNotTell(f"the undo record {record.name} is gone")
    return from_object(found)


def records_of(objects: Objects, namespace: str, drill: str) -> list[UndoRecord]:
    """One drill's, in the order of the changes. Raises CouldNotTell."""
    return all_records(objects, namespace, f"{LEASE_LABEL}={drill}")


def move(
    objects: Objects, namespace: str, record: UndoRecord, state: State, said: str = ""
) -> UndoRecord:
    """The record in that state, or as it is past it. Raises Conflict when others moved it."""
    if _ORDER.index(state) <= _ORDER.index(record.state) and said == record.said:
        return record
    return _move(objects, namespace, record, state, said)


@writes("record.move")
def _move(
    objects: Objects, namespace: str, record: UndoRecord, state: State, said: str
) -> UndoRecord:
    body = {"state": str(state), "said": beginning(said, 1000)}
    ref = replace(record.ref, namespace=namespace)
    after = objects.patch(ref, body, version=record.version)
    moved = record.moved(state, said)
    return replace(moved, version=after["metadata"]["resourceVersion"])


def still_in_place(record: UndoRecord, live: Mapping[str, Any] | None) -> bool:
    """Whether a change of fields is what the object says now. Pure."""
    return live is not None and contains(live, record.patch)
