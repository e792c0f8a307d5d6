"""What a record says about one cause or one phase; shared by drills, scorecard and pages. Pure."""

from collections.abc import Sequence

from drillbook.evidence.records import Drill, ScenarioRecord
from drillbook.model import Control, Injection, Phase, Undo, Verdict


def verdict_of(verdicts: Sequence[Verdict]) -> Verdict:
    """The first FAILED or ERROR; else NOT_RUN, if any; MANUAL, if all; else PASSED."""
    for verdict in verdicts:
        if verdict in (Verdict.FAILED, Verdict.ERROR):
            return verdict
    if not verdicts or Verdict.NOT_RUN in verdicts:
        return Verdict.NOT_RUN
    return Verdict.MANUAL if set(verdicts) == {Verdict.MANUAL} else Verdict.PASSED


def phase_verdict(drill: Drill, phase: Phase) -> Verdict:
    """The verdict of a drill's scenarios of one phase."""
    return verdict_of([s.verdict for s in drill.scenarios if s.phase is phase])


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
    healthy, nothing = drill.control is Control.HEALTHY, drill.injection is Injection.NONE
    reasons = {
        "interrupted": drill.interrupted,
        "refused before it began": drill.refused,
        "partial": drill.partial,
        "the fault had no effect": drill.injection is Injection.NO_EFFECT,
        "the fault was refused": drill.injection is Injection.REFUSED,
        "something was injected into a healthy drill": healthy and not nothing,
        "nothing was injected": not healthy and nothing,
        f"the undo is {drill.undo}": drill.undo is not Undo.VERIFIED,
        "nothing was asked": not drill.valid,
        "could not tell": drill.verdict is Verdict.ERROR,
    }
    return next((why for why, so in reasons.items() if so), f"ended as {drill.verdict}")


def first_problem(drill: Drill) -> tuple[ScenarioRecord, str] | None:
    """The scenario that ended a drill, and its step's text; None when none did."""
    for scenario in drill.scenarios:
        for step in scenario.steps:
            if step.verdict in (Verdict.FAILED, Verdict.ERROR):
                return scenario, step.text
    return None
