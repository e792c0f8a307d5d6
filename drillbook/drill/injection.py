"""The workload set up to its steady state, and the fault put into it: what a drill begins with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from drillbook.changes.faults import DrillNamespace, Injector, Outcome
from drillbook.drill import names
from drillbook.drill.perform import Performer
from drillbook.drill.progress import Progress
from drillbook.drill.recorder import Recorder
from drillbook.model import AlertState, Answer, Duration, Evidence, Fault, Probe, Verdict, Workload
from drillbook.model.errors import CouldNotTell, InvalidDrill
from drillbook.sources import FiringAlert


class NoEffect(InvalidDrill):
    """The fault was applied and did nothing."""


class InjectionRefused(InvalidDrill):
    """The fault could not be applied."""


@dataclass(frozen=True)
class _Quiet:
    """The alert neither fires nor waits to; unlike `silent`, it need not have fired before."""

    def holds(self, answer: Answer, since: datetime | None) -> bool:
        loud = isinstance(answer, AlertState) and (answer.firing or answer.pending or answer.listed)
        return not loud

    def describe(self) -> str:
        return "neither pending nor firing"


def _refuse_loud(alert: str, seen: Evidence) -> None:
    if seen.verdict is Verdict.FAILED:
        raise InvalidDrill(
            f"the alert {alert} was already firing or pending for this drill's namespace before "
            f"the fault ({seen.observed}): it fires without a cause. Nothing was injected. "
            "Correct its expression under monitoring/alerts."
        )
    if seen.verdict is not Verdict.PASSED:
        raise CouldNotTell(
            f"whether the alert {alert} fires without a cause could not be told, because "
            f"Prometheus did not evaluate it on the steady system: {seen.observed}. "
            "Nothing was injected. Look at its rules with `drillbook doctor`."
        )


@dataclass
class Opening:
    """A drill's opening moves, each refusing to go on when what follows would prove nothing."""

    performer: Performer
    recorder: Recorder
    injector: Injector
    progress: Progress
    held: Callable[[str, Probe], None] = lambda name, probe: None
    """Hears each read that has just held, and what it is called."""

    def steady(self, workload: Workload, namespace: DrillNamespace) -> None:
        """Set the workload up and wait for its steady state. Raises InvalidDrill, CouldNotTell."""
        namespace.apply(workload.manifests)
        for component in workload.components:
            for credential in component.credentials:
                self.performer.clients.learn(credential)
        budget = self.performer.settings.duration("steady_within")
        for number, probe in enumerate(workload.ready, start=1):
            self.progress.doing("its steady state", budget.seconds)
            seen = self.performer.probe(probe, budget)
            self.recorder.notes.append(f"steady state: {seen.observed}")
            if seen.verdict is not Verdict.PASSED:
                raise InvalidDrill(
                    f"no steady state before the fault: expected {seen.expected}, saw "
                    f"{seen.observed}. Nothing was injected. Look at its pods with "
                    "--leave-standing."
                )
            self.held(f"steady state {number}", probe)
            self.progress.say(f"steady: {seen.observed}")
        for variable, probe in names.probes(workload, self.performer.clients):
            self.held(f"the line that finds {variable}", probe)

    def refuse_early(self, fault: Fault, alerts: Sequence[FiringAlert]) -> None:
        """What is there before the fault proves nothing. Raises InvalidDrill, CouldNotTell."""
        # From here on it only waits: another drill may set up.
        self.progress.enter("quiet", "no alert that is asked may fire before the fault")
        self._refuse_early_alerts(alerts)
        reading = fault.effect.source.read(self.performer.clients)
        if fault.effect.expect.holds(reading.answer, self.performer.clients.since):
            raise InvalidDrill(
                f'the effect of "{fault.title}" was there before the fault ({reading.answer}): it '
                "could not be told from the fault's. Nothing was injected. Look at the workload."
            )

    def _refuse_early_alerts(self, alerts: Sequence[FiringAlert]) -> None:
        """Each rule must have been evaluated on the steady system, scraped after it was steady: a
        rule that was not evaluated yet is as silent as one that never fires without a cause."""
        clients, settings = self.performer.clients, self.performer.settings
        within = Duration(f"{int(2000 * (settings.scrape_s + settings.evaluation_s))}ms")
        before = clients.since
        clients.since = self.performer.clock.now() + timedelta(seconds=settings.scrape_s)
        try:
            for source in alerts:
                seen = self.performer.probe(Probe(source=source, expect=_Quiet()), within)
                _refuse_loud(source.alert, seen)
                self.recorder.notes.append(f"before the fault: {source.alert}: {seen.observed}")
        finally:
            clients.since = before

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
        within = self.performer.settings.duration("effect_within")
        self.progress.doing(f"the effect of {fault.title}", within.seconds)
        seen = self.performer.probe(fault.effect, within)
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
        self.held("effect", fault.effect)
        self.progress.say(f"effect confirmed: {seen.observed}")
