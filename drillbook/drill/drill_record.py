"""A drill that has ended, or was refused before there was an incident -> its record, redacted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from drillbook.drill.recorder import question_records, rto_s
from drillbook.evidence import proof, records
from drillbook.evidence.judge import verdict_of
from drillbook.evidence.redactor import Redactor
from drillbook.model import Control, Injection, Phase, Runbook, Undo, Verdict
from drillbook.model.errors import Refused

if TYPE_CHECKING:
    from drillbook.drill.live_drill import LiveDrill


def record_of(drill: LiveDrill, redactor: Redactor) -> records.Drill:
    """Everything the drill saw. No value of a Secret of its namespace, of a sensitive environment
    variable, and no token is in it. Where Secrets could not be read, the drill is an ERROR."""
    order, recorder, clock = drill.order, drill.recorder, drill.clock
    runbook = order.bound.runbook
    scenarios = recorder.scenarios(order.cause, order.scenarios)
    questions = question_records(drill.cross_checks.asked, order.hashes)
    record = records.Drill(
        run=order.run,
        runbook=runbook.id,
        runbook_version=runbook.tag("version"),
        path=str(runbook.path),
        cause=order.cause,
        control=order.control,
        commit=order.commit,
        hash=order.hash,
        engine=proof.ENGINE,
        started=drill.started,
        ended=clock.now(),
        namespace=drill.namespace.name,
        cluster=order.cluster,
        verdict=verdict(drill, scenarios, questions),
        injection=drill.injection,
        undo=drill.undo,
        refused=drill.refused,
        partial=drill.interrupted or order.until is not Phase.PREVENTION,
        interrupted=drill.interrupted,
        reason=drill.reason,
        rto_s=rto_s(runbook),
        times=times(drill, scenarios),
        scenarios=scenarios,
        questions=questions,
        manual=sum(s.verdict is Verdict.MANUAL for r in scenarios for s in r.steps),
        workload=tuple(recorder.notes),
        printed=tuple(recorder.shown),
        left=drill.left,
        cost=records.Cost(
            wall_s=round(clock.monotonic() - drill.began, 3),
            waiting_s=round(recorder.waiting_s, 3),
            commands_s=round(recorder.commands_s, 3),
            printed_s=round(recorder.printed_s, 3),
        ),
    )
    return redactor.drill(record)


def times(drill: LiveDrill, scenarios: Sequence[records.ScenarioRecord]) -> records.Times:
    """The moments; the cause was not found (t5) unless the whole diagnosis passed."""
    order = drill.order
    found = drill.recorder.times(order.floor_s(drill.settings), order.skew_s)
    diagnosed = [s.verdict for s in scenarios if s.phase is Phase.DIAGNOSIS]
    passed = verdict_of(diagnosed) is Verdict.PASSED
    return found if passed else found.model_copy(update={"t5": None})


def verdict(
    drill: LiveDrill,
    scenarios: Sequence[records.ScenarioRecord],
    questions: Sequence[records.Question],
) -> Verdict:
    """Plain: that of the first step that is FAILED or ERROR. Healthy: FAILED when a phase held,
    ERROR when one could not be answered."""
    if drill.order.is_healthy:
        if drill.failed:
            return Verdict.ERROR
        if any(q.held for q in questions):
            return Verdict.FAILED
        unknown = not questions or any(q.held is None for q in questions)
        return Verdict.ERROR if unknown else Verdict.PASSED
    found = verdict_of([s.verdict for s in scenarios])
    # What is asked outside of every step, as the fault's effect line, may have failed alone.
    return Verdict.ERROR if drill.failed and found in (Verdict.NOT_RUN, Verdict.PASSED) else found


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
    """Who refused, and why, in the error's words; nothing was changed. It has no hash and no
    namespace: nothing was bound to a cluster, and a refusal proves nothing. The stamps are UTC."""
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
