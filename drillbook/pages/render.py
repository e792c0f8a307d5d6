"""A runbook with its accepted records -> the page a responder reads. Pure but for
`production_rules`, which reads the rules; no clock: what is committed depends on the tree alone.
Its words are in templates/page.md.j2. Text from records and descriptions goes through
`drillbook.evidence.markdown`."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from drillbook.book import monitoring, promql
from drillbook.book.alert_rules import AlertRule
from drillbook.book.prose import sections
from drillbook.book.rule_files import VALUES
from drillbook.evidence import templates
from drillbook.evidence.figures import seconds
from drillbook.evidence.history import shown
from drillbook.evidence.markdown import prose, sentence, visible
from drillbook.evidence.proof_state import Proofs, Standing, State, standings, worst
from drillbook.evidence.proof_words import environment
from drillbook.evidence.records import Drill
from drillbook.model import BoundRunbook, Duration, Phase, Workload
from drillbook.pages import variables
from drillbook.pages.cause_views import CauseView, StepView, cause_views, check_view
from drillbook.pages.page_words import words_of

PRODUCTION: Final = "production"
"""The environment whose `for` a page compares with the drilled one's."""


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
    causes = cause_views(bound, found, hashes, later_s, proof_days)
    return templates.fill(
        "page.md.j2",
        front=_front_matter(bound, list(found.values()), proof_days),
        runbook=runbook,
        words=words_of(runbook),
        state=worst(list(found.values())),
        about={k: prose(sentence(text)) for k, text in sections(runbook.description).items()},
        alerts=[_alert(name, rules, production) for name in runbook.alerts],
        setup=variables.setup(bound, [rules[name] for name in runbook.alerts if name in rules]),
        names=[f.var.name for name in bound.names for f in name.finds],
        causes=causes,
        checks=_checks(causes),
        cleared=[_cleared(view, view.drill) for view in causes if view.drill],
        rto=_rto(runbook.tag("rto")),
        workload=bound.causes[0].workload,
        kinds=_kinds(bound.causes[0].workload),
        ready=[check_view(probe) for probe in bound.causes[0].workload.ready],
        history=shown(_all_drills(bound, drills)),
    )


def states(bound: BoundRunbook, drills: Proofs, hashes: Mapping[str, str]) -> dict[str, str]:
    """Each cause's state of proof: verified, stale, failing or never-run."""
    return {one.cause: str(one.state) for one in standings(bound, drills, hashes)}


def production_rules(root: Path) -> dict[str, AlertRule]:
    """The rules as production loads them, by alert; empty for a checkout that has no production."""
    if not (root / VALUES / f"{PRODUCTION}.yaml").exists():
        return {}
    return monitoring.load_alerts(root, PRODUCTION)


def _front_matter(bound: BoundRunbook, found: Sequence[Standing], days: int) -> str:
    """YAML, by way of JSON: every JSON value is a YAML value, and quoting is never in doubt."""
    runbook = bound.runbook
    until = [last for one in found if (last := one.valid_until(days))]
    # A page that is not proven as it stands is not valid until any day.
    proven = worst(found) is State.VERIFIED
    fields = {
        "id": runbook.id,
        "title": visible(runbook.title),
        "alerts": list(runbook.alerts),
        "owner": runbook.tag("owner"),
        "severity": runbook.tag("severity"),
        "version": runbook.tag("version"),
        "approver": runbook.tag("approver") or None,
        "state": str(worst(found)),
        "last_drill": _last_drill([one.drill for one in found if one.drill]),
        "valid_until": str(min(until)) if proven else None,
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
        "cluster": environment(last),
        "verdict": str(last.verdict),
        "ttd_s": _tenths(last.times.ttd_s),
        "ttr_s": _tenths(last.times.ttr_s),
    }


def _tenths(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


@dataclass(frozen=True, kw_only=True)
class AlertView:
    """An alert as a page shows it: production's expression, or the drilled one without a
    production. `note` compares both."""

    name: str
    expr: str
    note: str


def _alert(
    name: str, rules: Mapping[str, AlertRule], production: Mapping[str, AlertRule]
) -> AlertView:
    rule, paged = rules.get(name), production.get(name)
    if rule is None:
        return AlertView(name=name, expr="", note="No rule of this name is known.")
    shown = rule if paged is None else paged
    note = _for_words(rule.for_s, paged)
    pairs = dict(zip(_windows(shown), _windows(rule), strict=False))
    if told := [f"{drilled} for {own}" for own, drilled in pairs.items() if own != drilled]:
        note += f" The drills look back over {' and '.join(told)}."
    return AlertView(name=name, expr=shown.expr, note=note)


def _windows(rule: AlertRule) -> list[str]:
    """The lengths of time that it and its recording rules look back over, as written."""
    expressions = (rule.expr, *(record.expr for record in rule.records))
    return [found for expr in expressions for found in promql.ranges(expr)]


def _for_words(drilled_s: float, paged: AlertRule | None) -> str:
    if paged is None or paged.for_s == drilled_s:
        return f"It fires {_once_true(drilled_s)}."
    return f"It fires {_once_true(paged.for_s)}; in the drills, {_once_true(drilled_s)}."


def _once_true(for_s: float) -> str:
    return f"when this has been true for {seconds(for_s)}" if for_s else "as soon as this is true"


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


def _kinds(workload: Workload) -> str:
    """The kinds of its objects, each once, with their number where there are several."""
    found = Counter(str(m.get("kind", "object")) for m in workload.manifests)
    return ", ".join(kind if n == 1 else f"{n} {kind}s" for kind, n in found.items())


def _checks(causes: Sequence[CauseView]) -> list[StepView]:
    """The checks of all remediations, each once."""
    found: dict[str, StepView] = {}
    for view in causes:
        for scenario in dict(view.phases)[Phase.REMEDIATION.value]:
            for step in scenario.steps:
                if step.kind == "check":
                    found.setdefault(step.command, step)
    return list(found.values())


def _cleared(view: CauseView, drill: Drill) -> str:
    """How long after the first change it was back, and the alert silent."""
    times = drill.times
    on = f"{view.name}: in the drill of {drill.started.date()}"
    if times.t6 is None:
        return f"{on} nothing was changed."
    if times.begun is not None:
        done = _after_change(times.fix_s, "it was done", "it was not done")
        return f"{on} {done}."
    missed = "the application did not come back"
    back = _after_change(times.fix_s, "the application was back", missed)
    silence = None if times.t8 is None else times.t8 - times.t6
    quiet = _after_change(silence, "the alert was silent", "the alert did not become silent")
    return f"{on} {back}, and {quiet}."


def _after_change(value: float | None, reached: str, missed: str) -> str:
    return missed if value is None else f"{reached} {seconds(value)} after the first change"


def _all_drills(bound: BoundRunbook, drills: Proofs) -> list[Drill]:
    own = (ones for (runbook, _, _), ones in drills.items() if runbook == bound.runbook.id)
    return [drill for ones in own for drill in ones]
