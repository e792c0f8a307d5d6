"""What an alert must do, as cases: `monitoring/cases/<alert>.yaml` -> tests as promtool reads them.

    every: 5s                  # the time between two samples
    shorter: {staging: 60}     # there all times of this file are so many times shorter
    incident:                  # one object that starts healthy and fails
      series: {'restarts{namespace="shop", pod="a"}': 0x3 1x3 2x60}
      labels: {namespace: shop, pod: a}      # what tells its alert from others
      value: "2"               # what {{ $value }} prints in the annotations
      silent: 15s              # a time, or several
      fires: 5m
    cases:                     # what else must and must not fire
      - {name: one restart is no loop, series: {...}, silent: [1m, 10m]}

From the incident follow, written by nobody: its healthy neighbour, the same in another namespace
and in both at once, its object gone, and the text of its annotations. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

from drillbook.book import promql
from drillbook.book.alert_rules import AlertRule
from drillbook.model import yamlfile
from drillbook.model.errors import UsageError

FOLDER: Final = "monitoring/cases"
_FILE: Final = ("every", "shorter", "incident", "cases", "equivalent")
_CASE: Final = ("name", "environment", "series", "labels", "value", "fires", "silent", "gone")
_SAMPLES: Final = re.compile(r"(_|stale|NaN|[+-]?Inf|-?[\d.]+(?:e-?\d+)?)([+-][\d.]+)?(?:x(\d+))?")
_LABELS: Final = re.compile(r"\{\{\s*\$labels\.(\w+)\s*\}\}")
_VALUE: Final = re.compile(r"\{\{[^}]*(?:\$value|\.Value)\b[^}]*\}\}")


@dataclass(frozen=True, kw_only=True)
class Case:
    """Series over time, and when the alert fires and is silent on them (seconds)."""

    name: str
    line: int
    environment: str = ""
    """Where alone it holds; empty: in every environment."""
    series: Mapping[str, str]
    """Series -> its samples, in promtool's notation."""
    alerts: tuple[Mapping[str, str], ...] = ()
    """The labels of each alert that fires, less those that the rule itself adds."""
    value: str = ""
    fires: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    gone: str = "silent"
    """What the alert does once every series has ended: `silent`, or `fires`."""


@dataclass(frozen=True, kw_only=True)
class Cases:
    alert: str
    shown: str
    every: str
    incident: Case
    others: tuple[Case, ...]
    equivalent: Mapping[str, str]
    """Mutant -> why no case can tell it from the rule."""


def read(root: Path, alert: str, environment: str) -> Cases:
    """The cases that hold in an environment, at its times. Raises UsageError for a file that is not
    there or says what is not known."""
    path = root / FOLDER / f"{alert}.yaml"
    shown = path.relative_to(root).as_posix()
    if not path.is_file():
        raise UsageError(
            f"{shown}: the alert {alert} has no cases. Write when it fires and when it is silent; "
            "`drillbook rules test --help` shows the form."
        )
    data = _known(yamlfile.read(path, as_text=True), _FILE, shown, "the file")
    others = data.get("cases") or []
    if not isinstance(data.get("incident"), yamlfile.Lined) or not isinstance(others, list):
        raise UsageError(f"{shown}: it needs `incident`, and `cases` as a list.")
    shorter = _factor(data.get("shorter"), shown, environment)
    read_case = partial(_case, shown=shown, shorter=shorter)
    incident = read_case(data["incident"], name=f"{alert} fires, and stays with its incident")
    if not (incident.fires and incident.silent):
        raise UsageError(f"{shown}:{incident.line}: the incident needs both `silent` and `fires`.")
    every = map(read_case, others)
    return Cases(
        alert=alert,
        shown=shown,
        every=_time(data.get("every", "5s"), shown, 1, shorter),
        incident=incident,
        others=tuple(case for case in every if case.environment in ("", environment)),
        equivalent=dict(data.get("equivalent") or {}),
    )


def _known(data: Any, known: tuple[str, ...], shown: str, where: str) -> yamlfile.Lined:
    if not isinstance(data, yamlfile.Lined):
        raise UsageError(f"{shown}: {where} is no mapping. It may hold {', '.join(known)}.")
    for key in data:
        if key not in known:
            what = f"{shown}:{data.lines[key]}: {where} has a field {key!r}, which is not known."
            raise UsageError(f"{what} Known are {', '.join(known)}.")
    return data


def _factor(data: Any, shown: str, environment: str) -> int:
    """How many times shorter the environment's times are."""
    if data is None:
        return 1
    if not isinstance(data, yamlfile.Lined) or not all(
        str(factor).isdecimal() and int(factor) for factor in data.values()
    ):
        raise UsageError(f"{shown}: `shorter` is a mapping such as {{staging: 60}}.")
    return int(data.get(environment, 1))


def _case(data: Any, shown: str, shorter: int, name: str = "") -> Case:
    one = _known(data, _CASE, shown, "a case")
    said = name or one.get("name")
    if not said or not isinstance(one.get("series"), dict):
        raise UsageError(f"{shown}:{one.line}: a case needs a `name` and `series`.")
    for series, text in one["series"].items():
        samples(text, f"{shown}:{one['series'].lines[series]}")
    times = {key: _times(one, key, shown, shorter) for key in ("fires", "silent")}
    if not any(times.values()):
        raise UsageError(f"{shown}:{one.line}: a case needs a time under `fires` or `silent`.")
    return Case(
        name=said,
        line=one.line,
        environment=one.get("environment", ""),
        series=dict(one["series"]),
        alerts=(dict(one.get("labels") or {}),) if times["fires"] else (),
        value=one.get("value", ""),
        gone=one.get("gone", "silent"),
        **times,
    )


def _times(one: yamlfile.Lined, key: str, shown: str, shorter: int) -> tuple[str, ...]:
    found = one.get(key) or ()
    every = (found,) if isinstance(found, str) else found
    return tuple(_time(text, shown, one.lines[key], shorter) for text in every)


def _time(text: str, shown: str, line: int, shorter: int) -> str:
    try:
        found_s = promql.seconds(text)
    except ValueError as error:
        raise UsageError(f"{shown}:{line}: {error}.") from error
    return text if shorter == 1 else f"{round(found_s * 1000 / shorter)}ms"


def samples(text: str, where: str = "") -> list[str]:
    """`0x2 _ 1+1x2` -> `0 0 0 _ 1 2 3`: one word for each sample. Raises UsageError."""
    found: list[str] = []
    for word in text.split():
        match = _SAMPLES.fullmatch(word)
        if match is None:
            raise UsageError(f"{where}: {word!r} is no sample: write 0, 0x5, 0+1x5, _ or stale.")
        first, step, times = match.groups()
        count = int(times or 0) + (first != "_" or not times)
        if step is None:
            found += [first] * count
        else:
            found += [str(Decimal(first) + n * Decimal(step)) for n in range(count)]
    return found


def generated(cases: Cases, rule: AlertRule) -> Iterator[Case]:
    """What follows from the incident."""
    reads = (rule.expr, *(record.expr for record in rule.records))
    longest_s = max(map(promql.longest_range_s, reads)) + rule.keep_s
    one, (labels,), at = cases.incident, cases.incident.alerts, cases.incident.fires[-1]
    healthy = {series: _healthy(text) for series, text in one.series.items()}
    names = {name: f"{value}-2" for name, value in labels.items() if name != "namespace"}
    if names:
        beside = {_renamed(s, labels, names): text for s, text in healthy.items()}
        yield replace(one, name="its healthy neighbour is silent", series={**one.series, **beside})
    if any(f'namespace="{labels.get("namespace")}"' in series for series in one.series):
        other = {"namespace": f"{labels['namespace']}-2"}
        there = {_renamed(s, labels, other): text for s, text in one.series.items()}
        elsewhere = {**labels, **other}
        yield replace(
            one,
            name="another namespace has the incident, this one is healthy",
            series={**healthy, **there},
            alerts=(elsewhere,),
        )
        yield replace(
            one,
            name="two namespaces have the incident",
            series={**one.series, **there},
            alerts=(labels, elsewhere),
        )
    step, end = promql.seconds(cases.every), promql.seconds(at)
    # An alert may outlive its series by the ranges that it reads and by `keep_firing_for`.
    after = f"{int(end + step + longest_s) + 1}s"
    yield replace(
        one,
        name="its object is gone",
        series={s: _cut(text, int(end // step) + 1) for s, text in one.series.items()},
        silent=() if one.gone == "fires" else (after,),
        fires=(at, after) if one.gone == "fires" else (at,),
    )


def _healthy(text: str) -> str:
    """The first sample, held; a series that begins later is not there."""
    first = samples(text)[0]
    return "_" if first == "_" else f"{first}x5000"


def _renamed(series: str, old: Mapping[str, str], new: Mapping[str, str]) -> str:
    for name, value in new.items():
        series = series.replace(f'{name}="{old[name]}"', f'{name}="{value}"')
    return series


def _cut(text: str, count: int) -> str:
    return " ".join([*samples(text)[:count], "stale"])


def promtool_tests(cases: Cases, rule: AlertRule, ones: tuple[Case, ...]) -> list[dict[str, Any]]:
    """The `tests` of a file for `promtool test rules`."""
    return [_test(case, cases.every, rule) for case in ones]


def _test(case: Case, every: str, rule: AlertRule) -> dict[str, Any]:
    asked = f'ALERTS{{alertname="{rule.name}", alertstate="firing"}}'
    fired = [{**_own(rule, labels), **labels} for labels in case.alerts]
    state = {"alertname": rule.name, "alertstate": "firing"}
    now = [{"labels": _series("ALERTS", {**state, **labels}), "value": 1} for labels in fired]
    told = [
        {"exp_labels": labels, "exp_annotations": _annotations(rule, labels, case.value)}
        for labels in fired
    ]
    expressions = [{"expr": asked, "eval_time": at, "exp_samples": now} for at in case.fires]
    expressions += [{"expr": asked, "eval_time": at, "exp_samples": []} for at in case.silent]
    test: dict[str, Any] = {
        "name": case.name,
        "interval": every,
        "input_series": [{"series": s, "values": text} for s, text in case.series.items()],
        "promql_expr_test": expressions,
    }
    if told and (case.value or not any(map(_VALUE.search, rule.annotations.values()))):
        alert = {"alertname": rule.name, "eval_time": case.fires[-1], "exp_alerts": told}
        test["alert_rule_test"] = [alert]
    return test


def _own(rule: AlertRule, labels: Mapping[str, str]) -> dict[str, str]:
    """The labels that the rule adds, of the variant that a case means."""
    own = next((r for r in rule.every if not _differ(r.labels, labels)), rule)
    return {name: _filled(text, labels, "") for name, text in own.labels.items()}


def _differ(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return any(other.get(name, text) != text for name, text in one.items())


def _annotations(rule: AlertRule, labels: Mapping[str, str], value: str) -> dict[str, str]:
    own = next((r for r in rule.every if not _differ(r.labels, labels)), rule)
    return {name: _filled(text, labels, value) for name, text in own.annotations.items()}


def _filled(text: str, labels: Mapping[str, str], value: str) -> str:
    return _VALUE.sub(value, _LABELS.sub(lambda m: labels.get(m[1], ""), text))


def _series(metric: str, labels: Mapping[str, str]) -> str:
    told = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items())
    return f"{metric}{{{', '.join(told)}}}"
