"""Each kind of change in one place: its verb in the journal, its rights, its way in and back.

A new kind is a class here, a line in KINDS, its value in `drillbook.model.changes` (which says it
in words), and, if none of the verbs will do, a verb with its inverse in `drillbook.changes.undo`.
"""

from __future__ import annotations

from collections.abc import Mapping

from drillbook.changes.faults.kinds.fields import CordonKind, PatchKind, ScaleKind
from drillbook.changes.faults.kinds.host import CutNodeKind, KillNodeKind
from drillbook.changes.faults.kinds.kind import Kind, Rule, Site, rule
from drillbook.changes.faults.kinds.run import RunKind
from drillbook.changes.faults.kinds.whole import CreateKind, DeleteKind, RestartKind
from drillbook.model import (
    Change,
    Cordon,
    Create,
    CutNode,
    Delete,
    KillNode,
    Patch,
    Restart,
    Run,
    Scale,
)

__all__ = ["KINDS", "Kind", "Rule", "Site", "kind_of", "rule"]

KINDS: Mapping[type, type[Kind]] = {
    Patch: PatchKind,
    Restart: RestartKind,
    Scale: ScaleKind,
    Create: CreateKind,
    Delete: DeleteKind,
    Run: RunKind,
    Cordon: CordonKind,
    KillNode: KillNodeKind,
    CutNode: CutNodeKind,
}


def kind_of(change: Change) -> type[Kind]:
    return KINDS[type(change)]
