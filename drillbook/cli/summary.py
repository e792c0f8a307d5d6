"""What came of a run, for the person who started it: each failure by itself, then the counts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from drillbook.drill.progress import one_line
from drillbook.evidence.judge import first_problem
from drillbook.evidence.records import Drill, StepRecord
from drillbook.model import Injection, Phase, Undo, Verdict

CLUSTER = "the harness or the cluster"


def is_good(drill: Drill) -> bool:
    """Whether nothing about it needs a look."""
    sound = drill.valid or drill.partial or drill.undo is Undo.KEPT
    unanswered = any(question.held is None for question in drill.questions)
    return drill.verdict is Verdict.PASSED and sound and not drill.falsified and not unanswered


def failures(drills: Sequence[Drill], folder: Path) -> Iterator[str]:
    """What is to be said of each drill that was not good. `folder` holds the records."""
    for one in drills:
        if is_good(one):
            continue
        yield f"\n{outcome(one)} {one.runbook} {one.cause} {one.control}"
        step = _ended_by(one)
        if step is not None:
            yield f"  step      {one.path}:{step.line}: {step.text}"
            yield f"  expected  {step.expected}"
            yield f"  saw       {one_line(step.observed) or 'nothing'}"
        elif one.reason:
            yield f"  because   {one.reason}"
        yield f"  likely    {likely(one)}"
        yield f"  record    {folder / f'{one.name}.json'}"
        cause = "" if one.cause == "all" else f" --cause {one.cause}"
        yield f"  again     drillbook drill {one.path}{cause} --control {one.control}"


def likely(one: Drill) -> str:
    """What is wrong, in the order of what is certain: the runbook, the alert, the harness."""
    if one.undo is Undo.FAILED:
        return f"{CLUSTER}: an undo failed; `drillbook undo --dead` tries it again"
    if one.refused:
        return "nothing: a guard or another drill's lock refused it, and nothing was changed"
    if one.interrupted:
        return "nothing: it was interrupted"
    if one.falsified:
        whose = ", ".join(one.falsified)
        return f"the runbook: {whose} is found where it is not the cause, so it proves nothing"
    if one.injection is Injection.NO_EFFECT:
        return "the fault: it does nothing to what the workload uses"
    problem = first_problem(one)
    if one.verdict is Verdict.FAILED and problem is not None:
        if problem[0].phase is Phase.DETECTION and one.times.begun is None:
            return "the alert: its expression, or the time that its sentence leaves it"
        return f"the runbook: its {problem[0].phase}"
    return f"{CLUSTER}: it could not be told; `drillbook doctor` looks at both"


def outcome(one: Drill) -> str:
    """Its verdict in one word or two."""
    if one.refused:
        return "REFUSED"
    if one.undo is Undo.FAILED:
        return f"{one.verdict}, UNDO FAILED"
    if one.verdict is Verdict.PASSED and one.falsified:
        return "FALSIFIES"
    return f"{one.verdict}" if one.valid or one.partial else f"{one.verdict} (invalid)"


def counts(drills: Sequence[Drill], planned: int, took_s: float) -> str:
    """The last line: `4 drills in 6 min 12 s: 3 PASSED, 1 FAILED`."""
    found = Counter(outcome(one) for one in drills)
    if planned > len(drills):
        found["without a record"] = planned - len(drills)
    told = ", ".join(f"{number} {what}" for what, number in found.items())
    minutes, seconds = divmod(round(took_s), 60)
    took = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    return f"{planned} drill{'s' * (planned != 1)} in {took}: {told}"


def _ended_by(one: Drill) -> StepRecord | None:
    steps = (step for scenario in one.scenarios for step in scenario.steps)
    return next((s for s in steps if s.verdict in (Verdict.FAILED, Verdict.ERROR)), None)
