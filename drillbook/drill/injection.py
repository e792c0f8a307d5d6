"""The workload set up to its steady state, and the fault put into it: what a drill begins with."""

from __future__ import annotations

from dataclasses import dataclass

from drillbook.changes.faults import DrillNamespace, Injector, Outcome
from drillbook.drill.perform import Performer
from drillbook.drill.progress import Progress
from drillbook.drill.recorder import Recorder
from drillbook.model import (
    AlertState,
    BoundCause,
    Fault,
    Phase,
    Probe,
    Verdict,
    Workload,
)
from drillbook.model.errors import CouldNotTell, InvalidDrill
from drillbook.model.matchers import Firing
from drillbook.sources import FiringAlert


class NoEffect(InvalidDrill):
    """The fault was applied and did nothing."""


class InjectionRefused(InvalidDrill):
    """The fault could not be applied."""


@dataclass
class Opening:
    """A drill's opening moves, each refusing to go on when what follows would prove nothing."""

    performer: Performer
    recorder: Recorder
    injector: Injector
    progress: Progress

    def steady(self, workload: Workload, namespace: DrillNamespace) -> None:
        """Set the workload up and wait for its steady state. Raises InvalidDrill, CouldNotTell."""
        namespace.apply(workload.manifests)
        budget = self.performer.settings.duration("steady_within")
        seen = self.performer.probe(workload.ready, budget)
        self.recorder.waited(seen)
        self.recorder.notes.append(f"steady state: {seen.observed}")
        if seen.verdict is not Verdict.PASSED:
            raise InvalidDrill(
                f"no steady state before the fault: expected {seen.expected}, saw {seen.observed}. "
                "Nothing was injected. Look at the workload's pods with --leave-standing."
            )
        self.progress.say(f"steady: {seen.observed}")

    def refuse_early(self, bound: BoundCause) -> None:
        """What is there before the fault proves nothing by being there after it."""
        for scenario in bound.of(Phase.DETECTION):
            for step in scenario.steps:
                if isinstance(step.value, Probe) and isinstance(step.value.expect, Firing):
                    self._refuse_early_alert(step.value)
        self._refuse_early_effect(bound.fault)

    def _refuse_early_alert(self, probe: Probe) -> None:
        source = probe.source
        if not isinstance(source, FiringAlert):
            return
        state = source.read(self.performer.clients).answer
        if isinstance(state, AlertState) and (state.firing or state.pending or state.listed):
            raise InvalidDrill(
                f"the alert {source.alert} was already firing for this drill's namespace before "
                f"the fault ({state}): it fires without a cause. Nothing was injected. "
                "Correct its expression under monitoring/alerts."
            )

    def _refuse_early_effect(self, fault: Fault) -> None:
        reading = fault.effect.source.read(self.performer.clients)
        if fault.effect.expect.holds(reading.answer, self.performer.clients.since):
            raise InvalidDrill(
                f'the effect of "{fault.title}" was there before the fault ({reading.answer}): it '
                "could not be told from the fault's. Nothing was injected. Look at the workload."
            )

    def inject(self, fault: Fault) -> None:
        """Apply the fault (t0) and wait for its effect (t1). Raises InvalidDrill, CouldNotTell."""
        self.progress.enter("fault", fault.title)
        clients, clock = self.performer.clients, self.performer.clock
        clients.since = clock.now()
        applied = self.injector.inject(fault)
        self.recorder.notes.append(f"fault: {applied.said}")
        if applied.outcome is not Outcome.APPLIED:
            raise InjectionRefused(f"the fault was {applied.outcome}: {applied.said}")
        self.recorder.injected()
        seen = self.performer.probe(fault.effect, self.performer.settings.duration("effect_within"))
        self.recorder.waited(seen)
        self.recorder.notes.append(f"effect: {seen.observed}")
        if seen.verdict is Verdict.ERROR:
            raise CouldNotTell(
                f'whether the fault "{fault.title}" had its effect could not be told: '
                f"{seen.observed}. Look at the cluster with `drillbook doctor`, then drill again."
            )
        if seen.verdict is not Verdict.PASSED:
            raise NoEffect(
                f'the fault "{fault.title}" had no effect: expected {seen.expected}, saw '
                f"{seen.observed}. What was changed: {applied.said}. Aim the fault at something "
                "that the workload uses."
            )
        self.recorder.see("t1")
        self.progress.say(f"effect confirmed: {seen.observed}")
