"""One drill from its namespace to its undo: set up, steady, fault, the phases, gone again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from drillbook import records
from drillbook.clock import Clock, SystemClock
from drillbook.drill_record import record_of
from drillbook.errors import CouldNotTell, DrillbookError, InvalidDrill, UndoFailed
from drillbook.faults import DrillNamespace, Injector, Outcome
from drillbook.faults.namespace import fresh_name
from drillbook.matchers import Firing
from drillbook.model import (
    Action,
    Advice,
    AlertState,
    BoundCause,
    BoundScenario,
    BoundStep,
    Evidence,
    Fault,
    Injection,
    Phase,
    Probe,
    Reading,
    Reinject,
    Undo,
    Verdict,
)
from drillbook.perform import Performer
from drillbook.plan import Plan
from drillbook.progress import Progress
from drillbook.questions import Asked, Questions
from drillbook.recorder import Recorder
from drillbook.reinjection import reinject
from drillbook.settings import Settings
from drillbook.sources import FiringAlert
from drillbook.sources.clients import Connections

Undisturbed = Callable[[], AbstractContextManager[None]]


class StepNotPassed(DrillbookError):
    """A step ended as FAILED or ERROR; its text is what a responder needs to see."""


class Falsified(DrillbookError):
    """A phase held that should not: the runbook is wrong."""


@dataclass
class Incident:
    """A drill while it runs. `begin`, then the steps, then `end`, whatever happened between."""

    plan: Plan
    settings: Settings
    clients: Connections
    clock: Clock
    progress: Progress
    undisturbed: Undisturbed = nullcontext
    """What keeps signals from cutting the undo short."""
    interrupted: bool = False
    injection: Injection = Injection.NONE
    undo: Undo = Undo.NOT_NEEDED
    reason: str = ""
    failed: bool = False
    """A step ended as FAILED or ERROR: what follows is not run."""
    left: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    """Values of Secrets in the drill's namespace: they stay out of the record."""
    recorder: Recorder = field(init=False)
    performer: Performer = field(init=False)
    asked: list[Asked] = field(default_factory=list)
    _questions: Questions | None = None
    _current: BoundStep | None = None
    _background: SystemClock = field(default_factory=SystemClock)

    def __post_init__(self) -> None:
        self.recorder = Recorder(self.clock)
        self.started, self.began = self.clock.now(), self.clock.monotonic()
        self.performer = Performer(
            clients=self.clients,
            settings=self.settings,
            clock=self.clock,
            skew=timedelta(seconds=self.plan.skew_s),
            listener=self.recorder.listen,
            waiting=self._waiting,
        )
        name = fresh_name(self.plan.bound.runbook.id, self.plan.cause)
        self.namespace = DrillNamespace(self.clients, name)
        self.clients.values["NAMESPACE"] = name
        self.injector = Injector(self.clients, name)

    # ---------------------------------------------------------------- begin

    def begin(self) -> None:
        """Workload, steady state and fault. Raises InvalidDrill or CouldNotTell; `end` must run."""
        try:
            self._set_up()
            bound = self.plan.cause_bound
            if bound is None:
                self._ask_of_healthy()
            else:
                self._refuse_early_alerts(bound)
                self._inject(bound.fault)
        except KeyboardInterrupt:
            self.interrupted = True
            raise
        except DrillbookError as error:
            self.failed, self.reason = True, str(error)
            raise

    def _set_up(self) -> None:
        workload = self.plan.bound.causes[0].workload
        self.clients.values.update({n.var.name: n.literal for n in workload.names})
        self.progress.say(f"namespace {self.namespace.name}: {workload.title}")
        self.undo = Undo.FAILED  # until it is verified: from here on there is something to undo
        self.clients.since = self.clock.now()
        self.namespace.create(self.plan.run, self.settings.environment)
        self.namespace.apply(workload.manifests)
        steady = self.performer.probe(workload.ready, self.settings.duration("steady_within"))
        self.recorder.waited(steady)
        self.recorder.notes.append(f"steady state: {steady.observed}")
        if steady.verdict is not Verdict.PASSED:
            raise InvalidDrill(
                f"no steady state before the fault: expected {steady.expected}, saw "
                f"{steady.observed}. Nothing was injected. Look at the workload's pods with --keep."
            )
        self.progress.say(f"steady: {steady.observed}")

    def _refuse_early_alerts(self, bound: BoundCause) -> None:
        """An alert that fires before the fault proves nothing by firing after it."""
        for scenario in bound.of(Phase.DETECTION):
            for step in scenario.steps:
                if isinstance(step.value, Probe) and isinstance(step.value.expect, Firing):
                    self._refuse_early(step.value)

    def _refuse_early(self, probe: Probe) -> None:
        source = probe.source
        if not isinstance(source, FiringAlert):
            return
        state = source.read(self.clients).answer
        if isinstance(state, AlertState) and (state.firing or state.listed):
            raise InvalidDrill(
                f"the alert {source.alert} was already firing for this drill's namespace before "
                f"the fault ({state}): it fires without a cause. Nothing was injected. "
                "Correct its expression under monitoring/alerts."
            )

    def _inject(self, fault: Fault) -> None:
        self.progress.say(f"fault: {fault.title}")
        self.clients.since = self.clock.now()
        applied = self.injector.inject(fault)
        self.recorder.notes.append(f"fault: {applied.said}")
        if applied.outcome is not Outcome.APPLIED:
            self.injection = Injection.REFUSED
            raise InvalidDrill(f"the fault was {applied.outcome}: {applied.said}")
        self.recorder.injected()
        effect = self.performer.probe(fault.effect, self.settings.duration("effect_within"))
        self.recorder.waited(effect)
        self.recorder.notes.append(f"effect: {effect.observed}")
        if effect.verdict is Verdict.ERROR:
            raise CouldNotTell(
                f'whether the fault "{fault.title}" had its effect could not be told: '
                f"{effect.observed}. Look at the cluster with `drillbook doctor`, then drill again."
            )
        if effect.verdict is not Verdict.PASSED:
            self.injection = Injection.NO_EFFECT
            raise InvalidDrill(
                f'the fault "{fault.title}" had no effect: expected {effect.expected}, saw '
                f"{effect.observed}. What was changed: {applied.said}. Aim the fault at something "
                "that the workload uses."
            )
        self.recorder.see("t1")
        self.injection = Injection.CONFIRMED
        self.progress.say(f"effect confirmed: {effect.observed}")

    # ---------------------------------------------------------------- the phases

    def enter(self, scenario_line: int) -> None:
        """A scenario begins."""
        scenario = self._scenario(scenario_line)
        if self.plan.is_healthy or scenario is None:
            return
        if scenario.scenario.phase is Phase.DIAGNOSIS and self._questions is None:
            self._ask_siblings()
        if scenario.scenario.phase not in (Phase.DETECTION, Phase.DIAGNOSIS):
            self._hear_siblings()
        self.progress.say(f"{scenario.scenario.phase}: {scenario.scenario.name}")

    def performs(self, scenario_line: int) -> bool:
        """Whether the drill was asked to go as far as this scenario."""
        return self.plan.is_healthy or self._scenario(scenario_line) is not None

    def select(self, line: int) -> None:
        """The step that is performed next."""
        self._current = self._steps.get(line)

    def perform_current_step(self) -> None:
        """Perform the step's value; steps of a Background were performed by `begin`."""
        step = self._current
        if step is None or (self._questions is not None and self.plan.is_healthy):
            return
        try:
            evidence = self._perform(step)
        except KeyboardInterrupt:
            self.interrupted = True
            raise
        self.recorder.evidence[step.step.line] = evidence
        self.progress.say(f"{evidence.verdict:7} {step.step.text}: {_short(evidence)}")
        if evidence.verdict in (Verdict.FAILED, Verdict.ERROR):
            self.failed = True
            self.reason = self.reason or (
                f"{self.plan.bound.runbook.path}:{step.step.line}: {step.step.text!r} ended as "
                f"{evidence.verdict}: expected {evidence.expected}, saw {evidence.observed}"
            )
            raise StepNotPassed(self.reason)

    def _perform(self, step: BoundStep) -> Evidence:
        value, phase = step.value, self._phase_of(step)
        if isinstance(value, Action):
            if phase is Phase.REMEDIATION:
                self.recorder.see("t6")
            self.clients.since = self.clock.now()
            evidence = self.performer.action(value)
            self.recorder.ran(evidence)
        elif isinstance(value, Reinject):
            evidence = self._reinject()
        elif isinstance(value, Advice):
            evidence = self.performer.advice(value)
        elif isinstance(value, Probe):
            evidence = self.performer.probe(value)
            self.recorder.waited(evidence)
            self._see_moment(value, phase, evidence)
        else:
            raise DrillbookError(f"{step.step.text!r} returns a {type(value).__name__} here.")
        return evidence

    def _see_moment(self, probe: Probe, phase: Phase | None, evidence: Evidence) -> None:
        if evidence.verdict is not Verdict.PASSED:
            return
        if phase is Phase.DIAGNOSIS:
            self.recorder.see_last("t5")
        if phase is Phase.REMEDIATION:
            alert = isinstance(probe.source, FiringAlert)
            self.recorder.see_last("t8" if alert else "t7")

    def _reinject(self) -> Evidence:
        bound = self.plan.cause_bound
        if bound is None:
            raise DrillbookError("there is no fault to inject again under this control.")
        moments = self.recorder.moments
        watch_s = moments["t1"] - moments["t0"] + 2 * self.settings.scrape_s
        self.progress.say(f"if it can be applied, its effect must stay away for {watch_s:.0f} s")
        evidence = reinject(bound.fault, self.injector, self.performer, watch_s)
        self.recorder.waited(evidence)
        return evidence

    # ---------------------------------------------------------------- questions

    def _asking(self) -> Questions:
        """Questions read at the pace of the scrapes, on a clock that ends with the drill."""
        slow = self.settings.model_copy(update={"poll_s": self.settings.scrape_s})
        return Questions(replace(self.performer, clock=self._background, settings=slow))

    def _ask_siblings(self) -> None:
        self._questions = self._asking()
        for sibling in self.plan.siblings:
            self._questions.ask(sibling.cause.id, sibling.of(Phase.DIAGNOSIS))

    def _hear_siblings(self) -> None:
        """Wait for the siblings' answers; this waiting does not count in the time to recover."""
        if self._questions is None or self.asked:
            return
        begin = self.clock.monotonic()
        self.progress.say("waiting for the other causes' diagnosis, which must not hold here")
        self.asked = list(self._questions.answers())
        waited = self.clock.monotonic() - begin
        self.recorder.siblings_s += waited
        self.recorder.waiting_s += waited
        for cause in {one.cause for one in self.asked if one.held}:
            self.progress.say(f"FAILED  the diagnosis of {cause} holds on this incident too")

    def _ask_of_healthy(self) -> None:
        """Every cause's detection and diagnosis, side by side, and every fault's effect."""
        self.clients.since = self.clock.now()
        self._questions = self._asking()
        for bound in self.plan.bound.causes:
            for phase in (Phase.DETECTION, Phase.DIAGNOSIS):
                self._questions.ask(bound.cause.id, bound.of(phase))
        self.progress.say("no fault: every cause's detection and diagnosis must end as FAILED")
        begin = self.clock.monotonic()
        self.asked = list(self._questions.answers())
        self.recorder.waiting_s += self.clock.monotonic() - begin
        for asked in self.asked:
            self.progress.say(
                f"{_held_in_words(asked)}: {asked.cause}, {asked.bound.scenario.name}"
            )
        self._refuse_present_effects()

    def _refuse_present_effects(self) -> None:
        for fault in {bound.fault.title: bound.fault for bound in self.plan.bound.causes}.values():
            reading = fault.effect.source.read(self.clients)
            if _holds(fault.effect, reading, self.clients.since):
                raise InvalidDrill(
                    f'the effect of "{fault.title}" is there without the fault: {reading.answer}. '
                    "The workload was not healthy, or the effect's probe sees too much."
                )

    def judge_scenario(self, line: int) -> None:
        """Under `healthy`: raises Falsified when the scenario held, StepNotPassed when unknown."""
        if not self.plan.is_healthy:
            return
        for asked in self.asked:
            if asked.bound.scenario.line == line and asked.held is not False:
                what = f"{asked.cause}: the {asked.phase} {asked.bound.scenario.name!r}"
                if asked.held:
                    raise Falsified(f"{what} holds on a healthy system: it proves nothing.")
                raise StepNotPassed(f"{what} could not be answered: {_last_seen(asked)}")

    # ---------------------------------------------------------------- end

    def end(self) -> records.Drill:
        """Undo, verify, and make the record. Signals are held off meanwhile."""
        with self.undisturbed():
            self._finish_questions()
            try:
                self._learn_secrets()
                self._undo()
            except UndoFailed as error:
                self.undo, self.left = Undo.FAILED, (str(error),)
                self.progress.say(f"UNDO FAILED: {error}")
            return record_of(self)

    def _finish_questions(self) -> None:
        self._background.end()
        if self._questions is not None and not self.asked:
            self.asked = list(self._questions.answers())

    def _learn_secrets(self) -> None:
        """Before they are gone. What cannot be read is not removed by value; shapes still are."""
        if self.undo is Undo.NOT_NEEDED:
            return
        try:
            self.secrets = self.namespace.secret_values()
        except CouldNotTell as error:
            self.recorder.notes.append(f"its Secrets could not be read for redaction: {error}")

    def _undo(self) -> None:
        if self.undo is Undo.NOT_NEEDED:
            self.undo = Undo.VERIFIED
            return
        if self.plan.keep is not None and not self.interrupted:
            expiry = self.clock.now() + timedelta(seconds=self.plan.keep.seconds)
            self.namespace.keep_until(expiry)
            self.undo = Undo.KEPT
            self.progress.say(f"kept until {expiry:%H:%M:%S} UTC: {self.namespace.name}")
            return
        begin = self.clock.monotonic()
        self.progress.say(f"undo: removing {self.namespace.name}")
        within = self.settings.duration("undo_within").seconds
        self.namespace.remove(self.clock, within, self.settings.poll_s)
        self.undo = Undo.VERIFIED
        if "t0" in self.recorder.moments:
            self.recorder.see("t9")
        self.recorder.waiting_s += self.clock.monotonic() - begin
        self.progress.say("undone, verified: the namespace is gone")

    # ---------------------------------------------------------------- look-ups

    def _waiting(self, probe: Probe, seen: str) -> None:
        self.progress.waiting(f"{probe.source.command().words[0]}: {_one_line(seen)}")

    @property
    def _steps(self) -> dict[int, BoundStep]:
        causes = self.plan.bound.causes
        scenarios = (s for cause in causes for s in cause.scenarios)
        return {b.step.line: b for s in scenarios for b in s.steps}

    def _scenario(self, line: int) -> BoundScenario | None:
        return next((s for s in self.plan.scenarios if s.scenario.line == line), None)

    def _phase_of(self, step: BoundStep) -> Phase | None:
        owners = (s for s in self.plan.scenarios if step in s.steps)
        return next((s.scenario.phase for s in owners), None)


def _holds(probe: Probe, reading: Reading, since: datetime | None) -> bool:
    return probe.expect.holds(reading.answer, since)


def _held_in_words(asked: Asked) -> str:
    if asked.held is None:
        return "ERROR   could not tell"
    return "FAILED  holds without a fault" if asked.held else "does not hold, as it should"


def _last_seen(asked: Asked) -> str:
    seen = [e.observed for e in asked.seen if e is not None]
    return seen[-1] if seen else "it was not asked"


def _short(evidence: Evidence) -> str:
    """One line of what was seen, and how long it took."""
    outcome = f"{evidence.outcome}; " if evidence.outcome else ""
    seen = _one_line(evidence.observed) or "done"
    return f"{outcome}{seen} [{evidence.took.total_seconds():.1f} s]"


def _one_line(text: object) -> str:
    lines = [line for line in str(text).splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    return last if len(last) <= 140 else f"{last[:140]}..."
