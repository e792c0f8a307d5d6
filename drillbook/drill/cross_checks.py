"""What a drill asks beside its own steps: every other cause that stands on its Background."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from math import inf

from drillbook.drill.order import DrillOrder
from drillbook.drill.perform import Performer
from drillbook.drill.progress import Progress
from drillbook.drill.questions import Asked, Questions
from drillbook.drill.recorder import Recorder
from drillbook.model import Advice, Duration, Evidence, Phase, Probe, Verdict
from drillbook.model.clock import SystemClock
from drillbook.model.errors import CouldNotTell, InvalidDrill

HEALTHY_PHASES = (Phase.DETECTION, Phase.DIAGNOSIS)
SCRAPES = 2
"""Fresh ones, that a "no" waits for."""


@dataclass
class CrossChecks:
    """Questions in the background, on a clock of their own that ends with the drill. They read at
    the pace of the scrapes.

    On an incident an answer is "no" when two scrapes have come after the drill's own diagnosis, and
    when the longest range that its own read looks back has passed since the fault: from then on it
    cannot see what was before. A thorough drill waits for its whole `within` as well.
    """

    order: DrillOrder
    performer: Performer
    recorder: Recorder
    progress: Progress
    asked: tuple[Asked, ...] = ()
    _questions: Questions | None = None
    _clock: SystemClock = field(default_factory=SystemClock)
    _fault_s: float = 0.0
    _diagnosed_s: float = inf
    """Monotonic seconds of the own clock, as `_fault_s`."""

    def __post_init__(self) -> None:
        settings = self.performer.settings
        slow = settings.model_copy(update={"poll_s": settings.scrape_s})
        self.performer = replace(self.performer, clock=self._clock, settings=slow)

    # ---------------------------------------------------------------- on an incident

    def ask_others(self) -> None:
        """The diagnosis of every other cause, on this incident; once."""
        if self._questions is not None or not self.order.asked:
            return
        self._fault_s = self._clock.monotonic() - self.recorder.ago_s("t0")
        self._questions = Questions(self)
        for runbook, cause in self.order.asked:
            self._questions.ask(runbook, cause.cause.id, cause.of(Phase.DIAGNOSIS))

    def hear_others(self) -> None:
        """The own diagnosis is over: wait for every answer. It counts in no time to recover."""
        if self._questions is None or self.asked:
            return
        self._diagnosed_s = self._clock.monotonic() - self.recorder.ago_s("t5")
        self.progress.say("waiting for the other causes' diagnosis, which must not hold here")
        begin = self._clock.monotonic()
        try:
            self.hear()
        finally:
            waited = self._clock.monotonic() - begin
            self.recorder.siblings_s += waited
            self.recorder.heard(waited, self.asked)
            self._say(waited)

    def _say(self, waited: float) -> None:
        until = f"until {SCRAPES} scrapes after this drill's own"
        if self.order.thorough:
            until = f"for their whole `within`, and at least {until}"
        words = (
            f"the diagnosis of {len(self.order.asked)} other causes was asked {until}, and not "
            "before the longest range that they look back had passed since the fault: waited "
            f"{waited:.1f} s for it, which counts in no time to recover"
        )
        self.recorder.notes.append(words)
        self.progress.say(words)
        for cause in sorted({f"{one.runbook} {one.cause}" for one in self.asked if one.held}):
            self.progress.say(f"FAILED  the diagnosis of {cause} holds on this incident too")

    def hear(self) -> tuple[Asked, ...]:
        """Wait for every answer. After `end` they come at once, and may be unknown."""
        if self._questions is not None and not self.asked:
            self.asked = self._questions.answers()
        return self.asked

    def end(self) -> None:
        """End every wait that is under way."""
        self._clock.end()

    # ---------------------------------------------------------------- what Questions asks through

    def probe(self, probe: Probe) -> Evidence:
        return self.performer.probe(probe, ends=lambda begin: self._ends(probe, begin))

    def advice(self, advice: Advice) -> Evidence:
        return self.performer.advice(advice)

    def _ends(self, probe: Probe, begin: float) -> float:
        settings = self.performer.settings
        through = probe.throughout.seconds if probe.throughout else 0.0
        fresh = max(self._diagnosed_s, begin) + SCRAPES * settings.scrape_s + through
        forgotten = self._fault_s + looks_back_s(probe)
        within = probe.within or settings.duration("probe_within")
        whole = begin + within.seconds if self.order.thorough else begin
        return max(fresh, forgotten, whole)

    # ---------------------------------------------------------------- on a healthy system

    def ask_of_healthy(self) -> None:
        """Every cause's detection and diagnosis, and beside them every fault's effect throughout.

        Raises InvalidDrill when an effect is there without its fault, CouldNotTell when nobody
        could say.
        """
        self._questions = Questions(self.performer)
        effects = {cause.fault.effect for _, cause in self.order.asked}
        watched = [self._watch(self._questions, effect) for effect in effects]
        for runbook, cause in self.order.asked:
            for phase in HEALTHY_PHASES:
                self._questions.ask(runbook, cause.cause.id, cause.of(phase))
        begin = self._clock.monotonic()
        try:
            self.hear()
        finally:
            self.recorder.heard(self._clock.monotonic() - begin, self.asked)
        for future in watched:
            _refuse_present(future.result())
        for asked in self.asked:
            words = f"{asked.runbook} {asked.cause}, {asked.bound.scenario.name}"
            self.progress.say(f"{held_in_words(asked)}: {words}")

    def _watch(self, questions: Questions, effect: Probe) -> Future[Evidence | None]:
        return questions.watch(replace(effect, within=self._longest()))

    def _longest(self) -> Duration:
        """How long the slowest question takes when nothing of it holds."""
        default = self.performer.settings.duration("probe_within")
        budgets = [
            step.value.within or default
            for _, cause in self.order.asked
            for phase in HEALTHY_PHASES
            for scenario in cause.of(phase)
            for step in scenario.steps
            if isinstance(step.value, Probe)
        ]
        return max(budgets, default=default)


def looks_back_s(probe: Probe) -> float:
    """How many seconds the probe's read looks back."""
    window = getattr(probe.source, "window", "")
    return Duration(window).seconds if window else 0.0


def _refuse_present(evidence: Evidence | None) -> None:
    if evidence is None or evidence.verdict is Verdict.ERROR:
        seen = "the drill ended" if evidence is None else evidence.observed
        raise CouldNotTell(f"whether the system was healthy throughout could not be told: {seen}")
    if evidence.verdict is Verdict.PASSED:
        raise InvalidDrill(
            f"a fault's effect is there without the fault: {evidence.observed}. The workload was "
            "not healthy, or the effect's probe sees too much."
        )


def held_in_words(asked: Asked) -> str:
    """What it means for a healthy system."""
    if asked.held is None:
        return "ERROR   could not tell"
    return "FAILED  holds without a fault" if asked.held else "does not hold, as it should"


def last_seen(asked: Asked) -> str:
    seen = [e.observed for e in asked.seen if e is not None]
    return seen[-1] if seen else "it was not asked"
