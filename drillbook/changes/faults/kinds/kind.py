"""What every kind of change has: a verb of the journal, rights, a way in and a way back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from drillbook.changes.faults.applied import Applied, NotMade, Outcome
from drillbook.changes.undo.custody import Custody
from drillbook.changes.undo.record import UndoRecord, Verb
from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import Identity
from drillbook.cluster.objects import Object, Objects
from drillbook.model import Target, Word
from drillbook.model.errors import CouldNotTell
from drillbook.model.object_ref import ObjectRef

Rule = dict[str, Any]
"""A PolicyRule of a Role."""
TAKE_BACK_WITHIN_S = 60.0


@dataclass(frozen=True)
class Site:
    """Where a fault's changes are made, and in whose custody."""

    clients: Connections
    namespace: str
    custody: Custody

    def ref(self, target: Target) -> ObjectRef:
        return ObjectRef(
            api_version=target.api_version,
            kind=target.kind,
            name=self.clients.resolve(target.name),
            namespace=self.namespace,
        )

    def node(self, name: Word) -> ObjectRef:
        return ObjectRef(api_version="v1", kind="Node", name=self.clients.resolve(name))

    def as_whom(self, ref: ObjectRef) -> Objects:
        identity = Identity.INJECTOR if ref.namespace else Identity.NODE_INJECTOR
        return Objects(self.clients.acting_as(identity))

    def found(self, ref: ObjectRef) -> Object:
        """The live object. Raises CouldNotTell when it is not there: nothing can be changed."""
        live = self.as_whom(ref).get(ref)
        if live is None:
            raise CouldNotTell(f"{ref}: it is not there")
        return live

    def matching(self, target: Target) -> list[Object]:
        """All that a target means: the one of its name, or those of its selector."""
        ref = self.ref(target)
        if ref.name:
            live = self.as_whom(ref).get(ref)
            return [] if live is None else [live]
        selector = self.clients.resolve(target.selector)
        return self.as_whom(ref).listed(target.api_version, target.kind, self.namespace, selector)


class Kind(ABC):
    """One change of a fault, and the records of its last application."""

    verb: ClassVar[Verb]
    """What the journal knows it as."""

    def __init__(self, site: Site, change: Any) -> None:
        self.site, self.change = site, change
        self.records: list[UndoRecord] = []

    roles: ClassVar[tuple[str, ...]] = ()
    """Cluster roles that the injector gets in the drill's namespace for it."""

    needs: ClassVar[str] = ""
    """The verbs that the injector needs on its target; what is on nodes is another identity's."""

    @classmethod
    def rights(cls, change: Any, clients: Connections) -> list[Rule]:
        """What the injector needs for it in the drill's namespace, by the object's name where it
        has one."""
        if not cls.needs:
            return []
        target: Target = change.target
        verbs = cls.needs if target.name else f"list {cls.needs}"
        return [rule(clients, verbs, target.api_version, target.kind, target.name)]

    def inject(self) -> Applied:
        """Raises LeaseLost."""
        self.records = []
        try:
            return self._inject()
        except NotMade as no:
            # Of one that was made in part nobody watches what the part does.
            return Applied(Outcome.NOT_APPLIED if self.records else no.outcome, str(no))
        except CouldNotTell as error:
            return Applied(Outcome.NOT_APPLIED, str(error))

    @abstractmethod
    def _inject(self) -> Applied:
        """Plan it in the journal, make it, note it in `records`. Raises CouldNotTell, LeaseLost."""

    def take_back(self) -> list[str]:
        """Undo what is still in place of it, last first. Returns what was taken back. Raises
        CouldNotTell, UndoFailed, LeaseLost."""
        taken = []
        for record in reversed(self.records):
            if self._is_in_place(record):
                self.site.custody.check()
                self.site.custody.undoer.settle(record, TAKE_BACK_WITHIN_S)
                taken.append(str(record.target))
        return taken

    @abstractmethod
    def _is_in_place(self, record: UndoRecord) -> bool:
        """Whether there is something to take back: a remedy may have done it already."""

    def recreated(self) -> bool:
        """Whether there is something again that could show the effect. Raises CouldNotTell."""
        return True

    def _made(self, record: UndoRecord) -> None:
        """The change was made, even when that cannot be noted."""
        self.records.append(record)
        self.records[-1] = self.site.custody.applied(record)

    def _live(self, record: UndoRecord) -> Object | None:
        """Read by whoever changed it: nobody else may read a Secret."""
        return self.site.as_whom(record.target).get(record.target)


def rule(clients: Connections, verbs: str, version: str, kind: str, name: Word = "") -> Rule:
    """Verbs on a kind, or on one object of it."""
    resource = clients.resource(version, kind)
    named = {"resourceNames": [clients.resolve(name)]} if name else {}
    groups, resources = [resource.group or ""], [resource.name]
    return {"apiGroups": groups, "resources": resources, **named, "verbs": verbs.split()}
