"""A fault's changes: applied in order, each planned in the journal before, and taken back."""

from __future__ import annotations

from dataclasses import dataclass, field

from drillbook.changes.faults.applied import Applied, Outcome
from drillbook.changes.faults.kinds import Kind, Site, kind_of
from drillbook.changes.undo.custody import Custody
from drillbook.changes.undo.record import Verb
from drillbook.cluster.clients import Connections
from drillbook.model import Fault


def verbs_of(fault: Fault | None) -> tuple[Verb, ...]:
    """What a drill may write into its journal: its namespace, and its fault's changes."""
    changes = () if fault is None else fault.changes
    return tuple(dict.fromkeys((Verb.CREATE, *(kind_of(change).verb for change in changes))))


@dataclass
class Injector:
    """Applies one fault's changes under a drill's custody."""

    clients: Connections
    namespace: str
    custody: Custody
    _fault: Fault | None = field(default=None, init=False)
    _kinds: list[Kind] = field(default_factory=list, init=False)
    """The fault's changes, each with the records of its last application."""

    def inject(self, fault: Fault) -> Applied:
        """Apply every change in order; stop at the first that is refused. It counts as blocked only
        when nothing of the fault was applied before: what that does, nobody watches. Raises
        LeaseLost."""
        said = []
        for kind in self._of(fault):
            applied = kind.inject()
            said.append(applied.said)
            if applied.outcome is not Outcome.APPLIED:
                outcome = applied.outcome if len(said) == 1 else Outcome.NOT_APPLIED
                return Applied(outcome, "; ".join(said))
        return Applied(Outcome.APPLIED, "; ".join(said))

    def take_back(self, fault: Fault) -> list[str]:
        """Undo the changes that are still in place, last first, so that a second injection is a
        change. Returns what was taken back. Raises CouldNotTell, UndoFailed."""
        return [one for kind in reversed(self._of(fault)) for one in kind.take_back()]

    def recreated(self, fault: Fault) -> bool:
        """Whether every Restart's controller made a pod with a new UID. Raises CouldNotTell."""
        return all(kind.recreated() for kind in self._of(fault))

    def _of(self, fault: Fault) -> list[Kind]:
        if fault is not self._fault:
            site = Site(self.clients, self.namespace, self.custody)
            self._fault = fault
            self._kinds = [kind_of(change)(site, change) for change in fault.changes]
        return self._kinds
