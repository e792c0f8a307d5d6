"""Alert rules as code: `monitoring/alerts/*.yaml` plus one environment's values. The values hold
`for:` (and `keep_firing_for:`) with a duration for each alert or variant, as `Alert{severity="P1"}:
1m`, and `windows:` with the length of time that stands for `$name` in an expression, as in
`rate(errors[$burn])`: an hour in production, a minute where drills wait for it. Nothing else of a
rule can differ between environments."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from drillbook.book import promql
from drillbook.book.alert_rules import AlertRule, Cadence, RecordingRule, Rules
from drillbook.book.rule_files import (
    ALERTS,
    VALUES,
    Group,
    RuleFiles,
    Values,
    Written,
    bad,
    read_rules,
    read_values,
)
from drillbook.model import Problem
from drillbook.model.errors import UsageError


def load_alerts(root: Path, environment: str) -> Rules:
    """Every usable alert of an environment by name, and what is wrong with the others. Raises
    UsageError for an environment without values, and where there is no rule file at all."""
    return _rules(read_rules(root), read_values(root, environment))


def problems(root: Path) -> list[Problem]:
    """Everything wrong with rules and every environment's values. Raises UsageError for none."""
    environments = sorted(path.stem for path in (root / VALUES).glob("*.yaml"))
    if not environments:
        raise UsageError(f"{root / VALUES}: no environment here. Add staging.yaml with `for:`.")
    files = read_rules(root)
    return sorted({p for e in environments for p in _rules(files, read_values(root, e)).problems})


def rendered_rules(root: Path, environment: str, pages_url: str = "") -> dict[str, str]:
    """Rule files as Prometheus loads them: file name -> text, with each alert's `for` put in, and
    `pages_url` before its page; a file without groups is none. Raises UsageError with every
    problem: a server would keep its old rules."""
    files, values = read_rules(root), read_values(root, environment)
    refuse(_rules(files, values).problems)
    groups = {f.path.name: [_group(g, values, pages_url) for g in f.groups] for f in files.files}
    style: dict[str, Any] = {"Dumper": _Dumper, "sort_keys": False, "width": 100}
    return {name: yaml.dump({"groups": ones}, **style) for name, ones in groups.items() if ones}


def refuse(found: Iterable[object]) -> None:
    """Raises UsageError with each problem on a line of its own, when there is one."""
    if texts := [str(problem) for problem in found]:
        raise UsageError("\n".join(texts))


def reloaded(metrics: str) -> bool:
    """Whether a Prometheus took its rule files when it last read them, by its own /metrics."""
    return "\nprometheus_config_last_reload_successful 1\n" in f"\n{metrics}\n"


def _rules(files: RuleFiles, values: Values) -> Rules:
    rules: dict[str, AlertRule] = {}
    wrong = [*files.problems, *values.problems, *_strangers(files, values)]
    for one in _loaded(files, values, wrong):
        first = rules.setdefault(one.name, one)
        same = next((other for other in first.every if other.labels == one.labels), None)
        if same is None:
            rules[one.name] = replace(first, variants=(*first.variants, one))
        elif same is not one:
            what = f"the alert {one.name} is there already, with the same labels, at "
            fix = "Rename one of them, or give them labels that differ, such as severity."
            wrong.append(bad(one.file, one.line, f"{what}{same.file}:{same.line}.", fix))
    return Rules(rules, sorted(set(wrong)), files.names)


def _strangers(files: RuleFiles, values: Values) -> Iterator[Problem]:
    for value in (one for one in (*values.waits, *values.keeps) if one.alert not in files.names):
        what = f"no rule in {ALERTS} defines {value.alert}."
        fix = f"Remove or rename the value; defined: {', '.join(sorted(files.names)) or 'none'}."
        yield bad(values.shown, value.line, what, fix)
    every = [rule for file in files.files for group in file.groups for rule in group.rules]
    asked = {name for rule in every for name in rule.windows}
    for window in (one for one in values.windows if one.alert not in asked):
        what = f"no expression in {ALERTS} looks back over ${window.alert}."
        yield bad(values.shown, window.line, what, "Remove or rename the window.")


def _loaded(files: RuleFiles, values: Values, wrong: list[Problem]) -> Iterator[AlertRule]:
    """Every alert that has a value; of the others, the problem goes into `wrong`."""
    every = list(_with_windows(files, values, wrong))
    records = tuple(_record(*one) for one in every if one[2].record)
    for shown, group, rule in ((s, g, r) for s, g, r in every if r.alert):
        labels = {**group.labels, **rule.labels}
        wait = values.wait(rule.alert, labels)
        if wait is None and values.is_readable:
            what = f"the alert {rule.alert} has no value in {values.shown}."
            fix = f"Add `{rule.alert}: 0s` (how long it waits before it fires) under `for`."
            wrong.append(bad(shown, rule.line, what, fix))
        elif wait is not None:
            keep = values.keep(rule.alert, labels) or rule.keep_firing_for or "0"
            yield AlertRule(
                name=rule.alert,
                expr=rule.expr,
                for_s=promql.seconds(wait),
                keep_s=promql.seconds(keep),
                labels=labels,
                limit=group.limit,
                cadence=_cadence(group),
                records=_read_by(rule.expr, records),
                annotations=rule.annotations,
                file=shown,
                line=rule.line,
            )


def _with_windows(
    files: RuleFiles, values: Values, wrong: list[Problem]
) -> Iterator[tuple[str, Group, Written]]:
    """Every rule with its file and its group; of one that lacks a window, the problem."""
    every = [(file.shown, g, rule) for file in files.files for g in file.groups for rule in g.rules]
    for shown, group, rule in every:
        try:
            yield shown, group, values.filled(rule)
        except KeyError as error:
            name = error.args[0]
            what = f"the expression looks back over ${name}, which {values.shown} does not say."
            fix = f"Write `{name}: 1m` (a length of time) under `windows` there."
            wrong.append(bad(shown, rule.line, what, fix))


def _record(shown: str, group: Group, rule: Written) -> RecordingRule:
    return RecordingRule(
        name=rule.record,
        expr=rule.expr,
        labels={**group.labels, **rule.labels},
        cadence=_cadence(group),
        file=shown,
        line=rule.line,
    )


def _cadence(group: Group) -> Cadence:
    interval = promql.seconds(group.interval) if group.interval else None
    return Cadence(interval_s=interval, offset_s=promql.seconds(group.query_offset or "0"))


def _read_by(expr: str, records: tuple[RecordingRule, ...]) -> tuple[RecordingRule, ...]:
    """Those that an expression reads, and those that these read."""
    found: dict[int, RecordingRule] = {}
    waiting = [expr]
    while waiting:
        tree = promql.parsed(waiting.pop())
        for number, one in enumerate(records):
            if number not in found and promql.reads(tree, one.name):
                found[number] = one
                waiting.append(one.expr)
    return tuple(sorted(found.values(), key=lambda one: (one.name, sorted(one.labels.items()))))


def _group(group: Group, values: Values, pages_url: str) -> dict[str, Any]:
    fields = ("name", "interval", "limit", "query_offset")
    kept = {**{key: getattr(group, key) for key in fields}, "labels": dict(group.labels)}
    rules = [_rule(group, rule, values, pages_url) for rule in group.rules]
    return {**{key: value for key, value in kept.items() if value}, "rules": rules}


def _rule(group: Group, rule: Written, values: Values, pages_url: str) -> dict[str, Any]:
    said, labels = dict(rule.annotations), {**group.labels, **rule.labels}
    if rule.alert and pages_url:
        said["runbook_url"] = absolute(said["runbook_url"], pages_url)
    kept = {
        "alert": rule.alert,
        "for": values.wait(rule.alert, labels) if rule.alert else None,
        "keep_firing_for": values.keep(rule.alert, labels) or rule.keep_firing_for,
        "record": rule.record,
        "expr": values.filled(rule).expr,
        "labels": dict(rule.labels),
        "annotations": said,
    }
    return {key: value for key, value in kept.items() if value}


def absolute(page: str, pages_url: str) -> str:
    """Where a page is read: an address stays as it is."""
    return page if "://" in page else f"{pages_url.rstrip('/')}/{page}"


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block, so that an expression stays readable."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
