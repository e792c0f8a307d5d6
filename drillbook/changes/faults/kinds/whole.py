"""Changes of whole objects: made, deleted, or deleted for their controller to recreate."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drillbook.changes.faults.applied import Applied, Outcome, changing
from drillbook.changes.faults.kinds.kind import Kind, Rule, rule
from drillbook.changes.undo.killpoints import writes
from drillbook.changes.undo.record import LEASE_LABEL, UndoRecord, Verb
from drillbook.cluster.clients import Connections
from drillbook.cluster.objects import Object, Objects
from drillbook.model.object_ref import ObjectRef


class CreateKind(Kind):
    verb = Verb.CREATE

    @classmethod
    def rights(cls, change: Any, clients: Connections) -> list[Rule]:
        manifest = change.manifest
        return [rule(clients, "get create", manifest["apiVersion"], manifest["kind"])]

    def _inject(self) -> Applied:
        manifest, custody = self.change.manifest, self.site.custody
        metadata = {**manifest["metadata"], "namespace": self.site.namespace}
        metadata["labels"] = {**(metadata.get("labels") or {}), LEASE_LABEL: custody.name}
        ref = ObjectRef(
            api_version=manifest["apiVersion"],
            kind=manifest["kind"],
            name=metadata["name"],
            namespace=self.site.namespace,
        )
        record = custody.plan(self.verb, ref)
        with changing():
            create(self.site.as_whom(ref), {**manifest, "metadata": metadata})
        self._made(record)
        return Applied(Outcome.APPLIED, f"{ref}: created")

    def _is_in_place(self, record: UndoRecord) -> bool:
        return self._live(record) is not None


class _Deleting(Kind):
    verb = Verb.DELETE
    needs = "get delete"

    def _delete(self, ref: ObjectRef, live: Object) -> None:
        record = self.site.custody.plan(
            self.verb,
            replace(ref, uid=live["metadata"]["uid"]),
            pre_image=live,
            version=live["metadata"]["resourceVersion"],
        )
        with changing():
            delete(self.site.as_whom(ref), record)
        self._made(record)


class DeleteKind(_Deleting):
    def _inject(self) -> Applied:
        ref = self.site.ref(self.change.target)
        self._delete(ref, self.site.found(ref))
        return Applied(Outcome.APPLIED, f"{ref}: deleted")

    def _is_in_place(self, record: UndoRecord) -> bool:
        return self._live(record) is None


class RestartKind(_Deleting):
    def _inject(self) -> Applied:
        """Delete the pods there are; their controller makes new ones with new UIDs."""
        target = self.change.target
        pods = self.site.matching(target)
        for pod in pods:
            ref = replace(self.site.ref(target), name=pod["metadata"]["name"])
            self._delete(ref, pod)
        if not pods:
            return Applied(Outcome.NOT_APPLIED, f"{target}: there is none")
        return Applied(Outcome.APPLIED, f"{target}: {len(pods)} deleted, to be recreated")

    def _is_in_place(self, record: UndoRecord) -> bool:
        return False  # its controller has taken it back

    def recreated(self) -> bool:
        """Whether the controller has made a pod with a new UID, and a container of it began."""
        pods = self.site.matching(self.change.target)
        there = {pod["metadata"]["uid"] for pod in pods if _began(pod)}
        return bool(there - {record.target.uid for record in self.records})


def _began(pod: Object) -> bool:
    """Also one that waits to begin again: it has ended before."""
    found = (pod.get("status") or {}).get("containerStatuses") or []
    states = [one.get(key) or {} for one in found for key in ("state", "lastState")]
    return any("running" in one or "terminated" in one for one in states)


@writes("fault.delete")
def delete(objects: Objects, record: UndoRecord) -> None:
    # By its UID only: a pod's status moves its version all the time.
    objects.delete(record.target)


@writes("fault.create")
def create(objects: Objects, body: Mapping[str, Any]) -> None:
    objects.create(body)
