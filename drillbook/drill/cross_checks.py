"""What a drill asks beside its own steps: every other cause that stands on its Background."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf

from drillbook.drill.order import DrillOrder
from drillbook.drill.perform import Performer
from drillbook.drill.progress import Progress
from drillbook.drill.questions import Asked, Questions
from drillbook.drill.recorder import Recorder
from drillbook.model import Advice, BoundCause, Duration, Evidence, Phase, Probe, Verdict
from drillbook.model.clock import SystemClock
from drillbook.model.errors import CouldNotTell, InvalidDrill

HEALTHY_PHASES = (Phase.DETECTION, Phase.DIAGNOSIS)
SCRAPES = 2
"""Fresh ones, that a "no" waits for."""


@dataclass
class CrossChecks:
    """Questions in the background, on a clock of their own that ends with the drill. On an incident
    an answer is "no" two scrapes after the drill's own diagnosis, and when the range that its read
    looks back has passed since the fault. A healthy system is asked for as long as the slowest
    cause takes to be detected. A thorough drill waits for the whole `within` too."""

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
    _healthy_until: float = 0.0

    def __post_init__(self) -> None:
        settings = self.performer.settings
        slow = settings.model_copy(update={"poll_s": settings.scrape_s})
        self.performer = replace(self.performer, clock=self._clock, settings=slow)

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

    def probe(self, probe: Probe) -> Evidence:
        return self.performer.probe(probe, ends=lambda begin: self.says_no_at(probe, begin))

    def advice(self, advice: Advice) -> Evidence:
        return self.performer.advice(advice)

    def says_no_at(self, probe: Probe, begin: float) -> float:
        """When one that began then is answered with "no", in own seconds, or inf."""
        through_s = probe.throughout.seconds if probe.throughout else 0.0
        fresh_s = SCRAPES * self.performer.settings.scrape_s + through_s
        if self.order.is_healthy:
            return max(self._healthy_until, begin + fresh_s)
        whole = begin + self._within_s(probe) if self.order.thorough else begin
        forgotten = self._fault_s + looks_back_s(probe)
        return max(max(self._diagnosed_s, begin) + fresh_s, forgotten, whole)

    def _within_s(self, probe: Probe) -> float:
        return (probe.within or self.performer.settings.duration("probe_within")).seconds

    def ask_of_healthy(self) -> None:
        """Every cause's detection and diagnosis, and every fault's effect throughout. Raises
        InvalidDrill when one is there without its fault, CouldNotTell."""
        begin = self._clock.monotonic()
        self._healthy_until = begin + self._healthy_s()
        self._questions = Questions(self)
        effects = {cause.fault.effect for _, cause in self.order.asked}
        watched = [self._questions.watch(effect) for effect in effects]
        for runbook, cause in self.order.asked:
            for phase in HEALTHY_PHASES:
                self._questions.ask(runbook, cause.cause.id, cause.of(phase))
        try:
            self.hear()
        finally:
            self.recorder.heard(self._clock.monotonic() - begin, self.asked)
        for future in watched:
            _refuse_present(future.result())
        for asked in self.asked:
            words = f"{asked.runbook} {asked.cause}, {asked.bound.scenario.name}"
            self.progress.say(f"{held_in_words(asked)}: {words}")

    def _healthy_s(self) -> float:
        """Two scrapes after the slowest cause's detection (its `within`, without a record)."""
        known = self.order.detected_s
        slowest = [
            (known[key], f"{' '.join(key)}, when it was drilled")
            if (key := (runbook, cause.cause.id)) in known
            else (self._longest_s(cause, (Phase.DETECTION,)), f"{' '.join(key)}, at most")
            for runbook, cause in self.order.asked
        ]
        found, whose = max(slowest)
        wait_s = found + SCRAPES * self.performer.settings.scrape_s
        words = f"{found:.0f} s to be detected ({whose}) and {SCRAPES} scrapes"
        if self.order.thorough:
            whole = max(self._longest_s(cause, HEALTHY_PHASES) for _, cause in self.order.asked)
            wait_s, words = max(wait_s, whole), f"{words}, and the longest `within`"
        words = (
            f"every cause's detection and diagnosis were asked for {wait_s:.0f} s: {words}. What a "
            "rule looks back further is covered by its cases in promtool"
        )
        self.recorder.notes.append(words)
        self.progress.say(words)
        return wait_s

    def _longest_s(self, cause: BoundCause, phases: Sequence[Phase]) -> float:
        """How long the slowest step of these phases takes when it does not hold."""
        steps = (step for one in phases for found in cause.of(one) for step in found.steps)
        budgets = [self._within_s(s.value) for s in steps if isinstance(s.value, Probe)]
        return max(budgets, default=self.performer.settings.duration("probe_within").seconds)


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
