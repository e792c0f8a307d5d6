"""Alert rules as code: `monitoring/alerts/*.yaml` plus one environment's values.

A rule file is Prometheus' own format without `for`; `monitoring/values/<environment>.yaml` holds
`for:` with one duration for each alert. Nothing else of a rule can differ between environments,
because there is no place to write it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from drillbook.model import PROSE, Duration, yamlfile
from drillbook.model.errors import UsageError

ALERTS = "monitoring/alerts"
VALUES = "monitoring/values"


@dataclass(frozen=True, kw_only=True)
class AlertRule:
    """One alert as an environment loads it."""

    name: str
    expr: str
    """PromQL, as written, without surrounding blanks."""
    for_s: float
    """Seconds that the expression must hold before the alert fires."""
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(metadata=PROSE)
    file: str
    """Relative to the checkout."""
    line: int
    """Of the rule's first key, from 1."""

    @property
    def runbook_url(self) -> str:
        return self.annotations["runbook_url"]


def floor_s(rule: AlertRule, scrape_s: float, evaluation_s: float) -> float:
    """Seconds from the symptom to a firing alert at worst: the scrape that sees it, the evaluation
    after that, and the rule's `for`. Source: evaluation.md, Times."""
    return scrape_s + evaluation_s + rule.for_s


def load_alerts(root: Path, environment: str) -> dict[str, AlertRule]:
    """Every alert of an environment by name. Raises UsageError for a file that is no rule file,
    a duplicate alert, one without a page, and one that only the rules or only the values name."""
    return _load(_read_rules(root), _read_values(root, environment))


def rendered_rules(root: Path, environment: str) -> dict[str, str]:
    """Rule files as Prometheus loads them: file name -> text, with each alert's `for` put in.
    Raises as `load_alerts` does."""
    files, values = _read_rules(root), _read_values(root, environment)
    _load(files, values)
    return {file.path.name: _rendered(file, values) for file in files}


# --------------------------------------------------------------------------- what is on disk


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Rule(_Strict):
    """An alert or a recording rule. There is no `for`: it comes from the values."""

    alert: str = ""
    record: str = ""
    expr: str = Field(min_length=1)
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    line: int = Field(alias="__line__")

    @model_validator(mode="before")
    @classmethod
    def _keep_line(cls, data: Any) -> Any:
        return {**data, "__line__": data.line} if isinstance(data, yamlfile.Lined) else data

    @model_validator(mode="after")
    def _check(self) -> _Rule:
        if bool(self.alert) == bool(self.record):
            raise ValueError("a rule has either `alert` or `record`")
        if self.alert and not self.annotations.get("runbook_url", "").strip():
            raise ValueError(
                f"the alert {self.alert} has no annotation runbook_url: "
                "name its page, such as runbooks/spark/driver-crash-loop.md"
            )
        return self


class _Group(_Strict):
    name: str
    interval: str | None = None
    rules: list[_Rule]


class _Groups(_Strict):
    groups: list[_Group]


class _ForValues(_Strict):
    for_: dict[str, str] = Field(alias="for")


@dataclass(frozen=True)
class _RuleFile:
    path: Path
    shown: str
    """Relative to the checkout."""
    groups: tuple[_Group, ...]

    @property
    def alerts(self) -> tuple[_Rule, ...]:
        return tuple(rule for group in self.groups for rule in group.rules if rule.alert)


@dataclass(frozen=True)
class _Values:
    shown: str
    by_alert: Mapping[str, Duration]


def _read_rules(root: Path) -> tuple[_RuleFile, ...]:
    paths = sorted((root / ALERTS).glob("*.yaml"))
    if not paths:
        raise UsageError(f"{root / ALERTS}: no *.yaml here, so no alert rule to load. Add one.")
    return tuple(_read_rule_file(root, path) for path in paths)


def _inside(root: Path, path: Path) -> Path:
    if not path.resolve().is_relative_to(root.resolve()):
        raise UsageError(
            f"{path}: leads to {path.resolve()}, which is outside the checkout {root}. "
            "Put a file in the link's place."
        )
    return path


def _read_rule_file(root: Path, path: Path) -> _RuleFile:
    groups = _validated(_Groups, path, yamlfile.read(_inside(root, path))).groups
    return _RuleFile(path, path.relative_to(root).as_posix(), tuple(groups))


def _read_values(root: Path, environment: str) -> _Values:
    path = root / VALUES / f"{environment}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in (root / VALUES).glob("*.yaml"))) or "none"
        raise UsageError(f"{path}: no such file. Environments that have values: {known}.")
    written = _validated(_ForValues, path, yamlfile.read(_inside(root, path))).for_
    durations = {alert: _duration(path, alert, text) for alert, text in written.items()}
    return _Values(path.relative_to(root).as_posix(), durations)


def _duration(path: Path, alert: str, text: str) -> Duration:
    try:
        return Duration(text)
    except ValueError as error:
        raise UsageError(f"{path}: for: {alert}: {error}.") from error


_Model = TypeVar("_Model", bound=BaseModel)


def _validated(model: type[_Model], path: Path, data: Any) -> _Model:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = "; ".join(_problem(detail) for detail in error.errors())
        raise UsageError(f"{path}: {problems}.") from error


def _problem(detail: Any) -> str:
    """One of pydantic's complaints, with the way to it."""
    place = ".".join(str(part) for part in detail["loc"])
    if detail["loc"][-1:] == ("for",) and detail["type"] == "extra_forbidden":
        return f"{place}: `for` is written in {VALUES}/<environment>.yaml only"
    return f"{place}: {detail['msg']}" if place else str(detail["msg"])


# --------------------------------------------------------------------------- rules and values


def _load(files: tuple[_RuleFile, ...], values: _Values) -> dict[str, AlertRule]:
    alerts: dict[str, AlertRule] = {}
    for file in files:
        for rule in file.alerts:
            loaded = _loaded(file, rule, values)
            if rule.alert in alerts:
                first = alerts[rule.alert]
                raise UsageError(
                    f"{file.shown}:{rule.line}: the alert {rule.alert} is there already, at "
                    f"{first.file}:{first.line}. Rename one of them."
                )
            alerts[rule.alert] = loaded
    _refuse_strangers(values, alerts)
    return alerts


def _loaded(file: _RuleFile, rule: _Rule, values: _Values) -> AlertRule:
    if rule.alert not in values.by_alert:
        raise UsageError(
            f"{file.shown}:{rule.line}: the alert {rule.alert} has no value in {values.shown}. "
            f"Add `{rule.alert}: 0s` (how long it waits before it fires) under `for`."
        )
    return AlertRule(
        name=rule.alert,
        expr=rule.expr.strip(),
        for_s=values.by_alert[rule.alert].seconds,
        labels=rule.labels,
        annotations=rule.annotations,
        file=file.shown,
        line=rule.line,
    )


def _refuse_strangers(values: _Values, alerts: Mapping[str, AlertRule]) -> None:
    strangers = sorted(set(values.by_alert) - set(alerts))
    if strangers:
        raise UsageError(
            f"{values.shown}: for: no rule in {ALERTS} defines {', '.join(strangers)}. "
            f"Defined: {', '.join(sorted(alerts)) or 'none'}. Remove or rename the value."
        )


# --------------------------------------------------------------------------- Prometheus' own form


def _rendered(file: _RuleFile, values: _Values) -> str:
    groups = [_group(group, values) for group in file.groups]
    return yaml.dump({"groups": groups}, Dumper=_Dumper, sort_keys=False, width=100)


def _group(group: _Group, values: _Values) -> dict[str, Any]:
    kept = group.model_dump(exclude_none=True, exclude={"rules"})
    return {**kept, "rules": [_rule(rule, values) for rule in group.rules]}


def _rule(rule: _Rule, values: _Values) -> dict[str, Any]:
    kept = rule.model_dump(exclude={"line"}, exclude_defaults=True)
    if not rule.alert:
        return kept
    return {"alert": rule.alert, "for": str(values.by_alert[rule.alert]), **kept}


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block, so that an expression stays readable."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
