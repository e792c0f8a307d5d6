"""One drill from its namespace to its undo: begin, the steps, end, whatever happened between."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drillbook import records
from drillbook.clock import Clock
from drillbook.drill_record import record_of
from drillbook.errors import CouldNotTell, DrillbookError
from drillbook.faults import DrillNamespace, Injector
from drillbook.faults.namespace import fresh_name
from drillbook.injection import InjectionRefused, NoEffect, Opening
from drillbook.model import (
    Action,
    Advice,
    BoundScenario,
    BoundStep,
    Evidence,
    Injection,
    Phase,
    Probe,
    Reinject,
    Undo,
    Verdict,
)
from drillbook.perform import Performer
from drillbook.plan import Plan
from drillbook.progress import Progress
from drillbook.recorder import Recorder
from drillbook.reinjection import reinject
from drillbook.settings import Settings
from drillbook.soundings import Soundings, held_in_words, last_seen
from drillbook.sources import FiringAlert
from drillbook.sources.clients import Connections


class StepNotPassed(DrillbookError):
    """A step ended as FAILED or ERROR; its text is what a responder needs to see."""


class Falsified(DrillbookError):
    """A phase held that should not: the runbook is wrong."""


@dataclass
class Incident:
    """A drill while it runs. `end` must be called, with signals held off."""

    plan: Plan
    settings: Settings
    clients: Connections
    clock: Clock
    progress: Progress
    interrupted: bool = False
    injection: Injection = Injection.NONE
    undo: Undo = Undo.NOT_NEEDED
    reason: str = ""
    failed: bool = False
    """A step ended as FAILED or ERROR, or the opening did: what follows is not run."""
    left: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    """Values of Secrets in the drill's namespace: they stay out of the record."""
    recorder: Recorder = field(init=False)
    performer: Performer = field(init=False)
    soundings: Soundings = field(init=False)
    namespace: DrillNamespace = field(init=False)
    injector: Injector = field(init=False)
    started: datetime = field(init=False)
    began: float = field(init=False)
    """Monotonic seconds."""
    _created: bool = False
    """The API server acknowledged the namespace."""
    _current: BoundStep | None = None

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
        self.soundings = Soundings(self.plan, self.performer)
        self._steps = {
            bound.step.line: (bound, scenario.scenario.phase)
            for cause in self.plan.bound.causes
            for scenario in cause.scenarios
            for bound in scenario.steps
        }

    # ---------------------------------------------------------------- begin

    def begin(self) -> None:
        """Workload, steady state and fault. Raises what kept it from beginning."""
        try:
            self._begin()
        except KeyboardInterrupt:
            self.interrupted = True
            raise
        except Exception as error:
            self.failed = True
            self.reason = str(error) if isinstance(error, DrillbookError) else repr(error)
            if isinstance(error, NoEffect):
                self.injection = Injection.NO_EFFECT
            elif isinstance(error, InjectionRefused):
                self.injection = Injection.REFUSED
            raise

    def _begin(self) -> None:
        workload = self.plan.bound.causes[0].workload
        opening = Opening(self.performer, self.recorder, self.injector, self.progress)
        self.clients.values.update({n.var.name: n.literal for n in workload.names})
        self.progress.say(f"namespace {self.namespace.name}: {workload.title}")
        self.clients.since = self.clock.now()
        self.undo = Undo.FAILED  # until it is verified: from here on there is something to undo
        self.namespace.create(self.plan.run, self.settings.environment)
        self._created = True
        opening.steady(workload, self.namespace)
        self._learn_secrets()
        bound = self.plan.cause_bound
        if bound is None:
            self._ask_of_healthy()
        else:
            opening.refuse_early(bound)
            opening.inject(bound.fault)
            self.injection = Injection.CONFIRMED

    def _learn_secrets(self) -> None:
        """What cannot be read is not removed by value; shapes of secrets still are."""
        try:
            self.secrets = self.namespace.secret_values()
        except CouldNotTell as error:
            self.recorder.notes.append(f"its Secrets could not be read for redaction: {error}")

    def _ask_of_healthy(self) -> None:
        self.clients.since = self.clock.now()
        self.progress.say("no fault: every cause's detection and diagnosis must end as FAILED")
        begin = self.clock.monotonic()
        try:
            self.soundings.ask_of_healthy()
        finally:
            self.recorder.waiting_s += self.clock.monotonic() - begin
        for asked in self.soundings.asked:
            words = held_in_words(asked)
            self.progress.say(f"{words}: {asked.cause}, {asked.bound.scenario.name}")

    # ---------------------------------------------------------------- the phases

    def performs(self, scenario_line: int) -> bool:
        """Whether the drill was asked to go as far as this scenario."""
        return self.plan.is_healthy or self._scenario(scenario_line) is not None

    def enter(self, scenario_line: int) -> None:
        """A scenario begins: siblings are asked beside the diagnosis, and heard after it."""
        scenario = self._scenario(scenario_line)
        if self.plan.is_healthy or scenario is None:
            return
        phase = scenario.scenario.phase
        if phase is Phase.DIAGNOSIS:
            self.soundings.ask_siblings()
        elif phase is not Phase.DETECTION:
            self._hear_siblings()
        self.progress.say(f"{phase}: {scenario.scenario.name}")

    def _hear_siblings(self) -> None:
        """This waiting does not count in the time to recover."""
        if not self.soundings.under_way:
            return
        begin = self.clock.monotonic()
        self.progress.say("waiting for the other causes' diagnosis, which must not hold here")
        try:
            asked = self.soundings.hear()
        finally:
            waited = self.clock.monotonic() - begin
            self.recorder.siblings_s += waited
            self.recorder.waiting_s += waited
        for cause in sorted({one.cause for one in asked if one.held}):
            self.progress.say(f"FAILED  the diagnosis of {cause} holds on this incident too")

    def select(self, line: int) -> None:
        """The step that is performed next; None for a Background's, which `begin` performed."""
        found = self._steps.get(line)
        self._current = None if found is None else found[0]

    def perform_current_step(self) -> None:
        """Perform the step's value. Raises StepNotPassed when it does not pass."""
        step = self._current
        if step is None or self.plan.is_healthy:
            return
        try:
            evidence = self._perform(step)
        except KeyboardInterrupt:
            self.interrupted = True
            raise
        except Exception as error:  # noqa: BLE001 - no surprise may let the next phase run
            evidence = self._surprise(error)
        self.recorder.evidence[step.step.line] = evidence
        self.progress.say(f"{evidence.verdict:7} {step.step.text}: {_short(evidence)}")
        if evidence.verdict in (Verdict.FAILED, Verdict.ERROR):
            self.failed = True
            self.reason = (
                f"{self.plan.bound.runbook.path}:{step.step.line}: {step.step.text!r} ended as "
                f"{evidence.verdict}: expected {evidence.expected}, saw {evidence.observed}"
            )
            raise StepNotPassed(self.reason)

    def _perform(self, step: BoundStep) -> Evidence:
        value, phase = step.value, self._steps[step.step.line][1]
        if isinstance(value, Action):
            if phase is Phase.REMEDIATION:
                self.recorder.see("t6")
            evidence = self.performer.action(value)
            self.clients.since = self.clock.now()
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

    def _surprise(self, error: Exception) -> Evidence:
        said = str(error) if isinstance(error, DrillbookError) else repr(error)
        return Evidence(
            verdict=Verdict.ERROR,
            command="",
            expected="the step to be performed",
            observed=said,
            started=self.clock.now(),
            took=timedelta(),
        )

    def _see_moment(self, probe: Probe, phase: Phase | None, evidence: Evidence) -> None:
        if evidence.verdict is not Verdict.PASSED:
            return
        if phase is Phase.DIAGNOSIS:
            self.recorder.see_last("t5")
        if phase is Phase.REMEDIATION:
            self.recorder.see_last("t8" if isinstance(probe.source, FiringAlert) else "t7")

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

    def judge_scenario(self, line: int) -> None:
        """Under `healthy`: raises Falsified when the scenario held, StepNotPassed when unknown."""
        if not self.plan.is_healthy:
            return
        for asked in self.soundings.asked:
            if asked.bound.scenario.line == line and asked.held is not False:
                what = f"{asked.cause}: the {asked.phase} {asked.bound.scenario.name!r}"
                if asked.held:
                    raise Falsified(f"{what} holds on a healthy system: it proves nothing.")
                raise StepNotPassed(f"{what} could not be answered: {last_seen(asked)}")

    # ---------------------------------------------------------------- end

    def end(self) -> records.Drill:
        """Undo, verify, and make the record: nothing that goes wrong here may skip the undo."""
        try:
            if not self.interrupted:
                self._hear_siblings()
        except Exception as error:  # noqa: BLE001 - the undo comes first, whatever this was
            self.recorder.notes.append(f"the siblings could not be heard: {error!r}")
        self.soundings.end()
        begin = self.clock.monotonic()
        try:
            self._undo()
        except Exception as error:  # noqa: BLE001 - an undo that raised is an undo that failed
            self.undo, self.left = Undo.FAILED, (str(error) or repr(error),)
            self.progress.say(f"UNDO FAILED: {error}")
        self.recorder.waiting_s += self.clock.monotonic() - begin
        self.soundings.hear()
        return record_of(self)

    def _undo(self) -> None:
        if self.undo is Undo.NOT_NEEDED:
            return
        if not self.interrupted and self._keep():
            return
        self.progress.say(f"undo: removing {self.namespace.name}")
        within = self.settings.duration("undo_within").seconds
        # A creation that nobody acknowledged may still happen: absence must last for a request.
        settle_s = 0.0 if self._created else self.settings.request_timeout_s
        self.namespace.remove(self.clock, within, self.settings.poll_s, settle_s)
        self.undo = Undo.VERIFIED
        if "t0" in self.recorder.moments:
            self.recorder.see("t9")
        self.progress.say("undone, verified: the namespace is gone")

    def _keep(self) -> bool:
        """Leave the incident standing; False when that was not asked for, or could not be done."""
        if self.plan.keep is None:
            return False
        expiry = self.clock.now() + timedelta(seconds=self.plan.keep.seconds)
        try:
            self.namespace.keep_until(expiry)
        except CouldNotTell as error:
            self.progress.say(f"not kept, because it could not be given an expiry: {error}")
            return False
        self.undo = Undo.KEPT
        self.progress.say(f"kept until {expiry:%H:%M:%S} UTC: {self.namespace.name}")
        return True

    # ---------------------------------------------------------------- look-ups

    def _waiting(self, probe: Probe, seen: str) -> None:
        self.progress.waiting(f"{probe.source.command().words[0]}: {_one_line(seen)}")

    def _scenario(self, line: int) -> BoundScenario | None:
        return next((s for s in self.plan.scenarios if s.scenario.line == line), None)


def _short(evidence: Evidence) -> str:
    """One line of what was seen, and how long it took."""
    outcome = f"{evidence.outcome}; " if evidence.outcome else ""
    seen = _one_line(evidence.observed) or "done"
    return f"{outcome}{seen} [{evidence.took.total_seconds():.1f} s]"


def _one_line(text: object) -> str:
    lines = [line for line in str(text).splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    return last if len(last) <= 140 else f"{last[:140]}..."
