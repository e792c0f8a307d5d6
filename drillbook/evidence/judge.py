"""What a record says about one cause or one phase; shared by scorecard and pages. Pure."""

from __future__ import annotations

from drillbook.evidence.records import Drill, ScenarioRecord
from drillbook.model import Control, Injection, Phase, Undo, Verdict


def phase_verdict(drill: Drill, phase: Phase) -> Verdict:
    """FAILED or ERROR if one of the phase's scenarios is; MANUAL when nothing but a person's steps;
    NOT_RUN when there is no scenario or one was not run; else PASSED."""
    verdicts = [s.verdict for s in drill.scenarios if s.phase is phase]
    for verdict in (Verdict.FAILED, Verdict.ERROR):
        if verdict in verdicts:
            return verdict
    if not verdicts or Verdict.NOT_RUN in verdicts:
        return Verdict.NOT_RUN
    return Verdict.MANUAL if set(verdicts) == {Verdict.MANUAL} else Verdict.PASSED


def manual_phases(drill: Drill) -> tuple[Phase, ...]:
    """The phases that a person alone can do, which therefore no drill proves."""
    return tuple(phase for phase in Phase if phase_verdict(drill, phase) is Verdict.MANUAL)


def judged(drill: Drill) -> bool:
    """Whether the drill is valid and says yes or no."""
    return drill.valid and drill.verdict in (Verdict.PASSED, Verdict.FAILED)


def why_not_judged(drill: Drill) -> str:
    """Why a drill is left out of the rates, for a person; empty when it is judged."""
    if judged(drill):
        return ""
    said = f": {drill.reason}" if drill.reason else ""
    return f"{_why(drill)}{said}"


def _why(drill: Drill) -> str:
    if drill.interrupted:
        return "interrupted"
    if drill.refused:
        return "refused before it began"
    if drill.partial:
        return "partial"
    if drill.injection is Injection.NO_EFFECT:
        return "the fault had no effect"
    if drill.injection is Injection.REFUSED:
        return "the fault was refused"
    if drill.control is Control.HEALTHY and drill.injection is not Injection.NONE:
        return "something was injected into a healthy drill"
    if drill.control is not Control.HEALTHY and drill.injection is Injection.NONE:
        return "nothing was injected"
    if drill.undo is not Undo.VERIFIED:
        return f"the undo is {drill.undo}"
    if not drill.valid:
        return "nothing was asked"
    return "could not tell" if drill.verdict is Verdict.ERROR else f"ended as {drill.verdict}"


def first_problem(drill: Drill) -> tuple[ScenarioRecord, str] | None:
    """The scenario that ended a drill, and its step's text; None when none did."""
    for scenario in drill.scenarios:
        for step in scenario.steps:
            if step.verdict in (Verdict.FAILED, Verdict.ERROR):
                return scenario, step.text
    return None
