"""One drill from its namespace to its undo: begin, the steps, end, whatever happened between."""

import os
import signal
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from drillbook.changes.faults import DrillNamespace, Injector, verbs_of
from drillbook.changes.faults.namespace import fresh_name
from drillbook.changes.undo.custody import Custody
from drillbook.cluster.clients import Connections
from drillbook.cluster.settings import Settings
from drillbook.drill import caps
from drillbook.drill.attribution import refuse_self_healed
from drillbook.drill.cross_checks import CrossChecks, last_seen
from drillbook.drill.drill_record import record_of
from drillbook.drill.injection import InjectionRefused, NoEffect, Opening
from drillbook.drill.order import DrillOrder
from drillbook.drill.perform import Performer
from drillbook.drill.printed import PrintedLines, noted
from drillbook.drill.progress import Progress, one_line
from drillbook.drill.recorder import Recorder
from drillbook.drill.reinjection import reinject
from drillbook.evidence import records
from drillbook.evidence.redactor import Redactor
from drillbook.model import (
    CHANGED_AT,
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
    domains,
)
from drillbook.model.clock import Clock, CountingClock
from drillbook.model.errors import DrillbookError, Refused


class StepNotPassed(DrillbookError):
    """A step ended as FAILED or ERROR; its text is what a responder needs to see."""


class Falsified(DrillbookError):
    """A phase held that should not: the runbook is wrong."""


@dataclass
class LiveDrill:
    """A drill while it runs. `end` must be called, with signals held off."""

    order: DrillOrder
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
    refused: bool = False
    """A guard, a lock or the reaper said no before anything was changed."""
    redactor: Redactor = field(default_factory=Redactor)
    recorder: Recorder = field(init=False)
    performer: Performer = field(init=False)
    cross_checks: CrossChecks = field(init=False)
    printed: PrintedLines = field(init=False)
    custody: Custody = field(init=False)
    namespace: DrillNamespace = field(init=False)
    injector: Injector = field(init=False)
    started: datetime = field(init=False)
    began: float = field(init=False)
    """Monotonic seconds."""
    _affected_at: datetime | None = None
    """When the fault's effect was confirmed."""
    _current: BoundStep | None = None

    def __post_init__(self) -> None:
        # The drill's own thread sleeps on it and no other: what was slept was waited.
        self.clock = counting = CountingClock(self.clock)
        self.recorder = Recorder(counting)
        self.started, self.began = self.clock.now(), self.clock.monotonic()
        self.performer = Performer(
            clients=self.clients,
            settings=self.settings,
            clock=self.clock,
            skew=timedelta(seconds=self.order.skew_s),
            listener=self.recorder.listen,
            waiting=self._waiting,
            redactor=self.redactor,
            held_for_s=lambda: self.custody.held_for_s(),
            lost=lambda: self.custody.lost,
        )
        name = fresh_name(self.order.bound.runbook.id, self.order.cause)
        bound = self.order.cause_bound
        self.custody = Custody(
            clients=self.clients,
            settings=self.settings,
            clock=self.clock,
            name=name,
            run=self.order.run,
            locks=domains.locks(self.order.bound.runbook.tag("domain"), name),
            verbs=verbs_of(None if bound is None else bound.fault),
            ended=self._must_end,
        )
        self.namespace = DrillNamespace(self.clients, self.custody, name)
        self.clients.values["NAMESPACE"] = name
        self.clients.set_skew(self.performer.skew)
        self.injector = Injector(self.clients, name, self.custody)
        self.cross_checks = CrossChecks(self.order, self.performer, self.recorder, self.progress)
        self.printed = PrintedLines(self.performer)
        scenarios = [one for cause in self.order.bound.causes for one in cause.scenarios]
        steps = ((step, one.scenario.phase) for one in scenarios for step in one.steps)
        self._steps = {step.step.line: (step, phase) for step, phase in steps}

    def begin(self) -> None:
        """Workload, steady state and fault. Raises what kept it from beginning."""
        try:
            self._begin()
        except KeyboardInterrupt:
            self.interrupted = True
            raise
        except Exception as error:
            self.failed = True
            said = str(error) if isinstance(error, DrillbookError) else repr(error)
            self.reason = self.redactor.text(said)
            if isinstance(error, NoEffect):
                self.injection = Injection.NO_EFFECT
            elif isinstance(error, InjectionRefused):
                self.injection = Injection.REFUSED
            elif isinstance(error, Refused) and self.undo is Undo.NOT_NEEDED:
                self.refused, self.injection = True, Injection.REFUSED
            raise

    def _begin(self) -> None:
        workload = self.order.bound.causes[0].workload
        opening = Opening(self.performer, self.recorder, self.injector, self.progress)
        if not self.order.is_healthy:
            opening.held = self.printed.run
        self.clients.values.update(workload.values)
        self.progress.say(f"namespace {self.namespace.name}: {workload.title}")
        self.clients.since = self.clock.now()
        self.undo = Undo.FAILED  # until it is verified: from here on there is something to undo
        try:
            self.custody.open()
        except Refused:
            self.undo = Undo.NOT_NEEDED  # a refusal has undone what little it did
            raise
        bound = self.order.cause_bound
        changes = () if bound is None else bound.fault.changes
        secrets = tuple(self.clients.resolve(secret) for secret in workload.secrets)
        self.namespace.create(self.settings.environment, changes, secrets)
        self.redactor.watch(self.namespace.secret_values)
        opening.steady(workload, self.namespace)
        if bound is None:
            self.clients.since = self.clock.now()
            what = "every cause's detection and diagnosis must end as FAILED"
            self.progress.enter("no fault", what)
            self.cross_checks.ask_of_healthy()
        else:
            opening.refuse_early(bound.fault, self.order.asked_alerts)
            self._settle_printed()
            opening.inject(bound.fault)
            self._affected_at = self.clock.now()
            self.injection = Injection.CONFIRMED

    def _must_end(self, why: str) -> None:
        """Lost lease or halt: take the path of a signal, from whatever the drill waits for."""
        self.reason = why
        self.progress.say(f"the drill ends: {why}")
        os.kill(os.getpid(), signal.SIGTERM)

    def performs(self, scenario_line: int) -> bool:
        """Whether the drill was asked to go as far as this scenario."""
        return self.order.is_healthy or self._scenario(scenario_line) is not None

    def enter(self, scenario_line: int) -> None:
        """A scenario begins: other causes are asked beside the diagnosis, and heard after it."""
        scenario = self._scenario(scenario_line)
        if self.order.is_healthy or scenario is None:
            return
        phase = scenario.scenario.phase
        if phase is Phase.DIAGNOSIS:
            self.cross_checks.ask_others()
        elif phase is not Phase.DETECTION:
            self.cross_checks.hear_others()
        elif self.order.bound.runbook.is_operation:
            self.recorder.see("begun")
        self.progress.enter(str(phase), scenario.scenario.name)

    def select(self, line: int) -> None:
        """The step that is performed next; None for a Background's, which `begin` performed."""
        found = self._steps.get(line)
        self._current = None if found is None else found[0]

    def perform_current_step(self) -> None:
        """Perform the step's value. Raises StepNotPassed when it does not pass."""
        step = self._current
        if step is None or self.order.is_healthy:
            return
        self.progress.doing(step.step.text, caps.budget_s(step.value, self.settings))
        try:
            if isinstance(step.value, Action | Reinject):
                self._settle_printed()
            evidence = self._perform(step)
        except StepNotPassed:
            raise
        except KeyboardInterrupt:
            self.interrupted = True
            raise
        except Exception as error:  # noqa: BLE001 - no surprise may let the next phase run
            evidence = self.redactor.evidence(self._surprise(error))
        self.recorder.evidence[step.step.line] = evidence
        self.progress.say(f"{evidence.verdict:7} {step.step.text}: {_short(evidence)}")
        if evidence.verdict in (Verdict.FAILED, Verdict.ERROR):
            self.failed = True
            self.reason = (
                f"{self.order.bound.runbook.path}:{step.step.line}: {step.step.text!r} ended as "
                f"{evidence.verdict}: expected {evidence.expected}, saw {evidence.observed}"
            )
            raise StepNotPassed(self.reason)

    def _perform(self, step: BoundStep) -> Evidence:
        value, phase = step.value, self._steps[step.step.line][1]
        if isinstance(value, Action):
            if phase is Phase.REMEDIATION:
                self._refuse_self_healed()
                self.recorder.see("t6")
            evidence = self.performer.action(value)
            self.clients.since = self.clock.now()
            self.clients.values[CHANGED_AT.name] = f"{self.clients.since.timestamp():.0f}"
            self.recorder.ran(evidence)
        elif isinstance(value, Reinject):
            evidence = self._reinject()
        elif isinstance(value, Advice):
            evidence = self.performer.advice(value)
        elif isinstance(value, Probe):
            evidence = self.performer.probe(value)
            if evidence.verdict is Verdict.PASSED:
                self.recorder.passed(value, phase)
                self.printed.run(step.step.line, value)
        else:
            raise DrillbookError(f"{step.step.text!r} returns a {type(value).__name__} here.")
        return evidence

    def _settle_printed(self) -> None:
        """What comes next changes what the printed lines say, or they are the last. Raises
        StepNotPassed when one says otherwise than the read that passed beside it."""
        begin = self.clock.monotonic()
        try:
            found = self.printed.settle()
        finally:
            self.recorder.printed_s += self.clock.monotonic() - begin
        said = self.redactor.words(noted(self.recorder, found))
        if said:
            said = f"{self.order.bound.runbook.path}: {said}"
            self.failed, self.reason = True, self.reason or said
            self.progress.say(said)
            raise StepNotPassed(said)

    def _refuse_self_healed(self) -> None:
        """Before the first change of the remediation. Raises InvalidDrill, CouldNotTell."""
        if "t6" not in self.recorder.moments and self._affected_at is not None:
            own = (s for s in self.order.scenarios if s.scenario.phase is Phase.REMEDIATION)
            steps = [step for scenario in own for step in scenario.steps]
            refuse_self_healed(steps, self.performer, self._affected_at)

    def _surprise(self, error: Exception) -> Evidence:
        said = str(error) if isinstance(error, DrillbookError) else repr(error)
        return Evidence(
            verdict=Verdict.ERROR,
            expected="the step to be performed",
            observed=said,
            started=self.clock.now(),
        )

    def _reinject(self) -> Evidence:
        bound = self.order.cause_bound
        if bound is None:
            raise DrillbookError("there is no fault to inject again under this control.")
        moments = self.recorder.moments
        watch_s = moments["t1"] - moments["t0"] + 2 * self.settings.scrape_s
        self.progress.say(f"if it can be applied, its effect must stay away for {watch_s:.0f} s")
        return reinject(bound.fault, self.injector, self.performer, watch_s)

    def judge_scenario(self, line: int) -> None:
        """Under `healthy`: raises Falsified when the scenario held, StepNotPassed when unknown.
        Else, after the last one, StepNotPassed when a printed line said otherwise."""
        if not self.order.is_healthy:
            if self.order.scenarios and line == self.order.scenarios[-1].scenario.line:
                self._settle_printed()
            return
        for asked in self.cross_checks.asked:
            own = asked.runbook == self.order.bound.runbook.id
            if own and asked.bound.scenario.line == line and asked.held is not False:
                what = f"{asked.cause}: the {asked.phase} {asked.bound.scenario.name!r}"
                if asked.held:
                    raise Falsified(f"{what} holds on a healthy system: it proves nothing.")
                raise StepNotPassed(f"{what} could not be answered: {last_seen(asked)}")

    def end(self) -> records.Drill:
        """Undo, verify, and make the record: nothing that goes wrong here may skip the undo."""
        self.redactor.settle()  # once the namespace is gone, nobody knows its Secrets
        try:
            if not self.interrupted:
                self.cross_checks.hear_others()
                self._settle_printed()
        except StepNotPassed:
            pass  # it is in the record
        except Exception as error:  # noqa: BLE001 - the undo comes first, whatever this was
            said = self.redactor.words(repr(error))
            self.recorder.notes.append(f"what was still asked could not be heard: {said}")
        self.cross_checks.end()
        self.printed.end()
        try:
            self._undo()
        except Exception as error:  # noqa: BLE001 - an undo that raised is an undo that failed
            left = self.redactor.words(str(error) or repr(error))
            self.undo, self.left = Undo.FAILED, tuple(left.splitlines())
            for line in self.left:
                self.progress.say(f"UNDO FAILED, left: {line}")
        self.cross_checks.hear()
        record = record_of(self, self.redactor)
        if record.times.ttr_words:
            what = "time to recover" if record.times.begun is None else "the operation took"
            self.progress.say(f"{what}: {record.times.ttr_words}")
        return record

    def _undo(self) -> None:
        if self.undo is Undo.NOT_NEEDED:
            return
        if not self.interrupted and self._leave_standing():
            return
        self.progress.enter("undo", f"removing {self.namespace.name}, and what the journal says")
        self.custody.close()
        self.undo = Undo.VERIFIED
        if "t0" in self.recorder.moments:
            self.recorder.see("t9")
        self.progress.say("undone, verified: everything is as it was")

    def _leave_standing(self) -> bool:
        """Leave the incident standing; False when that was not asked for, or could not be done."""
        if self.order.leave_standing is None:
            return False
        expiry = self.clock.now() + timedelta(seconds=self.order.leave_standing.seconds)
        try:
            self.custody.keep(self.order.leave_standing.seconds)
        except DrillbookError as error:
            self.progress.say(f"not kept, because it could not be given an expiry: {error}")
            return False
        self.undo = Undo.KEPT
        self.progress.say(
            f"kept until {expiry:%H:%M:%S} UTC: {self.namespace.name}; "
            "`drillbook undo --kept` ends it before that"
        )
        return True

    def _waiting(self, probe: Probe, seen: str) -> None:
        self.progress.waiting(str(probe.source.command().words[0]), seen)

    def _scenario(self, line: int) -> BoundScenario | None:
        return next((s for s in self.order.scenarios if s.scenario.line == line), None)


def _short(evidence: Evidence) -> str:
    """One line of what was seen, and how long it took."""
    outcome = f"{evidence.outcome}; " if evidence.outcome else ""
    seen = one_line(evidence.observed) or "done"
    return f"{outcome}{seen} [{evidence.took.total_seconds():.1f} s]"
