"""What a drill saw, gathered while it runs, and made into its record at the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from drillbook.drill.questions import Asked
from drillbook.evidence.judge import verdict_of
from drillbook.evidence.records import PrintedLine, Question, ScenarioRecord, StepRecord, Times
from drillbook.model import (
    Action,
    Advice,
    AlertState,
    BoundScenario,
    BoundStep,
    Duration,
    Evidence,
    Phase,
    Probe,
    Reading,
    Reinject,
    Runbook,
    Value,
    Verdict,
)
from drillbook.model.clock import CountingClock
from drillbook.sources import FiringAlert

Kind = Literal["probe", "action", "advice", "reinject"]


@dataclass
class Recorder:
    """Evidence by the step's line, and moments by their name (t0..t9) on the monotonic clock."""

    clock: CountingClock
    evidence: dict[int, Evidence] = field(default_factory=dict)
    moments: dict[str, float] = field(default_factory=dict)
    injected_at: datetime | None = None
    heard_s: float = 0.0
    printed_s: float = 0.0
    """Waited for printed lines, always before a change: a delay of ours, so no moment holds it."""
    shown: list[PrintedLine] = field(default_factory=list)
    commands_s: float = 0.0
    siblings_s: float = 0.0
    notes: list[str] = field(default_factory=list)

    def see(self, moment: str) -> None:
        """The first sight of a moment counts."""
        self.moments.setdefault(moment, self._now_s)

    def see_last(self, moment: str) -> None:
        """The last sight counts: recovery is verified when its last probe held."""
        self.moments[moment] = self._now_s

    def ago_s(self, moment: str) -> float:
        """How many seconds ago it was seen; 0 when it was not."""
        return self._now_s - self.moments.get(moment, self._now_s)

    @property
    def _now_s(self) -> float:
        return self.clock.monotonic() - self.printed_s

    def injected(self) -> None:
        self.see("t0")
        self.injected_at = self.injected_at or self.clock.now()

    def listen(self, probe: Probe, reading: Reading) -> None:
        """Alert states on the way to a verdict are the moments t2, t3 and t4."""
        state = reading.answer
        if not (isinstance(probe.source, FiringAlert) and isinstance(state, AlertState)):
            return
        for moment, seen in (
            ("t2", state.pending or state.firing),
            ("t3", state.firing),
            ("t4", state.firing and state.listed),
        ):
            if seen and "t0" in self.moments:
                self.see(moment)

    def passed(self, probe: Probe, phase: Phase | None) -> None:
        """A step's read held: what it is the moment of."""
        if phase is Phase.DIAGNOSIS:
            self.see_last("t5")
        if phase is Phase.REMEDIATION:
            self.see_last("t8" if isinstance(probe.source, FiringAlert) else "t7")

    def ran(self, evidence: Evidence) -> None:
        """Count an evidence's time: running a command line."""
        self.commands_s += evidence.took.total_seconds()

    def heard(self, seconds: float, asked: Sequence[Asked]) -> None:
        """Count the drill's waiting for these answers, less the time the slowest was reading."""
        self.heard_s += max(0.0, seconds - max((one.reading_s for one in asked), default=0.0))

    @property
    def waiting_s(self) -> float:
        """What was waited for facts, slept between two reads; the reads are the harness's own."""
        return self.clock.slept_s + self.heard_s

    def times(self, floor_s: float | None, skew_s: float | None) -> Times:
        zero = self.moments.get("t0")
        seen = self.moments if zero is not None else {}
        after = {m: at - (zero or 0.0) for m, at in seen.items() if m != "t0"}
        return Times(
            injected_at=self.injected_at,
            siblings_s=self.siblings_s,
            floor_s=floor_s,
            skew_s=skew_s,
            **{moment: round(seconds, 3) for moment, seconds in after.items()},
        )

    def scenarios(
        self, cause: str, scenarios: Sequence[BoundScenario]
    ) -> tuple[ScenarioRecord, ...]:
        """Every scenario that was asked for; steps without evidence were not run."""
        return tuple(
            scenario_record(cause, s, [self.evidence.get(b.step.line) for b in s.steps])
            for s in scenarios
        )


def scenario_record(
    cause: str, bound: BoundScenario, seen: Sequence[Evidence | None]
) -> ScenarioRecord:
    """One scenario with what each of its steps saw (None: not run)."""
    steps = tuple(step_record(b, e) for b, e in zip(bound.steps, seen, strict=True))
    return ScenarioRecord(
        cause=cause,
        name=bound.scenario.name,
        line=bound.scenario.line,
        phase=bound.scenario.phase or Phase.DETECTION,
        verdict=verdict_of([step.verdict for step in steps]),
        steps=steps,
    )


def step_record(bound: BoundStep, evidence: Evidence | None) -> StepRecord:
    kind = kind_of(bound.value)
    step: dict[str, Any] = {"text": bound.step.text, "line": bound.step.line, "kind": kind}
    if evidence is None:
        return StepRecord(**step, verdict=Verdict.NOT_RUN)
    return StepRecord(
        **step,
        verdict=evidence.verdict,
        command=evidence.command,
        expected=evidence.expected,
        observed=evidence.observed,
        started=evidence.started,
        took_s=round(evidence.took.total_seconds(), 3),
        printed=evidence.printed,
        outcome=evidence.outcome,
    )


def question_records(
    asked: Sequence[Asked], hashes: Mapping[tuple[str, str], str]
) -> tuple[Question, ...]:
    """A record per cause and phase, which holds when all its scenarios do. `hashes`: by ids."""
    grouped: dict[tuple[str, str, Phase], list[Asked]] = {}
    for one in asked:
        grouped.setdefault((one.runbook, one.cause, one.phase), []).append(one)
    return tuple(
        Question(
            runbook=runbook,
            cause=cause,
            hash=hashes.get((runbook, cause), ""),
            phase=phase,
            held=_all_held([one.held for one in ones]),
            scenarios=tuple(scenario_record(cause, one.bound, one.seen) for one in ones),
        )
        for (runbook, cause, phase), ones in grouped.items()
    )


def _all_held(held: Sequence[bool | None]) -> bool | None:
    if False in held:
        return False
    return None if None in held else True


def kind_of(value: Value) -> Kind:
    """How a record names a step's value; a background's Workload and Fault are not recorded."""
    if isinstance(value, Action):
        return "action"
    if isinstance(value, Advice):
        return "advice"
    return "reinject" if isinstance(value, Reinject) else "probe"


def rto_s(runbook: Runbook) -> float | None:
    """The runbook's recovery time objective in seconds; None where it has none that can be read."""
    try:
        return Duration(runbook.tag("rto")).seconds
    except ValueError:
        return None
