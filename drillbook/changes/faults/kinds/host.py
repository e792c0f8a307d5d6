"""What the agent on the host does to a node, and undoes."""

from __future__ import annotations

from dataclasses import replace

from drillbook.changes.faults.applied import Applied, Outcome
from drillbook.changes.faults.kinds.kind import Kind
from drillbook.changes.undo.custody import Custody
from drillbook.changes.undo.killpoints import writes
from drillbook.changes.undo.record import UndoRecord, Verb


class _OnHost(Kind):
    def _inject(self) -> Applied:
        ref = self.site.node(self.change.node)
        live = self.site.found(ref)
        record = self.site.custody.plan(self.verb, replace(ref, uid=live["metadata"]["uid"]))
        ask_host(self.site.custody, record)
        self._made(record)
        return Applied(Outcome.APPLIED, f"{ref}: {record.verb}")

    def _is_in_place(self, record: UndoRecord) -> bool:
        return True  # nothing in the cluster can have taken it back


class KillNodeKind(_OnHost):
    verb = Verb.KILL_NODE


class CutNodeKind(_OnHost):
    verb = Verb.CUT_NETWORK


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
