"""What a drill asks beside its own steps: its siblings' diagnosis, or all of a healthy system."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from drillbook.drill.order import DrillOrder
from drillbook.drill.perform import Performer
from drillbook.drill.questions import Asked, Questions
from drillbook.model import Duration, Evidence, Phase, Probe, Verdict
from drillbook.model.clock import SystemClock
from drillbook.model.errors import CouldNotTell, InvalidDrill

HEALTHY_PHASES = (Phase.DETECTION, Phase.DIAGNOSIS)


@dataclass
class CrossChecks:
    """Questions in the background, on a clock of their own that ends with the drill."""

    order: DrillOrder
    performer: Performer
    asked: tuple[Asked, ...] = ()
    _questions: Questions | None = None
    _clock: SystemClock = field(default_factory=SystemClock)

    @property
    def under_way(self) -> bool:
        """Asked, and not yet heard."""
        return self._questions is not None and not self.asked

    def ask_siblings(self) -> None:
        """Every sibling's diagnosis, on this incident; once."""
        if self._questions is None and self.order.siblings:
            self._questions = self._asking()
            for sibling in self.order.siblings:
                self._questions.ask(sibling.cause.id, sibling.of(Phase.DIAGNOSIS))

    def hear(self) -> tuple[Asked, ...]:
        """Wait for every answer. After `end` they come at once, and may be unknown."""
        if self._questions is not None and not self.asked:
            self.asked = self._questions.answers()
        return self.asked

    def end(self) -> None:
        """End every wait that is under way."""
        self._clock.end()

    def ask_of_healthy(self) -> None:
        """Every cause's detection and diagnosis, and beside them every fault's effect throughout.

        Raises InvalidDrill when an effect is there without its fault, CouldNotTell when nobody
        could say.
        """
        self._questions = self._asking()
        effects = {bound.fault.effect for bound in self.order.bound.causes}
        watched = [self._watch(self._questions, effect) for effect in effects]
        for bound in self.order.bound.causes:
            for phase in HEALTHY_PHASES:
                self._questions.ask(bound.cause.id, bound.of(phase))
        self.hear()
        for future in watched:
            _refuse_present(future.result())

    def _watch(self, questions: Questions, effect: Probe) -> Future[Evidence | None]:
        return questions.watch(replace(effect, within=self._longest()))

    def _longest(self) -> Duration:
        """How long the slowest question takes when nothing of it holds."""
        default = self.performer.settings.duration("probe_within")
        budgets = [
            step.value.within or default
            for bound in self.order.bound.causes
            for phase in HEALTHY_PHASES
            for scenario in bound.of(phase)
            for step in scenario.steps
            if isinstance(step.value, Probe)
        ]
        return max(budgets, default=default)

    def _asking(self) -> Questions:
        """They read at the pace of the scrapes."""
        settings = self.performer.settings
        slow = settings.model_copy(update={"poll_s": settings.scrape_s})
        return Questions(replace(self.performer, clock=self._clock, settings=slow))


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
