"""Prometheus' rule files and one environment's values as written, with all their problems. What can
be read is read: a rule with a problem is left out, its neighbours are not."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from drillbook.book import promql
from drillbook.book.reader import UNREADABLE
from drillbook.model import Problem, yamlfile
from drillbook.model.errors import UsageError

ALERTS: Final = "monitoring/alerts"
VALUES: Final = "monitoring/values"

_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL: Final = re.compile(r"(?!__name__$)[a-zA-Z_][a-zA-Z0-9_]*")
_GROUP: Final = ("name", "interval", "limit", "query_offset", "labels", "rules")
_RULE: Final = ("alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations")
_OF_ALERTS: Final = ("for", "keep_firing_for", "annotations")
_SECTIONS: Final = ("for", "keep_firing_for", "windows")
_WINDOW: Final = re.compile(r"(?<=[\[:])\$(\w+)|(?<=offset )\$(\w+)")
"""`[$burn]`, `[1h:$step]`, `offset $burn`: a length of time, by the environment's values."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """One alert or recording rule as it is written; what is not written is empty."""

    alert: str
    record: str
    expr: str
    keep_firing_for: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    line: int

    @property
    def windows(self) -> frozenset[str]:
        """The names of the lengths of time that its expression leaves to the environments."""
        return frozenset(found[1] or found[2] for found in _WINDOW.finditer(self.expr))


@dataclass(frozen=True, kw_only=True)
class Group:
    name: str
    interval: str
    limit: int
    query_offset: str
    labels: Mapping[str, str]
    rules: tuple[Written, ...]


@dataclass(frozen=True)
class RuleFile:
    path: Path
    shown: str
    """Relative to the checkout."""
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class RuleFiles:
    files: tuple[RuleFile, ...]
    problems: tuple[Problem, ...]
    names: frozenset[str]
    """Of every alert that somebody wrote, usable or not."""


@dataclass(frozen=True)
class Value:
    """One duration, of an alert or of the variants of it that have some labels."""

    alert: str
    """Of a window its name."""
    labels: Mapping[str, str]
    text: str
    line: int


@dataclass(frozen=True)
class Values:
    """One environment's times."""

    shown: str
    waits: tuple[Value, ...]
    keeps: tuple[Value, ...]
    windows: tuple[Value, ...]
    problems: tuple[Problem, ...]

    def wait(self, alert: str, labels: Mapping[str, str]) -> str | None:
        """How long a rule waits before it fires; None where nothing says so."""
        return _closest(self.waits, alert, labels)

    def keep(self, alert: str, labels: Mapping[str, str]) -> str | None:
        """How long it fires on; None where its own field says so."""
        return _closest(self.keeps, alert, labels)

    def filled(self, rule: Written) -> Written:
        """The rule with this environment's windows. Raises KeyError for one without a length."""
        lengths = {window.alert: window.text for window in self.windows}
        expr = _WINDOW.sub(lambda found: lengths[found[1] or found[2]], rule.expr)
        return replace(rule, expr=expr)

    @property
    def is_readable(self) -> bool:
        return all(problem.rule != UNREADABLE for problem in self.problems)


def _closest(values: Iterable[Value], alert: str, labels: Mapping[str, str]) -> str | None:
    """The value that names most of a rule's labels."""
    found = [v for v in values if v.alert == alert and v.labels.items() <= labels.items()]
    return max(found, key=lambda value: len(value.labels)).text if found else None


def bad(path: str, line: int, what: str, fix: str, rule: str = "bad-rule") -> Problem:
    return Problem(path=path, line=max(line, 1), rule=rule, what=what, fix=fix)


def read_rules(root: Path) -> RuleFiles:
    """Every rule file: Prometheus' format without `for`, or a PrometheusRule. Raises UsageError."""
    folder = root / ALERTS
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".yaml", ".yml"))
    if not paths:
        raise UsageError(f"{folder}: no *.yaml here, so no alert rule to load. Add one.")
    readers = [_RuleReader(root, path) for path in paths]
    files = tuple(RuleFile(r.path, r.shown, tuple(r.groups())) for r in readers)
    names = frozenset(name for reader in readers for name in reader.names)
    return RuleFiles(files, tuple(p for reader in readers for p in reader.problems), names)


def read_values(root: Path, environment: str) -> Values:
    """Raises UsageError for an environment that has no file."""
    path = root / VALUES / f"{environment}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in (root / VALUES).glob("*.yaml"))) or "none"
        raise UsageError(f"{path}: no such file. Environments that have values: {known}.")
    return _ValueReader(root, path).values()


@dataclass
class _Reader:
    """Reads one file and gathers what is wrong."""

    root: Path
    path: Path
    problems: list[Problem] = field(default_factory=list)

    @property
    def shown(self) -> str:
        return self.path.relative_to(self.root).as_posix()

    def say(self, line: int, what: str, fix: str = "Correct it.") -> None:
        self.problems.append(bad(self.shown, line, what, fix))

    def document(self) -> yamlfile.Lined | None:
        """None for a file that is no mapping, which is a problem."""
        found, line, what = None, 1, "it holds no mapping."
        if not self.path.resolve().is_relative_to(self.root.resolve()):
            what = f"it leads to {self.path.resolve()}, which is outside the checkout."
        else:
            try:
                found = yamlfile.read(self.path, as_text=True)
            except yamlfile.UnreadableYaml as error:
                line, what = error.line, error.what
        if isinstance(found, yamlfile.Lined):
            return found
        self.problems.append(bad(self.shown, line, what, "Correct the file.", UNREADABLE))
        return None

    def known(self, data: yamlfile.Lined, known: Iterable[str], where: str) -> None:
        for key in data:
            if key not in known:
                what = f"{where} has a field {key!r}, which is not known here."
                self.say(data.lines[key], what, f"Remove it; known are {', '.join(known)}.")

    def mapping(self, data: yamlfile.Lined, key: str, where: str) -> yamlfile.Lined:
        """A field of names and texts; empty where it is something else, which is a problem."""
        found = data.get(key)
        parts = [p for one in found.items() for p in one] if isinstance(found, dict) else [None]
        if all(isinstance(part, str) for part in parts):
            return found or yamlfile.Lined()
        if found is not None:
            self.say(data.lines[key], f"{where}: `{key}` is not made of `name: text`.")
        return yamlfile.Lined()

    def duration(self, text: Any, line: int, where: str) -> str:
        try:
            promql.seconds(str(text))
        except ValueError as error:
            self.say(line, f"{where}: {error}.")
            return "0s"
        return str(text)


class _ValueReader(_Reader):
    def values(self) -> Values:
        data = self.document() or yamlfile.Lined()
        if not self.problems and data.get("for") is None:
            self.say(1, "it has no `for`.", "Write `for:`, and `Alert: 0s` for each alert.")
        self.known(data, _SECTIONS, "the file")
        waits, keeps, windows = (tuple(self._section(data, name)) for name in _SECTIONS)
        return Values(self.shown, waits, keeps, windows, tuple(self.problems))

    def _section(self, data: yamlfile.Lined, name: str) -> Iterable[Value]:
        found = self.mapping(data, name, "the file")
        for key, text in found.items():
            line = found.lines[key]
            alert, brace, rest = key.partition("{")
            try:
                labels = promql.labels_in(f"{{{rest}") if brace else {}
            except promql.BadExpression as error:
                self.say(line, f"{name}: {key}: {error}.", f'Write `{alert}{{severity="P1"}}`.')
                alert, labels = key, {}
            yield Value(alert, labels, self.duration(text, line, f"{name}: {key}"), line)


@dataclass
class _RuleReader(_Reader):
    names: set[str] = field(default_factory=set)

    def groups(self) -> Iterable[Group]:
        if self.path.parent != self.root / ALERTS or self.path.suffix != ".yaml":
            self.say(1, f"only {ALERTS}/*.yaml is read.", "Move or rename the file.")
            return
        data = self.document()
        if data is not None and data.get("kind") == "PrometheusRule":
            data = data.get("spec")
        if data is None:
            return
        self.known(data, ("groups",), "the file")
        seen: dict[str, int] = {}
        for one in self._listed(data, "groups", "the file"):
            name = str(one.get("name") or "")
            if not name or name in seen:
                why = f"called {name!r}, as that in line {seen[name]}" if name else "without a name"
                self.say(one.line, f"a group is {why}.", "Name it, differently from the others.")
            seen.setdefault(name, one.line)
            yield self._group(one, f"the group {name!r}")

    def _group(self, data: yamlfile.Lined, where: str) -> Group:
        self.known(data, _GROUP, where)
        limit = str(data.get("limit") or 0)
        if not limit.isdecimal():
            self.say(data.lines["limit"], f"{where}: limit: {limit!r} is no whole number.")
        rules = (self._rule(one) for one in self._listed(data, "rules", where))
        return Group(
            name=str(data.get("name") or ""),
            interval=self._duration(data, "interval", where),
            limit=int(limit) if limit.isdecimal() else 0,
            query_offset=self._duration(data, "query_offset", where),
            labels=self._named(data, "labels", where),
            rules=tuple(rule for rule in rules if rule is not None),
        )

    def _rule(self, data: yamlfile.Lined) -> Written | None:
        before = len(self.problems)
        alert, record = (str(data.get(kind) or "") for kind in ("alert", "record"))
        where = f"the alert {alert}" if alert else f"the recording rule {record}"
        self.names.update({alert} - {""})
        if bool(alert) == bool(record):
            self.say(data.line, "a rule has either `alert` or `record`.")
        self.known(data, _RULE, where)
        rule = Written(
            alert=alert,
            record=record,
            expr=str(data.get("expr") or "").strip(),
            keep_firing_for=self._duration(data, "keep_firing_for", where),
            labels=self._named(data, "labels", where),
            annotations=self._named(data, "annotations", where),
            line=data.line,
        )
        try:
            promql.parsed(_WINDOW.sub("5m", rule.expr))
        except promql.BadExpression as error:
            what = f"Prometheus would not take the expression of {where}: {error}."
            self.say(data.lines.get("expr", data.line), what)
        self._alert(data, rule) if alert else self._record(data, rule)
        return rule if len(self.problems) == before else None

    def _alert(self, data: yamlfile.Lined, rule: Written) -> None:
        if "for" in data:
            what = f"the alert {rule.alert} has a `for` of its own."
            self.say(data.lines["for"], what, f"Write it in {VALUES}/<environment>.yaml only.")
        if re.search(r"[\s@]", rule.alert):
            what = (
                f"a tag ends at a blank or an @, so no runbook can name the alert {rule.alert!r}."
            )
            other = re.sub(r"[\s@]+", "-", rule.alert.strip())
            self.say(data.lines["alert"], what, f"Rename it, such as {other}.")
        if not rule.annotations.get("runbook_url", "").strip():
            what = f"the alert {rule.alert} has no annotation runbook_url."
            self.say(rule.line, what, "Name its page, such as runbooks/spark/driver-crash-loop.md.")

    def _record(self, data: yamlfile.Lined, rule: Written) -> None:
        for key in (key for key in _OF_ALERTS if key in data):
            what = f"the recording rule {rule.record} has `{key}`, which only an alert has."
            self.say(data.lines[key], what, "Remove it.")
        if rule.record and not _METRIC.fullmatch(rule.record):
            what = f"{rule.record!r} is no name of a metric: letters, digits, _ and : are."
            self.say(data.lines["record"], what, "Rename it.")

    def _listed(self, data: Any, key: str, where: str) -> list[yamlfile.Lined]:
        found = data.get(key) if isinstance(data, yamlfile.Lined) else None
        ones = [one for one in found or () if isinstance(one, yamlfile.Lined)]
        if (found is None and key == "groups") or len(ones) < len(found or ()):
            line = data.lines.get(key, data.line) if isinstance(data, yamlfile.Lined) else 1
            self.say(line, f"{where} needs `{key}` as a list of mappings.")
        return ones

    def _named(self, data: yamlfile.Lined, key: str, where: str) -> dict[str, str]:
        found = self.mapping(data, key, where)
        for name in (name for name, text in found.items() if text.count("{{") != text.count("}}")):
            self.say(found.lines[name], f"{where}: the template of {name} is not closed.")
        for name in (name for name in found if not _LABEL.fullmatch(str(name))):
            self.say(found.lines[name], f"{where}: {name!r} is no name of a label.", "Rename it.")
        return dict(found)

    def _duration(self, data: yamlfile.Lined, key: str, where: str) -> str:
        text = data.get(key)
        return "" if text is None else self.duration(text, data.lines[key], f"{where}: {key}")
