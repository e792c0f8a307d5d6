"""An incident that has ended -> its record, redacted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from drillbook.drill.recorder import question_records, rto_s, verdict_of
from drillbook.evidence import proof, records
from drillbook.evidence.redactor import Redactor
from drillbook.model import Phase, Verdict

if TYPE_CHECKING:
    from drillbook.drill.live_drill import Incident


def record_of(incident: Incident, redactor: Redactor) -> records.Drill:
    """Everything the drill saw. No value of a Secret of its namespace, of a sensitive environment
    variable, and no token is in it. Where the Secrets could not be read, what was seen is withheld
    and the drill is an ERROR."""
    plan, recorder, clock = incident.plan, incident.recorder, incident.clock
    runbook = plan.bound.runbook
    scenarios = recorder.scenarios(plan.cause, plan.scenarios)
    questions = question_records(incident.soundings.asked)
    drill = records.Drill(
        run=plan.run,
        runbook=runbook.id,
        runbook_version=runbook.tag("version"),
        path=str(runbook.path),
        cause=plan.cause,
        control=plan.control,
        attempt=1,
        commit=plan.commit,
        hash=plan.hash,
        engine=proof.ENGINE,
        started=incident.started,
        ended=clock.now(),
        namespace=incident.namespace.name,
        cluster=plan.cluster,
        verdict=verdict(incident, scenarios, questions),
        injection=incident.injection,
        undo=incident.undo,
        refused=incident.refused,
        partial=incident.interrupted or plan.until is not Phase.PREVENTION,
        interrupted=incident.interrupted,
        reason=incident.reason,
        rto_s=rto_s(runbook),
        times=times(incident, scenarios),
        scenarios=scenarios,
        questions=questions,
        manual=sum(s.verdict is Verdict.MANUAL for r in scenarios for s in r.steps),
        workload=tuple(recorder.notes),
        left=incident.left,
        cost=records.Cost(
            wall_s=round(clock.monotonic() - incident.began, 3),
            waiting_s=round(recorder.waiting_s, 3),
            commands_s=round(recorder.commands_s, 3),
        ),
    )
    return redactor.drill(drill)


def times(incident: Incident, scenarios: Sequence[records.ScenarioRecord]) -> records.Times:
    """The moments; the cause was not found (t5) unless the whole diagnosis passed."""
    plan = incident.plan
    found = incident.recorder.times(plan.floor_s(incident.settings), plan.skew_s)
    diagnosed = [s.verdict for s in scenarios if s.phase is Phase.DIAGNOSIS]
    passed = verdict_of(diagnosed) is Verdict.PASSED
    return found if passed else found.model_copy(update={"t5": None})


def verdict(
    incident: Incident,
    scenarios: Sequence[records.ScenarioRecord],
    questions: Sequence[records.Question],
) -> Verdict:
    """Plain: that of the first step that is FAILED or ERROR. Healthy: FAILED when a phase held,
    ERROR when one could not be answered."""
    if incident.plan.is_healthy:
        if incident.failed:
            return Verdict.ERROR
        if any(q.held for q in questions):
            return Verdict.FAILED
        unknown = not questions or any(q.held is None for q in questions)
        return Verdict.ERROR if unknown else Verdict.PASSED
    found = verdict_of([s.verdict for s in scenarios])
    return Verdict.ERROR if incident.failed and found is Verdict.NOT_RUN else found
