"""A runbook with its accepted records -> the page a responder reads. Pure but for
`production_rules`, which reads the rules; no clock: what is committed depends on the tree alone.

The order of a page is that of page.md; its words are in templates/page.md.j2, what they say is
gathered here. Text from records and descriptions goes through `drillbook.markdown`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from drillbook import monitoring, templates, variables
from drillbook.figures import seconds
from drillbook.history import shown
from drillbook.markdown import anchor, code, evidence, prose
from drillbook.model import (
    Action,
    Advice,
    BoundCause,
    BoundRunbook,
    BoundScenario,
    BoundStep,
    Change,
    Control,
    Duration,
    Matcher,
    Patch,
    Phase,
    Probe,
    Reinject,
    Risk,
    Verdict,
)
from drillbook.monitoring import AlertRule
from drillbook.records import Drill, ScenarioRecord, StepRecord
from drillbook.standing import Asking, Proofs, Standing, State, standings, worst

PRODUCTION: Final = "production"
"""The environment whose `for` a page compares with the drilled one's."""

_LINES: Final = ("Meaning", "Impact", "Normal", "Not this page", "Escalation")
"""The lines of a description that have a place of their own on the page."""


def page(
    bound: BoundRunbook,
    *,
    drills: Proofs,
    hashes: Mapping[str, str],
    rules: Mapping[str, AlertRule],
    production: Mapping[str, AlertRule],
    proof_days: int,
) -> str:
    """The page's text. `hashes`: the tree's, by cause and for `all`; `rules`: as drilled, by alert;
    `production`: as paged on, empty where unknown; `proof_days`: how long a drill stays valid.
    Raises RunbookProblem for a command whose variable nothing gives a value."""
    found = {one.cause: one for one in standings(bound, drills, hashes)}
    runbook = bound.runbook
    later_s = _later_in_production(runbook.alerts, rules, production)
    causes = _causes(bound, found, hashes, later_s)
    return templates.fill(
        "page.md.j2",
        front=_front_matter(bound, list(found.values()), proof_days),
        runbook=runbook,
        state=worst(list(found.values())),
        proofs=[_proof(c, found[c.cause.id], proof_days) for c in bound.causes],
        about=_description(runbook.description),
        alerts=[_alert(name, rules, production) for name in runbook.alerts],
        setup=variables.setup(bound),
        causes=causes,
        shared=_shared_command(bound),
        checks=_checks(causes),
        cleared=[_cleared(view) for view in causes if view.drill],
        rto=_rto(runbook.tag("rto")),
        workload=bound.causes[0].workload,
        kinds=", ".join(str(m.get("kind", "object")) for m in bound.causes[0].workload.manifests),
        ready=_check_view(bound.causes[0].workload.ready),
        history=shown(_all_drills(bound, drills)),
    )


def states(bound: BoundRunbook, drills: Proofs, hashes: Mapping[str, str]) -> dict[str, str]:
    """Each cause's state of proof: verified, stale, failing or never-run."""
    return {one.cause: str(one.state) for one in standings(bound, drills, hashes)}


def production_rules(root: Path) -> dict[str, AlertRule]:
    """The rules as production loads them, by alert; empty for a checkout that has no production."""
    if not (root / monitoring.VALUES / f"{PRODUCTION}.yaml").exists():
        return {}
    return monitoring.load_alerts(root, PRODUCTION)


# --------------------------------------------------------------------------- the proof


def _front_matter(bound: BoundRunbook, found: Sequence[Standing], days: int) -> str:
    """YAML, by way of JSON: every JSON value is a YAML value, and quoting is never in doubt."""
    runbook = bound.runbook
    until = [last for one in found if (last := one.valid_until(days))]
    complete = len(until) == len(found)
    fields = {
        "id": runbook.id,
        "title": runbook.title,
        "alerts": list(runbook.alerts),
        "owner": runbook.tag("owner"),
        "severity": runbook.tag("severity"),
        "version": runbook.tag("version"),
        "approver": runbook.tag("approver") or None,
        "state": str(worst(found)),
        "last_drill": _last_drill([one.drill for one in found if one.drill]),
        "valid_until": str(min(until)) if complete else None,
        "source": str(runbook.path),
    }
    lines = (f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items())
    return "\n".join(lines)


def _last_drill(drills: Sequence[Drill]) -> dict[str, Any] | None:
    if not drills:
        return None
    last = max(drills, key=lambda d: (d.started, d.name))
    return {
        "time": last.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "cause": last.cause,
        "commit": last.commit,
        "cluster": _cluster(last),
        "verdict": str(last.verdict),
        "ttd_s": last.times.ttd_s,
        "ttr_s": last.times.ttr_s,
    }


@dataclass(frozen=True, kw_only=True)
class ProofLine:
    """One cause's proof in a sentence or two, as Markdown."""

    name: str
    anchor: str
    words: str


def _proof(bound: BoundCause, found: Standing, days: int) -> ProofLine:
    return ProofLine(
        name=prose(bound.cause.name),
        anchor=_anchor(bound.cause.id),
        words=_proof_words(found, days),
    )


def _proof_words(found: Standing, days: int) -> str:
    drill = found.drill
    if drill is None:
        return f"NEVER RUN: {found.why}."
    times, on = drill.times, drill.started.date()
    where = f"at commit {_commit(drill.commit)} on {prose(_cluster(drill))}"
    took = f"detected in {seconds(times.ttd_s)}, recovered in {seconds(times.ttr_s)}"
    manual = f", {drill.manual} manual" if drill.manual else ""
    if found.state is State.FAILING:
        return f"FAILING: drilled on {on} {where}; {prose(found.why)}. {_controls_words(found)}"
    if found.state is State.NEVER_RUN:
        return f"NOT PROVEN: drilled on {on} {where}, {took}{manual}, but {prose(found.why)}."
    if found.state is State.STALE:
        return f"STALE: last proven on {on} {where}, {took}{manual}; since then {prose(found.why)}."
    until = found.valid_until(days)
    return (
        f"verified on {on} {where}, valid until {until}: {took}{manual}. {_controls_words(found)}"
    )


def _controls_words(found: Standing) -> str:
    """How many drills asked this cause where it should not hold, and whether it did."""
    asked: dict[str, list[bool | None]] = {}
    for one in found.controls:
        asked.setdefault(one.drill.name, []).append(one.held)
    number = len(asked)
    held = sum(True in answers for answers in asked.values())
    silent = sum(True not in answers and None in answers for answers in asked.values())
    plural = "control" if number == 1 else "controls"
    said = f"{held or 'None'} of its {number} {plural} falsified it."
    return said + (f" {silent} could not tell." if silent else "")


def _commit(commit: str) -> str:
    head, _, dirty = commit.partition("+")
    return f"{head[:7]} with uncommitted changes" if dirty else head[:7]


def _cluster(drill: Drill) -> str:
    return drill.cluster.environment if drill.cluster else "no cluster"


# --------------------------------------------------------------------------- the alert


def _description(text: str) -> dict[str, str]:
    """The description's known lines by their first word, and the rest under the empty string. A
    line without a known first word goes on with the one before."""
    found: dict[str, list[str]] = {"": []}
    now = ""
    for line in text.splitlines():
        head, colon, rest = line.strip().partition(":")
        if colon and head in _LINES:
            now, line = head, rest
        elif not line.strip():
            now = ""
        found.setdefault(now, []).append(line.strip())
    return {name: prose(_sentence(" ".join(lines))) for name, lines in found.items()}


def _sentence(text: str) -> str:
    """With a capital first letter and a full stop."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")


@dataclass(frozen=True, kw_only=True)
class AlertView:
    """An alert as a page shows it. `note` compares production's `for` with the drilled one."""

    name: str
    expr: str
    note: str


def _alert(
    name: str, rules: Mapping[str, AlertRule], production: Mapping[str, AlertRule]
) -> AlertView:
    rule, paged = rules.get(name), production.get(name)
    if rule is None:
        return AlertView(name=name, expr="", note="No rule of this name is known.")
    return AlertView(name=name, expr=rule.expr, note=_for_words(rule.for_s, paged))


def _for_words(drilled_s: float, paged: AlertRule | None) -> str:
    if paged is None or paged.for_s == drilled_s:
        return f"It fires when this has been true for {seconds(drilled_s)}."
    return (
        f"It fires when this has been true for {seconds(paged.for_s)} in production; in the "
        f"drills, for {seconds(drilled_s)}."
    )


def _later_in_production(
    alerts: Sequence[str], rules: Mapping[str, AlertRule], production: Mapping[str, AlertRule]
) -> float:
    """Seconds by which production's alert comes later than the drilled one; negative: earlier."""
    for name in alerts:
        if name in rules and name in production:
            return production[name].for_s - rules[name].for_s
    return 0.0


def _rto(text: str) -> str:
    return seconds(Duration(text).seconds) if text else ""


def _shared_command(bound: BoundRunbook) -> str:
    """The command that every cause's diagnosis runs, each expecting another answer, if there is
    one: it tells them apart."""
    first, *others = [_diagnosing(cause) for cause in bound.causes]
    for line in first if others else ():
        expected = {first[line], *(other.get(line, "") for other in others)}
        if "" not in expected and len(expected) == len(bound.causes):
            return line
    return ""


def _diagnosing(bound: BoundCause) -> dict[str, str]:
    """The commands of a cause's diagnosis, and what each expects."""
    return {
        str(step.value.source.command()): step.value.expect.describe()
        for scenario in bound.of(Phase.DIAGNOSIS)
        for step in scenario.steps
        if isinstance(step.value, Probe)
    }


# --------------------------------------------------------------------------- causes


@dataclass(frozen=True, kw_only=True)
class StepView:
    """One step, as Markdown. `kind`: check, change, advice or reinject."""

    kind: str
    sentence: str
    command: str = ""
    expect: str = ""
    saw: str = ""
    risk: str = ""
    rollback: str = ""
    final: bool = False
    """It destroys, and nothing takes it back."""


@dataclass(frozen=True, kw_only=True)
class ScenarioView:
    name: str
    steps: tuple[StepView, ...]
    otherwise: str
    """Where to go on when something else is seen, as Markdown."""


@dataclass(frozen=True, kw_only=True)
class CauseView:
    """One cause, as Markdown."""

    id: str
    anchor: str
    name: str
    label: str
    """What its diagnosis says, without markup; for the diagram, as is `plain_name`."""
    plain_name: str
    about: str
    state: State
    phases: tuple[tuple[str, tuple[ScenarioView, ...]], ...]
    drill: Drill | None
    fault: str
    changes: tuple[str, ...]
    effect: StepView
    drilled: tuple[str, ...]
    """What the drill measured and the controls showed, a sentence each."""
    hash: str


Namer = Callable[[str], str]
"""Turns a sentence's names of the drill into the page's variables."""


def _namer(bound: BoundRunbook) -> Namer:
    """`"orders"` becomes `$APP`, as code: the responder's application has another name."""
    names = {f'"{name.literal}"': f"`${name.var.name}`" for name in bound.names}
    if not names:
        return _sentence
    pattern = re.compile("|".join(map(re.escape, names)))
    return lambda text: _sentence(pattern.sub(lambda match: names[match[0]], text))


def _causes(
    bound: BoundRunbook, found: Mapping[str, Standing], hashes: Mapping[str, str], later_s: float
) -> list[CauseView]:
    name = _namer(bound)
    following = [*bound.causes[1:], None]
    return [
        _cause_view(
            cause, after, found[cause.cause.id], name, hash=hashes[cause.cause.id], later_s=later_s
        )
        for cause, after in zip(bound.causes, following, strict=True)
    ]


def _cause_view(
    bound: BoundCause,
    after: BoundCause | None,
    standing: Standing,
    name: Namer,
    *,
    hash: str,
    later_s: float,
) -> CauseView:
    cause = bound.cause
    return CauseView(
        id=cause.id,
        anchor=_anchor(cause.id),
        name=prose(cause.name),
        label=" and ".join(s.scenario.name for s in bound.of(Phase.DIAGNOSIS)) or cause.name,
        plain_name=cause.name,
        about=prose(cause.description),
        state=standing.state,
        phases=tuple(
            (phase.value, _scenario_views(bound, phase, standing.drill, name, after))
            for phase in Phase
        ),
        drill=standing.drill,
        fault=prose(_sentence(bound.fault.title)),
        changes=tuple(_change(change) for change in bound.fault.changes),
        effect=_check_view(bound.fault.effect),
        drilled=(*_drilled(standing, later_s), *_budgets(bound, name)),
        hash=hash[:16],
    )


def _scenario_views(
    bound: BoundCause, phase: Phase, drill: Drill | None, name: Namer, after: BoundCause | None
) -> tuple[ScenarioView, ...]:
    return tuple(
        ScenarioView(
            name=prose(one.scenario.name),
            steps=tuple(_steps(one, _record_of(drill, one), drill, name)),
            otherwise=_elsewhere(phase, after),
        )
        for one in bound.of(phase)
    )


def _elsewhere(phase: Phase, after: BoundCause | None) -> str:
    """Where a responder goes on when a phase shows something else than expected."""
    if phase is Phase.DETECTION:
        return "the alert may have cleared; see [First 60 seconds](#first-60-seconds)"
    if phase is Phase.DIAGNOSIS and after is not None:
        return f"it is another cause; go to [{prose(after.cause.name)}](#{_anchor(after.cause.id)})"
    if phase is Phase.REMEDIATION:
        return (
            "do not repeat it; look again at [Which cause is it](#which-cause-is-it), then "
            "[escalate](#escalate)"
        )
    return "[escalate](#escalate)"


def _record_of(drill: Drill | None, bound: BoundScenario) -> ScenarioRecord | None:
    """What the drill recorded of this scenario, by its name: lines move."""
    if drill is None:
        return None
    return next((s for s in drill.scenarios if s.name == bound.scenario.name), None)


def _steps(
    bound: BoundScenario, record: ScenarioRecord | None, drill: Drill | None, name: Namer
) -> Iterator[StepView]:
    for number, step in enumerate(bound.steps):
        seen = record.steps[number] if record and number < len(record.steps) else None
        same = seen if seen is not None and seen.text == step.step.text else None
        yield _step_view(step, same, drill, name)


def _step_view(
    bound: BoundStep, seen: StepRecord | None, drill: Drill | None, name: Namer
) -> StepView:
    value, sentence = bound.value, prose(name(bound.step.text))
    if isinstance(value, Advice):
        return StepView(kind="advice", sentence=prose(_sentence(value.text)))
    if isinstance(value, Action):
        return StepView(
            kind="change",
            sentence=sentence,
            command=str(value.command),
            risk=value.risk.value,
            rollback=str(value.rollback) if value.rollback else "",
            final=value.risk is Risk.DESTROYS and value.rollback is None,
            saw=_saw(seen, drill, ""),
        )
    if isinstance(value, Probe):
        return StepView(
            kind="check",
            sentence=sentence,
            command=str(value.source.command()),
            expect=_expect(value),
            saw=_saw(seen, drill, _looked_for(value.expect)),
        )
    return StepView(kind="reinject", sentence=sentence, saw=_saw(seen, drill, ""))


def _check_view(probe: Probe) -> StepView:
    return StepView(
        kind="check", sentence="", command=str(probe.source.command()), expect=_expect(probe)
    )


def _expect(probe: Probe) -> str:
    """What to expect and where to look for it in what the command prints."""
    held = f", for {probe.throughout} on end" if probe.throughout else ""
    return prose(f"{probe.expect.describe()}{_where_to_look(probe)}{held}")


def _where_to_look(probe: Probe) -> str:
    """A source that prints more than its answer says where the answer stands: a tool its `field`,
    a query of `metric` its samples."""
    field = getattr(probe.source, "field", "")
    if field:
        return f" in the field `{field}`"
    return ", as the last number in quotes" if getattr(probe.source, "metric", "") else ""


def _looked_for(matcher: Matcher) -> str:
    """The text that a matcher searches, if it searches one: evidence is cut around it."""
    return str(getattr(matcher, "expected", ""))


_SAW: Final = {
    Verdict.PASSED: "saw",
    Verdict.FAILED: "did not see what was expected, but",
    Verdict.ERROR: "could not tell, and saw",
}


def _saw(seen: StepRecord | None, drill: Drill | None, around: str) -> str:
    """What the accepted drill saw, dated and trimmed."""
    if drill is None:
        return "Not yet drilled."
    on = f"The drill of {drill.started.date()}"
    if seen is None:
        return f"Not yet drilled in these words ({on.lower()} had others)."
    if seen.verdict not in _SAW:
        return f"{on} did not come to this step."
    outcome = f" (outcome: {prose(seen.outcome)})" if seen.outcome else ""
    said = evidence(seen.observed, around)
    return f"{on} {_SAW[seen.verdict]}{outcome}:{'' if said[0].isspace() else ' '}{said}"


def _anchor(cause_id: str) -> str:
    return f"cause-{anchor(cause_id)}"


# --------------------------------------------------------------------------- verify, drilled


def _checks(causes: Sequence[CauseView]) -> list[StepView]:
    """The checks of all remediations, each once."""
    found: dict[str, StepView] = {}
    for view in causes:
        for scenario in dict(view.phases)[Phase.REMEDIATION.value]:
            for step in scenario.steps:
                if step.kind == "check":
                    found.setdefault(step.command, step)
    return list(found.values())


def _cleared(view: CauseView) -> tuple[str, str, str, str]:
    """Cause, date, fix time, and how long after its first line the alert was silent."""
    drill = view.drill
    if drill is None:
        raise ValueError(f"{view.id}: nothing was drilled")
    times = drill.times
    silent = None if times.t8 is None or times.t6 is None else times.t8 - times.t6
    return view.name, str(drill.started.date()), seconds(times.fix_s), seconds(silent)


def _change(change: Change) -> str:
    if isinstance(change, Patch):
        return f"patches {code(str(change.target))} with {code(json.dumps(dict(change.patch)))}"
    return f"deletes the pods {code(str(change.target))}, which their controller makes anew"


def _drilled(standing: Standing, later_s: float) -> Iterator[str]:
    drill = standing.drill
    if drill is None:
        yield "Not yet drilled."
    else:
        yield from _measured(drill, later_s)
    for asked in standing.controls:
        yield _asked(asked)


def _measured(drill: Drill, later_s: float) -> Iterator[str]:
    times = drill.times
    yield (
        f"The drill of {drill.started.date()} ended as {drill.verdict}. It saw the symptom after "
        f"{seconds(times.t1)} and the alert after {seconds(times.ttd_s)}, knew the cause "
        f"{seconds(times.ttl_s)} later, and had everything back {seconds(times.ttr_s)} after the "
        "fault."
    )
    if times.ttd_s is not None and later_s:
        word = "later" if later_s > 0 else "earlier"
        yield (
            f"In production the alert waits for another time than in the drill, and comes "
            f"{seconds(abs(later_s))} {word}: expect it after {seconds(times.ttd_s + later_s)}."
        )
    overhead = times.detection_overhead_s
    if overhead is not None:
        word = "less" if overhead < 0 else "more"
        yield (
            f"From symptom to alert it took {seconds(abs(overhead))} {word} than the worst case of "
            f"{seconds(times.floor_s)} (scrape, evaluation and `for`)."
        )


def _budgets(bound: BoundCause, name: Namer) -> Iterator[str]:
    """What a drill allows: a sentence that holds too late has failed."""
    timed = [
        step.step.text
        for scenario in bound.scenarios
        for step in scenario.steps
        if isinstance(step.value, (Probe, Action)) and step.value.within is not None
    ]
    if any(isinstance(step.value, Reinject) for s in bound.scenarios for step in s.steps):
        yield (
            "In its prevention the drill takes the fault back, puts it in once more, and waits as "
            "long as the symptom took the first time."
        )
    if timed:
        yield "A drill fails when one of these is late: " + " ".join(
            prose(name(text)) for text in dict.fromkeys(timed)
        )


def _asked(asked: Asking) -> str:
    where = (
        "a healthy system"
        if asked.drill.control is Control.HEALTHY
        else f"the incident {code(asked.drill.cause)}"
    )
    said = {
        True: "HELD, which falsifies it",
        False: "did not hold, as it should",
        None: "gave no answer",
    }
    on = asked.drill.started.date()
    return f"Control of {on}: {asked.phase} asked of {where} {said[asked.held]}."


def _all_drills(bound: BoundRunbook, drills: Proofs) -> list[Drill]:
    return [
        drill
        for (runbook, _, _), ones in drills.items()
        if runbook == bound.runbook.id
        for drill in ones
    ]
