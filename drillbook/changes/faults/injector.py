"""A fault's changes: applied in order, each planned in the journal before, and taken back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from drillbook.changes.undo.custody import Custody
from drillbook.changes.undo.inverse import MARK, contains, pre_image
from drillbook.changes.undo.journal import still_in_place
from drillbook.changes.undo.killpoints import writes
from drillbook.changes.undo.record import LEASE_LABEL, UndoRecord, Verb
from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import Identity
from drillbook.cluster.objects import Conflict, Object, Objects, message
from drillbook.model import (
    Change,
    Cordon,
    Create,
    CutNode,
    Delete,
    Fault,
    KillNode,
    Patch,
    Restart,
    Scale,
    Target,
)
from drillbook.model.errors import CouldNotTell
from drillbook.model.object_ref import ObjectRef

_NO_RIGHT = re.compile(r'User "[^"]*" cannot ')
"""What a missing right says, whatever the object is called."""
_WEBHOOK = r'admission webhook "[^"]+" denied the request'
_RULES = re.compile(
    "|".join(
        (
            _WEBHOOK,
            r"ValidatingAdmissionPolicy '[^']+' with binding '[^']+' denied request",
            r"violates PodSecurity",
            r"(?:exceeded|failed) quota: ",
            # The LimitRanger's three sentences.
            r"(?:maximum|minimum) \S+ usage per \w+ is ",
            r"max limit to request ratio per \w+ is ",
        )
    )
)
"""What a refusal by a rule says with a 403. A closed list: any other 403 is no proof of a rule."""
OUR_POLICY = "drillbook-"
"""Our own admission policies are no rule of the system under the drill."""
TRIES = 3
"""How often a change is planned anew when its target moved between the reading and the change."""
TAKE_BACK_WITHIN_S = 60.0

VERBS: Mapping[type, Verb] = {
    Patch: Verb.PATCH,
    Restart: Verb.DELETE,
    Scale: Verb.SCALE,
    Create: Verb.CREATE,
    Delete: Verb.DELETE,
    Cordon: Verb.CORDON,
    KillNode: Verb.KILL_NODE,
    CutNode: Verb.CUT_NETWORK,
}
"""The verb of the journal that each change is written down as."""


def verbs_of(fault: Fault | None) -> tuple[Verb, ...]:
    """What a drill may write into its journal: its namespace, and its fault's changes."""
    changes = () if fault is None else fault.changes
    return tuple(dict.fromkeys((Verb.CREATE, *(VERBS[type(change)] for change in changes))))


class Outcome(StrEnum):
    """What came of applying a change."""

    APPLIED = "applied"
    BLOCKED = "blocked"
    """Refused by an admission, validation or quota rule."""
    NOT_APPLIED = "not applied"
    """A missing right, 404, 409, 429, 5xx, or no answer."""


@dataclass(frozen=True)
class Applied:
    """What came of a fault's changes, and the server's word on it."""

    outcome: Outcome
    said: str


@dataclass
class Injector:
    """Applies one fault's changes under a drill's custody."""

    clients: Connections
    namespace: str
    custody: Custody
    in_place: dict[int, list[UndoRecord]] = field(default_factory=dict)
    """The records of each change's last application, by the change's number."""
    deleted: dict[int, frozenset[str]] = field(default_factory=dict)
    """The UIDs that each Restart deleted last."""

    def inject(self, fault: Fault) -> Applied:
        """Apply every change in order; stop at the first that is refused. Raises LeaseLost."""
        said = []
        for number, change in enumerate(fault.changes):
            applied = self._apply(number, change)
            said.append(applied.said)
            if applied.outcome is not Outcome.APPLIED:
                return Applied(applied.outcome, "; ".join(said))
        return Applied(Outcome.APPLIED, "; ".join(said))

    def take_back(self, fault: Fault) -> list[str]:
        """Undo the changes that are still in place, last first, so that a second injection is a
        change. Returns what was taken back. Raises CouldNotTell, UndoFailed."""
        taken = []
        for number, change in reversed(list(enumerate(fault.changes))):
            for record in reversed(self.in_place.get(number, [])):
                if isinstance(change, Restart) or not self._is_in_place(record):
                    continue
                self.custody.check()
                self.custody.undoer.settle(record, TAKE_BACK_WITHIN_S)
                taken.append(str(record.target))
        return taken

    def made_anew(self, fault: Fault) -> bool:
        """Whether every Restart's controller made a pod with a new UID. Raises CouldNotTell."""
        return all(
            self._uids(change.target) - self.deleted.get(number, frozenset())
            for number, change in enumerate(fault.changes)
            if isinstance(change, Restart)
        )

    # ---------------------------------------------------------------- one change

    def _apply(self, number: int, change: Change) -> Applied:
        self.in_place[number] = []
        try:
            if isinstance(change, Restart):
                return self._restart(number, change)
            if isinstance(change, Create):
                return self._create(number, change)
            if isinstance(change, KillNode | CutNode):
                return self._ask_host(number, change)
            if isinstance(change, Delete):
                return self._delete(number, self._ref(change.target))
            return self._write(number, change)
        except CouldNotTell as error:
            return Applied(refusal(error.__cause__), str(error))

    def _write(self, number: int, change: Patch | Scale | Cordon) -> Applied:
        ref, patch = self._patch_of(change)
        for _ in range(TRIES):
            live = self._found(ref)
            if isinstance(change, Cordon):
                _refuse_marked(live)
            record = self.custody.plan(
                VERBS[type(change)],
                replace(ref, uid=live["metadata"]["uid"]),
                pre_image=pre_image(live, patch),
                patch=patch,
                version=live["metadata"]["resourceVersion"],
            )
            try:
                after = change_fields(self._as_whom(ref), record)
            except Conflict as error:
                # Something else wrote it between our reading and our change, which was refused.
                self.custody.dropped(record, str(error))
                continue
            self.in_place[number].append(self.custody.applied(record))
            return _took(record, live, after)
        return Applied(Outcome.NOT_APPLIED, f"{ref}: it moved {TRIES} times before the change")

    def _restart(self, number: int, change: Restart) -> Applied:
        """Delete the pods there are; their controller makes new ones with new UIDs."""
        pods = self._pods(change.target)
        self.deleted[number] = frozenset(pod["metadata"]["uid"] for pod in pods)
        for pod in pods:
            self._delete(
                number,
                ObjectRef(
                    api_version=change.target.api_version,
                    kind=change.target.kind,
                    name=pod["metadata"]["name"],
                    namespace=self.namespace,
                ),
            )
        if not pods:
            return Applied(Outcome.NOT_APPLIED, f"{change.target}: there is none")
        return Applied(Outcome.APPLIED, f"{change.target}: {len(pods)} deleted, to be made anew")

    def _delete(self, number: int, ref: ObjectRef) -> Applied:
        live = self._found(ref)
        record = self.custody.plan(
            Verb.DELETE,
            replace(ref, uid=live["metadata"]["uid"]),
            pre_image=live,
            version=live["metadata"]["resourceVersion"],
        )
        delete(self._as_whom(ref), record)
        self.in_place[number].append(self.custody.applied(record))
        return Applied(Outcome.APPLIED, f"{ref}: deleted")

    def _create(self, number: int, change: Create) -> Applied:
        metadata = dict(change.manifest["metadata"])
        metadata["namespace"] = self.namespace
        metadata["labels"] = {**(metadata.get("labels") or {}), LEASE_LABEL: self.custody.name}
        ref = ObjectRef(
            api_version=change.manifest["apiVersion"],
            kind=change.manifest["kind"],
            name=metadata["name"],
            namespace=self.namespace,
        )
        record = self.custody.plan(Verb.CREATE, ref)
        create(self._as_whom(ref), {**change.manifest, "metadata": metadata})
        self.in_place[number].append(self.custody.applied(record))
        return Applied(Outcome.APPLIED, f"{ref}: created")

    def _ask_host(self, number: int, change: KillNode | CutNode) -> Applied:
        ref = self._node(change.node)
        live = self._found(ref)
        record = self.custody.plan(VERBS[type(change)], replace(ref, uid=live["metadata"]["uid"]))
        ask_host(self.custody, record)
        self.in_place[number].append(self.custody.applied(record))
        return Applied(Outcome.APPLIED, f"{ref}: {record.verb}")

    # ---------------------------------------------------------------- targets

    def _patch_of(self, change: Patch | Scale | Cordon) -> tuple[ObjectRef, dict[str, Any]]:
        if isinstance(change, Patch):
            return self._ref(change.target), dict(change.patch)
        if isinstance(change, Scale):
            return self._ref(change.target), {"spec": {"replicas": change.replicas}}
        marked = {"metadata": {"annotations": {MARK: self.custody.name}}}
        return self._node(change.node), {**marked, "spec": {"unschedulable": True}}

    def _ref(self, target: Target) -> ObjectRef:
        return ObjectRef(
            api_version=target.api_version,
            kind=target.kind,
            name=self.clients.resolve(target.name),
            namespace=self.namespace,
        )

    def _node(self, name: Any) -> ObjectRef:
        return ObjectRef(api_version="v1", kind="Node", name=self.clients.resolve(name))

    def _found(self, ref: ObjectRef) -> Object:
        """The live object. Raises CouldNotTell when it is not there: nothing can be changed."""
        live = self._as_whom(ref).get(ref)
        if live is None:
            raise CouldNotTell(f"{ref}: it is not there")
        return live

    def _as_whom(self, ref: ObjectRef) -> Objects:
        identity = Identity.INJECTOR if ref.namespace else Identity.NODE_INJECTOR
        return Objects(self.clients.acting_as(identity))

    def _is_in_place(self, record: UndoRecord) -> bool:
        """Whether there is something to take back: a remedy may have done it already."""
        if record.verb in (Verb.KILL_NODE, Verb.CUT_NETWORK):
            return True
        live = Objects(self.clients).get(record.target)
        if record.verb is Verb.CREATE:
            return live is not None
        if record.verb is Verb.DELETE:
            return live is None
        return still_in_place(record, live)

    def _uids(self, target: Target) -> frozenset[str]:
        return frozenset(pod["metadata"]["uid"] for pod in self._pods(target, self.clients))

    def _pods(self, target: Target, clients: Connections | None = None) -> list[Object]:
        asking_as = clients or self.clients.acting_as(Identity.INJECTOR)
        selector = self.clients.resolve(target.selector)
        return Objects(asking_as).listed(target.api_version, target.kind, self.namespace, selector)


# --------------------------------------------------------------------------- the writes


@writes("fault.patch")
def change_fields(objects: Objects, record: UndoRecord) -> Object:
    return objects.patch(record.target, record.patch, version=record.resource_version)


@writes("fault.delete")
def delete(objects: Objects, record: UndoRecord) -> None:
    # By its UID only: a pod's status moves its version all the time.
    objects.delete(record.target)


@writes("fault.create")
def create(objects: Objects, body: Mapping[str, Any]) -> None:
    objects.create(body)


@writes("fault.host")
def ask_host(custody: Custody, record: UndoRecord) -> None:
    custody.host.apply(
        drill=custody.name,
        sequence=record.sequence,
        verb=str(record.verb),
        node=record.target.name,
        expires=custody.host_expiry(),
    )
    custody.host_holds = True


# --------------------------------------------------------------------------- what came of it


def _refuse_marked(node: Object) -> None:
    """What a drill or a person changed is no pre-image of a healthy node."""
    notes = node["metadata"].get("annotations") or {}
    name = node["metadata"]["name"]
    if MARK in notes:
        raise CouldNotTell(f"node/{name} is changed by the drill {notes[MARK]} already")
    if (node.get("spec") or {}).get("unschedulable"):
        raise CouldNotTell(f"node/{name} is cordoned already, and not by a drill")


def _took(record: UndoRecord, live: Object, after: Object) -> Applied:
    if not took(live, after, record.patch):
        return Applied(Outcome.NOT_APPLIED, f"{record.target}: the patch changed nothing")
    before, now = (one["metadata"]["resourceVersion"] for one in (live, after))
    return Applied(Outcome.APPLIED, f"{record.target}: version {before} -> {now}")


def took(before: Mapping[str, Any], after: Mapping[str, Any], patch: Mapping[str, Any]) -> bool:
    """Whether a patch was a change: not in place in the object before, and in it after.

    Not by resourceVersion: every write of a status moves it, and a crash loop writes all the time.
    A generation moves with what is wanted only, but not every kind has one, and a patch of metadata
    leaves it as it is; the fields may be written in another way (1024Mi as 1Gi). So either will do.
    """
    generations = [one["metadata"].get("generation") for one in (before, after)]
    in_place = generations[0] != generations[1] or contains(after, patch)
    return in_place and not contains(before, patch)


def refusal(error: BaseException | None) -> Outcome:
    """Blocked by a rule, or not applied for want of a right, an object, a slot or an answer."""
    status, said = getattr(error, "status", None), message(error)
    if _NO_RIGHT.search(said) or f"ValidatingAdmissionPolicy '{OUR_POLICY}" in said:
        return Outcome.NOT_APPLIED
    by_rule = status == 403 and _RULES.search(said)
    by_webhook = status == 400 and re.search(_WEBHOOK, said)
    return Outcome.BLOCKED if status == 422 or by_rule or by_webhook else Outcome.NOT_APPLIED
