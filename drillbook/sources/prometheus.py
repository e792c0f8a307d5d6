"""Prometheus and Alertmanager: one series, one expression, one alert."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from drillbook.cluster.clients import Connections, asking
from drillbook.cluster.deadline import REQUESTS, within
from drillbook.model import (
    Absent,
    AlertState,
    Answer,
    Command,
    Duration,
    Reading,
    Var,
    Word,
    command,
    join,
    parts_of,
    shell,
)
from drillbook.model.errors import CouldNotTell, beginning

CURL: Final = ("curl", "-fsS", "--max-time", "10", "--get")
"""Only reads: a GET, which ends by itself."""
TOOL: Final = "scripts/prometheus/moment.py"
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_WINDOW = re.compile(r"[0-9]+(?:ms|s|m|h|d)")
_UNITS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_RANGE = re.compile(r"\[\s*([0-9][0-9a-z]*)\s*(:?)")
_OFFSET = re.compile(r"(?i)\boffset\s+([0-9][0-9a-z]*)")


def _check(grammar: re.Pattern[str], text: str, what: str) -> None:
    """What stands in a query beside its quotes must be a name: it could be another query."""
    if not grammar.fullmatch(text):
        raise ValueError(f"{text!r} is not {what}")


def _seconds(text: str) -> float:
    """A duration inside of an expression: `1h30m`, or a number of seconds."""
    pieces: list[tuple[str, str]] = re.findall(r"([0-9]+)(ms|[smhdwy])?", text)
    return sum(int(number) * _UNITS[unit or "s"] for number, unit in pieces)


def _asked(clients: Connections, whom: str, read: Callable[[Connections], Reading]) -> Reading:
    return within(REQUESTS * clients.request_timeout, whom, lambda: read(clients))


def _querying(prometheus: Var, query: Word) -> Command:
    address = join(prometheus, "/api/v1/query")
    return command(*CURL, address, "--data-urlencode", join("query=", query))


def _escaped(text: str) -> str:
    """A text as the inside of a PromQL string."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _escaped_literals(word: Word) -> Word:
    return join(*(p if isinstance(p, Var) else _escaped(p) for p in parts_of(word)))


@dataclass(frozen=True, kw_only=True)
class Series:
    """Answers with the newest sample of the selected series, as text, dated by its scrape. It asks
    for a range, because only a range carries the samples' own times: an instant query dates
    everything with the moment of asking. Unknown metrics are CouldNotTell."""

    metric: str
    labels: tuple[tuple[str, Word], ...]
    window: str = "1m"
    """Two scrapes and more for any usual interval, so that a page works in production too. What a
    former process exposed does not count all the same: its samples are older than the change."""
    prometheus: Var = field(default=Var("PROMETHEUS"))

    def __post_init__(self) -> None:
        _check(_METRIC, self.metric, "the name of a metric")
        _check(_WINDOW, self.window, "a range of time")
        for name, _ in self.labels:
            _check(_LABEL, name, "the name of a label")

    @property
    def query(self) -> Word:
        return self._selecting(_escaped_literals)

    def _selecting(self, quoted: Callable[[Word], Word]) -> Word:
        pairs: list[Word] = []
        for name, value in self.labels:
            pairs += [", " if pairs else "", name, '="', quoted(value), '"']
        return join(self.metric, "{", *pairs, "}[", self.window, "]")

    def command(self) -> Command:
        return _querying(self.prometheus, self.query)

    def parse(self, text: str) -> Answer:
        with asking("Prometheus"):
            return self._newest(_result(json.loads(text)["data"])).answer

    def read(self, clients: Connections) -> Reading:
        return _asked(clients, "Prometheus", self._read)

    def _read(self, clients: Connections) -> Reading:
        query = clients.resolve(self._selecting(lambda value: _escaped(clients.resolve(value))))
        answer = clients.prometheus("/api/v1/query", [("query", query)])
        with asking("Prometheus"):
            reading = self._newest(_result(answer))
        if isinstance(reading.answer, Absent):
            self._refuse_unknown(clients)
        return reading

    def _newest(self, series: list[dict[str, Any]]) -> Reading:
        samples = [(float(at), float(value)) for one in series for at, value in one["values"]]
        if not samples:
            return Reading(answer=Absent(f"no sample of {self.metric} in the last {self.window}"))
        at, value = max(samples)
        if not math.isfinite(value):
            raise CouldNotTell(f"{self.metric}: the newest sample is {value}.")
        return Reading(answer=f"{value:.15g}", dated=datetime.fromtimestamp(at, UTC))

    def _refuse_unknown(self, clients: Connections) -> None:
        known = clients.prometheus("/api/v1/label/__name__/values", [("match[]", self.metric)])
        if not isinstance(known, list) or self.metric not in known:
            raise CouldNotTell(
                f"Prometheus knows no metric named {self.metric}: nothing that exposes it was "
                "ever scraped. Check the name and the scrape configuration."
            )


@dataclass(frozen=True, kw_only=True)
class Moment(Series):
    """A series whose value is a Unix time (seconds), such as that of the last batch. The printed
    line answers in words: `last batch: 4 s ago, at 1764332000; your last change: 11 s ago`."""

    of: str
    """What happened then: `last batch`."""

    def command(self) -> Command:
        return command("python3", TOOL, self.of, self.query)

    def parse(self, text: str) -> Answer:
        if found := re.search(r" ago, at (\d+(?:\.\d+)?)", text):
            return found[1]
        if "no sample" in text:
            return Absent(text.strip())
        raise CouldNotTell(f"{TOOL} printed no moment: {beginning(text)!r}")


@dataclass(frozen=True, kw_only=True)
class Expr:
    """Answers with the value of a PromQL expression over `reads`, dated by the oldest of their
    newest samples: an instant query dates everything with the moment of asking."""

    query: Word
    reads: tuple[Series, ...]
    prometheus: Var = field(default=Var("PROMETHEUS"))

    def __post_init__(self) -> None:
        if not self.reads:
            raise ValueError("an expression without series has no date: name what it reads")

    @property
    def window(self) -> str:
        """How far it looks back at most: as the longest of its series or of its own ranges, and by
        every subquery and offset more."""
        text = shell(self.query)
        ranges = [(_seconds(found), more) for found, more in _RANGE.findall(text)]
        longest_s = max((s for s, more in ranges if not more), default=0.0)
        more_s = sum(s for s, more in ranges if more)
        more_s += sum(_seconds(found) for found in _OFFSET.findall(text))
        series_s = max(Duration(one.window).seconds for one in self.reads)
        return f"{math.ceil(1000 * (max(longest_s, series_s) + more_s))}ms"

    def command(self) -> Command:
        return _querying(self.prometheus, self._quoted(_escaped_literals))

    def _quoted(self, quoted: Callable[[Word], Word]) -> Word:
        # Its own text is PromQL; only what variables hold may be anything.
        return join(*(p if isinstance(p, str) else quoted(p) for p in parts_of(self.query)))

    def parse(self, text: str) -> Answer:
        with asking("Prometheus"):
            return _vector(json.loads(text)["data"])

    def read(self, clients: Connections) -> Reading:
        return _asked(clients, "Prometheus", self._read)

    def _read(self, clients: Connections) -> Reading:
        readings = [series._read(clients) for series in self.reads]
        dates = [one.dated for one in readings if one.dated is not None]
        if not dates:
            why = "; ".join(str(one.answer) for one in readings)
            raise CouldNotTell(f"the expression has no date: {why}")
        query = clients.resolve(self._quoted(lambda value: _escaped(clients.resolve(value))))
        answer = clients.prometheus("/api/v1/query", [("query", query)])
        with asking("Prometheus"):
            return Reading(answer=_vector(answer), dated=min(dates))


def _vector(data: Any) -> Answer:
    """The values of an instant query, blank-separated, or Absent."""
    kind, result = data["resultType"], data["result"]
    values = [result[1]] if kind == "scalar" else [one["value"][1] for one in result]
    numbers = [float(value) for value in values]
    if any(not math.isfinite(number) for number in numbers):
        raise CouldNotTell(f"the expression's value is {' '.join(values)}.")
    return " ".join(f"{n:.15g}" for n in numbers) or Absent("no series matches the expression")


def _result(data: Any) -> list[dict[str, Any]]:
    if data.get("resultType") != "matrix":
        raise CouldNotTell(f"Prometheus answered with a {data.get('resultType')}, not a range.")
    found: list[dict[str, Any]] = data["result"]
    return found


@dataclass(frozen=True, kw_only=True)
class FiringAlert:
    """Answers with the state of one alert under some labels, at Prometheus and Alertmanager."""

    alert: str
    labels: tuple[tuple[str, Word], ...] = (("namespace", Var("NAMESPACE")),)
    """What tells it from the same alert of something else."""
    alertmanager: Var = field(default=Var("ALERTMANAGER"))

    def __post_init__(self) -> None:
        if not self.labels:
            raise ValueError(f"{self.alert}: without a label it would be anybody's alert")
        for name, _ in self.labels:
            _check(_LABEL, name, "the name of a label")

    def command(self) -> Command:
        labels = (("alertname", self.alert), *self.labels)
        told = (join("filter=", name, '="', _escaped_literals(v), '"') for name, v in labels)
        filters = (word for one in told for word in ("--data-urlencode", one))
        return command(
            *(*CURL, join(self.alertmanager, "/api/v2/alerts"), *filters),
            *("--data-urlencode", "active=true", "--data-urlencode", "inhibited=false"),
            *("--data-urlencode", "silenced=false"),
        )

    def parse(self, text: str) -> Answer:
        """Alertmanager's list alone: what it lists, Prometheus sent as firing."""
        with asking("Alertmanager"):
            return _state([], json.loads(text))

    def read(self, clients: Connections) -> Reading:
        return _asked(clients, "Prometheus and Alertmanager", self._read)

    def _read(self, clients: Connections) -> Reading:
        labels = {name: clients.resolve(value) for name, value in self.labels}
        loaded = clients.prometheus("/api/v1/rules", [("type", "alert")])
        listed = clients.alertmanager(
            "/api/v2/alerts",
            [
                ("filter", f'alertname="{_escaped(self.alert)}"'),
                *(("filter", f'{name}="{_escaped(value)}"') for name, value in labels.items()),
                *(("active", "true"), ("inhibited", "false"), ("silenced", "false")),
            ],
        )
        with asking("Prometheus and Alertmanager about alerts"):
            rules = self._rules(loaded["groups"])
            every = [alert for rule in rules for alert in rule["alerts"]]
            held = [a for a in every if labels.items() <= a["labels"].items()]
            stamp = min(_stamp(rule["lastEvaluation"]) for rule in rules)
            return Reading(answer=_state(held, listed), dated=stamp)

    def _rules(self, groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The loaded rule, or its variants, which differ by their labels. Raises CouldNotTell when
        it is not loaded, loaded twice, or cannot be evaluated."""
        rules = [r for group in groups for r in group["rules"] if r["name"] == self.alert]
        if len({str(sorted(rule.get("labels", {}).items())) for rule in rules}) < len(rules):
            raise CouldNotTell(
                f"Prometheus has {len(rules)} rules named {self.alert}, and their labels do not "
                "say which of them an alert is of. Rename all but one."
            )
        if not rules:
            raise CouldNotTell(
                f"Prometheus has no rule named {self.alert}. "
                "Load monitoring/alerts (embedded cluster: `drillbook staging up`)."
            )
        for rule in rules:
            if rule["health"] == "err":
                why = rule.get("lastError", "unknown")
                raise CouldNotTell(f"the rule {self.alert} fails: {why}.")
        return rules


def _state(held: list[dict[str, Any]], listed: Any) -> AlertState:
    if not isinstance(listed, list):
        raise CouldNotTell(
            f"Alertmanager answered without a list of alerts: {beginning(str(listed))}"
        )
    states = {alert["state"] for alert in held}
    pages = (alert.get("annotations", {}).get("runbook_url", "") for alert in listed)
    return AlertState(
        firing="firing" in states or (not held and bool(listed)),
        pending="pending" in states,
        listed=bool(listed),
        pages=tuple(sorted(filter(None, set(pages)))),
    )


def _stamp(text: str) -> datetime:
    """As Go writes it: nanoseconds are cut, and `0001-01-01T00:00:00Z` is never."""
    return datetime.fromisoformat(text).astimezone(UTC)
