"""A drill that was refused before there was an incident -> its record. Nothing was changed."""

from __future__ import annotations

from datetime import datetime

from drillbook.drill.recorder import rto_s
from drillbook.evidence import proof, records
from drillbook.evidence.redactor import Redactor
from drillbook.model import Control, Injection, Phase, Runbook, Undo, Verdict
from drillbook.model.errors import Refused


def record_of_refusal(
    error: Refused,
    *,
    runbook: Runbook,
    cause: str,
    control: Control,
    run: str,
    commit: str,
    until: Phase,
    started: datetime,
    ended: datetime,
) -> records.Drill:
    """Who refused, and why, in the error's words. It has no hash and no namespace: nothing was
    bound to a cluster, and a refusal proves nothing. The stamps are UTC."""
    drill = records.Drill(
        run=run,
        runbook=runbook.id,
        runbook_version=runbook.tag("version"),
        path=str(runbook.path),
        cause=cause,
        control=control,
        commit=commit,
        hash="",
        engine=proof.ENGINE,
        started=started,
        ended=ended,
        namespace="",
        cluster=None,
        verdict=Verdict.ERROR,
        injection=Injection.REFUSED,
        undo=Undo.NOT_NEEDED,
        partial=until is not Phase.PREVENTION,
        refused=True,
        reason=str(error),
        rto_s=rto_s(runbook),
        times=records.Times(),
        scenarios=(),
        cost=records.Cost(
            wall_s=round((ended - started).total_seconds(), 3), waiting_s=0.0, commands_s=0.0
        ),
    )
    return Redactor().drill(drill)
