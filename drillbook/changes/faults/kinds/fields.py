"""Changes of fields: a merge patch in, the old fields back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drillbook.changes.faults.applied import Applied, Outcome, changing
from drillbook.changes.faults.kinds.kind import Kind
from drillbook.changes.undo.inverse import MARK, contains, pre_image
from drillbook.changes.undo.journal import still_in_place
from drillbook.changes.undo.killpoints import writes
from drillbook.changes.undo.record import UndoRecord, Verb
from drillbook.cluster.objects import Conflict, Object, Objects
from drillbook.model.errors import CouldNotTell
from drillbook.model.object_ref import ObjectRef

TRIES = 3
"""How often a change is planned anew when its target moved between the reading and the change."""


class PatchKind(Kind):
    verb = Verb.PATCH
    needs = "get patch"

    def _patch(self) -> tuple[ObjectRef, dict[str, Any]]:
        """What is written where."""
        return self.site.ref(self.change.target), dict(self.change.patch)

    def _look(self, live: Object) -> None:
        """Raises CouldNotTell for an object that may not be changed."""

    def _inject(self) -> Applied:
        ref, patch = self._patch()
        custody = self.site.custody
        for _ in range(TRIES):
            live = self.site.found(ref)
            self._look(live)
            record = custody.plan(
                self.verb,
                replace(ref, uid=live["metadata"]["uid"]),
                pre_image=pre_image(live, patch),
                patch=patch,
                version=live["metadata"]["resourceVersion"],
            )
            try:
                with changing():
                    after = change_fields(self.site.as_whom(ref), record)
            except Conflict as error:
                # Something else wrote it between our reading and our change, which was refused.
                custody.dropped(record, str(error))
                continue
            self._made(record)
            if not took(live, after, record.patch):
                return Applied(Outcome.NOT_APPLIED, f"{record.target}: the patch changed nothing")
            before, now = (one["metadata"]["resourceVersion"] for one in (live, after))
            return Applied(Outcome.APPLIED, f"{record.target}: version {before} -> {now}")
        return Applied(Outcome.NOT_APPLIED, f"{ref}: it moved {TRIES} times before the change")

    def _is_in_place(self, record: UndoRecord) -> bool:
        return still_in_place(record, self._live(record))


class ScaleKind(PatchKind):
    verb = Verb.SCALE


class CordonKind(PatchKind):
    verb = Verb.CORDON
    needs = ""

    def _patch(self) -> tuple[ObjectRef, dict[str, Any]]:
        marked = {"metadata": {"annotations": {MARK: self.site.custody.name}}}
        return self.site.node(self.change.node), {**marked, "spec": {"unschedulable": True}}

    def _look(self, live: Object) -> None:
        """What a drill or a person changed is no pre-image of a healthy node."""
        notes = live["metadata"].get("annotations") or {}
        name = live["metadata"]["name"]
        if MARK in notes:
            raise CouldNotTell(f"node/{name} is changed by the drill {notes[MARK]} already")
        if (live.get("spec") or {}).get("unschedulable"):
            raise CouldNotTell(f"node/{name} is cordoned already, and not by a drill")


@writes("fault.patch")
def change_fields(objects: Objects, record: UndoRecord) -> Object:
    return objects.patch(record.target, record.patch, version=record.resource_version)


def took(before: Mapping[str, Any], after: Mapping[str, Any], patch: Mapping[str, Any]) -> bool:
    """Whether a patch was a change: not in place in the object before, and in it after. Not by
    resourceVersion, which a status moves. A generation moves with what is wanted, but not every
    kind has one; fields may be written otherwise (1024Mi as 1Gi). So either will do."""
    generations = [one["metadata"].get("generation") for one in (before, after)]
    in_place = generations[0] != generations[1] or contains(after, patch)
    return in_place and not contains(before, patch)
