"""Runbooks, records and rules built by hand for the tests of proof, score, render and accept."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from drillbook.book.alert_rules import AlertRule
from drillbook.evidence.records import (
    Cluster,
    Cost,
    Drill,
    Question,
    ScenarioRecord,
    StepRecord,
    Times,
)
from drillbook.model import (
    Action,
    Advice,
    BoundCause,
    BoundRunbook,
    BoundScenario,
    BoundStep,
    Cause,
    Component,
    Control,
    Duration,
    Evidence,
    Fault,
    FilledIn,
    Finding,
    Injection,
    Matcher,
    Part,
    Patch,
    Phase,
    Probe,
    Reinject,
    Risk,
    Runbook,
    Scenario,
    Source,
    Step,
    Tag,
    Target,
    Undo,
    Value,
    Var,
    Verdict,
    Workload,
    command,
    join,
    name_of,
)
from drillbook.model.matchers import any_equals, at_least, equals, firing, silent
from drillbook.sources import FiringAlert, Kube, Tool

APP = Var("APP")
KUBECTL = ("kubectl", "--context", Var("CONTEXT"), "-n", Var("NAMESPACE"))
DESCRIPTION = """Meaning: the application starts, fails and is restarted again and again.
Impact: its consumers read old data.
Normal: it completes a batch every few seconds,
  day and night.
Not this page: the driver runs but no executor comes up.
Escalation: after 15 minutes without progress call the owner of the application.
"""
STARTED = datetime(2026, 11, 20, 3, 4, 5, tzinfo=UTC)

ALERT_FIRES = Probe(source=FiringAlert(alert="AppDown"), expect=firing(), within=Duration("90s"))
ALERT_SILENT = Probe(source=FiringAlert(alert="AppDown"), expect=silent(), within=Duration("2m"))
LIMIT_BEFORE, LIMIT_NEW = Var("LIMIT_BEFORE"), Var("LIMIT_NEW")
RAISE = Action(
    command=command(
        *(*KUBECTL, "set", "resources", join("deployment/", APP)),
        join("--limits=memory=", LIMIT_NEW),
    ),
    reads=(
        Finding(var=LIMIT_BEFORE, command=command(*KUBECTL, "get", join("deployment/", APP))),
        FilledIn(var=LIMIT_NEW, says="three times the old one.", in_drill="3Gi"),
    ),
    note="The pod restarts.",
    rollback=command(
        *(*KUBECTL, "set", "resources", join("deployment/", APP)),
        join("--limits=memory=", LIMIT_BEFORE),
    ),
)


def reason(kind: str = "pods") -> Kube:
    return Kube(
        kind=kind,
        selector=join("app=", APP),
        path="{.items[*].status.containerStatuses[0].lastState.terminated.reason}",
    )


def tool(path: str = "scripts/app/diagnose.py") -> Tool:
    return Tool(words=("python3", path, "--json", APP), field="cause")


def probe(source: Source | None = None, expect: Matcher | None = None) -> Probe:
    return Probe(source=source or reason(), expect=expect or any_equals("OOMKilled"))


def step(text: str, value: Value, keyword: str = "then", line: int = 1) -> BoundStep:
    return BoundStep(step=Step(keyword=keyword, text=text, line=line), value=value)


def scenario(phase: Phase, name: str, *steps: BoundStep) -> BoundScenario:
    tags = (Tag(name=phase.value, value="", line=1),)
    plain = Scenario(name=name, line=1, tags=tags, steps=tuple(s.step for s in steps))
    return BoundScenario(scenario=plain, steps=steps)


def workload(app: str = "orders") -> Workload:
    return Workload((component(app),))


def part() -> Part:
    return Part(
        role="server", kind="Deployment", name=APP, selector=join("app=", APP), container="app"
    )


def component(app: str = "orders") -> Component:
    return Component(
        title="an application with one pod",
        manifests=(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": app},
                "spec": {"replicas": 1},
            },
        ),
        ready=(Probe(source=tool(), expect=equals("healthy")),),
        names=(
            name_of(
                app,
                APP,
                command(*KUBECTL, "get", "pod", Var("POD"), "-o", "jsonpath={.metadata.name}"),
            ),
        ),
    )


FAULT = Fault(
    title="the application needs more memory than its limit",
    changes=(
        Patch(
            target=Target(api_version="v1", kind="ConfigMap", name=join(APP, "-conf")),
            patch={"data": {"allocate-mb": "1200"}},
        ),
    ),
    effect=Probe(source=reason("events"), expect=at_least(1)),
)


def phases(cause: str = "oom", title: str = "out of memory") -> tuple[BoundScenario, ...]:
    return (
        scenario(
            Phase.DETECTION,
            f"The alert names the application ({cause})",
            step('the alert "AppDown" fires within 90s', ALERT_FIRES),
        ),
        scenario(
            Phase.DIAGNOSIS,
            f"The last termination says {title}",
            step('"orders" was last terminated with reason "OOMKilled"', probe()),
            step(
                f'the tool names the cause of "orders" as "{cause}"',
                Probe(source=tool(), expect=equals(cause)),
            ),
        ),
        scenario(
            Phase.REMEDIATION,
            f"More of it brings the application back ({cause})",
            step('the limit of "orders" is raised to 3Gi', RAISE, "when"),
            step('the alert "AppDown" is silent within 2m', ALERT_SILENT),
        ),
        scenario(
            Phase.PREVENTION,
            f"The same load no longer kills it ({cause})",
            step("the fault is injected again", Reinject(), "when"),
            step('"orders" runs within 3m', Probe(source=tool(), expect=equals("healthy"))),
        ),
    )


def cause(
    id: str = "oom",
    name: str = "It runs out of memory",
    scenarios: tuple[BoundScenario, ...] | None = None,
    description: str = "The limit is smaller than what it uses.",
    line: int = 10,
    fault: Fault = FAULT,
    load: Workload | None = None,
) -> BoundCause:
    bound = phases(id) if scenarios is None else scenarios
    background = step("the application needs more memory", fault, "given")
    plain = Cause(
        id=id,
        name=name,
        line=line,
        tags=(Tag(name="cause", value=id, line=line),),
        description=description,
        background=(background.step,),
        scenarios=tuple(b.scenario for b in bound),
    )
    return BoundCause(
        cause=plain,
        workload=load or workload(),
        fault=fault,
        background=(background,),
        scenarios=bound,
    )


def runbook(
    *causes: BoundCause,
    description: str = DESCRIPTION,
    tags: tuple[tuple[str, str], ...] = (),
    title: str = "Application down",
    line: int = 3,
) -> BoundRunbook:
    """A runbook of the given causes; by default of two, `oom` and `config`."""
    bound = causes or (cause(), cause("config", "Its configuration is refused"))
    defaults = (
        ("id", "RB-APP-001"),
        ("version", "1.0.0"),
        ("owner", "data-platform"),
        ("severity", "P1"),
        ("alert", "AppDown"),
        ("rto", "15m"),
        ("domain", "cluster/namespace"),
    )
    chosen = (*tags, *((n, v) for n, v in defaults if n not in dict(tags)))
    return BoundRunbook(
        runbook=Runbook(
            path=PurePosixPath("features/app/app-down.feature"),
            title=title,
            line=line,
            tags=tuple(Tag(name=n, value=v, line=1) for n, v in chosen),
            description=description,
            background=(),
            causes=tuple(b.cause for b in bound),
        ),
        causes=bound,
    )


def operation(*causes: BoundCause) -> BoundRunbook:
    """The same, begun by a person and not by an alert."""
    bound = runbook(*causes, tags=(("kind", "operation"),))
    tags = tuple(tag for tag in bound.runbook.tags if tag.name != "alert")
    return replace(bound, runbook=replace(bound.runbook, tags=tags))


def with_advice() -> BoundCause:
    """A cause whose prevention is left to a person, and whose remedy destroys."""
    detection, diagnosis, _, _ = phases()
    wipe = Action(command=command(*KUBECTL, "delete", "pvc", APP), risk=Risk.DESTROYS)
    return cause(
        scenarios=(
            detection,
            diagnosis,
            scenario(Phase.REMEDIATION, "Wipe it", step("the disk is wiped", wipe, "when")),
            scenario(Phase.PREVENTION, "Talk", step("decide", Advice("Agree on a quota."), "when")),
        )
    )


def rule(for_s: float = 0.0, expr: str = 'up{job="app"} == 0') -> AlertRule:
    return AlertRule(
        name="AppDown",
        expr=expr,
        for_s=for_s,
        labels={"severity": "P1"},
        annotations={"runbook_url": "runbooks/app/app-down.md"},
        file="monitoring/alerts/app.yaml",
        line=4,
    )


# --------------------------------------------------------------------------- records


def seen(bound: BoundScenario, cause_id: str, observed: str, verdict: Verdict) -> ScenarioRecord:
    return ScenarioRecord(
        cause=cause_id,
        name=bound.scenario.name,
        line=bound.scenario.line,
        phase=bound.scenario.phase or Phase.DETECTION,
        verdict=verdict,
        steps=tuple(_seen_step(b, observed, verdict) for b in bound.steps),
    )


_KINDS: dict[type[Any], Any] = {
    Probe: "probe",
    Action: "action",
    Advice: "advice",
    Reinject: "reinject",
}


def _seen_step(bound: BoundStep, observed: str, verdict: Verdict) -> StepRecord:
    kind = _KINDS[type(bound.value)]
    return StepRecord(
        text=bound.step.text,
        line=bound.step.line,
        kind=kind,
        verdict=Verdict.MANUAL if kind == "advice" else verdict,
        observed=observed,
        started=STARTED,
        took_s=4.2,
        outcome="absorbed" if kind == "reinject" else "",
    )


TIMES = Times(
    injected_at=STARTED,
    t1=40.0,
    t2=44.0,
    t3=45.0,
    t4=49.0,
    t5=52.0,
    t6=55.0,
    t7=80.0,
    t8=85.0,
    t9=120.0,
    siblings_s=3.0,
    floor_s=10.0,
)
PLANNED = TIMES.model_copy(
    update={"t2": None, "t3": None, "t4": None, "t8": None, "floor_s": None, "begun": 41.0}
)
"""An operation's: 36 s from its beginning to its end, 3 s of which went into questions."""
CLUSTER = Cluster(uid="uid-1", name="staging", version="v1.34.4", environment="staging")


def evidence(verdict: Verdict = Verdict.PASSED, observed: str = "") -> Evidence:
    """What a step saw."""
    return Evidence(
        verdict=verdict,
        command="kubectl get pods",
        expected="`x`",
        observed=observed,
        started=STARTED,
        took=timedelta(),
    )


def question(cause_id: str, held: bool | None = False, phase: Phase = Phase.DIAGNOSIS) -> Question:
    return Question(cause=cause_id, phase=phase, held=held, scenarios=())


def drill(
    cause_id: str = "oom",
    *,
    observed: str = "OOMKilled",
    verdict: Verdict = Verdict.PASSED,
    phase_verdicts: dict[Phase, Verdict] | None = None,
    bound: BoundCause | None = None,
    days: int = 0,
    hash: str = "0" * 64,
    **fields: Any,
) -> Drill:
    """A valid plain drill; `phase_verdicts` sets single phases apart from PASSED."""
    found = bound or cause(cause_id)
    verdicts = {phase: Verdict.PASSED for phase in Phase} | (phase_verdicts or {})
    started = STARTED + timedelta(days=days)
    given: dict[str, Any] = {
        "run": f"run-{days:02d}",
        "runbook": "RB-APP-001",
        "runbook_version": "1.0.0",
        "path": "features/app/app-down.feature",
        "cause": cause_id,
        "control": Control.PLAIN,
        "commit": "abc1234def56",
        "hash": hash,
        "engine": 1,
        "started": started,
        "ended": started + timedelta(seconds=125),
        "namespace": "drill-x",
        "cluster": CLUSTER,
        "verdict": verdict,
        "injection": Injection.CONFIRMED,
        "undo": Undo.VERIFIED,
        "rto_s": 900.0,
        "times": TIMES,
        "scenarios": tuple(
            seen(b, cause_id, observed, verdicts[b.scenario.phase or Phase.DETECTION])
            for b in found.scenarios
        ),
        "cost": Cost(wall_s=125.0, waiting_s=118.0, commands_s=4.0),
    }
    return Drill(**(given | fields))


def failed_in(phase: Phase, verdict: Verdict = Verdict.FAILED, **fields: Any) -> Drill:
    """A drill of which one phase did not pass."""
    return drill(phase_verdicts={phase: verdict}, **{"verdict": verdict, **fields})


def healthy(
    *causes: str, held: bool | None = False, days: int = 0, hash: str = "0" * 64, **fields: Any
) -> Drill:
    """A valid healthy drill that asked the detection and diagnosis of each cause."""
    asked = tuple(
        question(cause_id, held, phase)
        for cause_id in causes or ("oom", "config")
        for phase in (Phase.DETECTION, Phase.DIAGNOSIS)
    )
    given: dict[str, Any] = {
        "control": Control.HEALTHY,
        "injection": Injection.NONE,
        "scenarios": (),
        "questions": asked,
        "times": Times(),
        "verdict": Verdict.FAILED if held else Verdict.PASSED,
    }
    return drill("all", bound=cause(), days=days, hash=hash, **(given | fields))


def changed(bound: BoundRunbook, number: int, value: Value) -> BoundRunbook:
    """The runbook with the value of one step of its first cause replaced."""
    return _edited(bound, number, lambda one: replace(one, value=value))


def reworded(bound: BoundRunbook, number: int, text: str) -> BoundRunbook:
    """The runbook with the words of one step of its first cause replaced."""
    return _edited(bound, number, lambda one: replace(one, step=replace(one.step, text=text)))


def _edited(
    bound: BoundRunbook, number: int, edit: Callable[[BoundStep], BoundStep]
) -> BoundRunbook:
    first, *others = bound.causes
    wanted = [step for one in first.scenarios for step in one.steps][number]
    scenarios = (
        replace(one, steps=tuple(edit(s) if s is wanted else s for s in one.steps))
        for one in first.scenarios
    )
    return replace(bound, causes=(replace(first, scenarios=tuple(scenarios)), *others))
