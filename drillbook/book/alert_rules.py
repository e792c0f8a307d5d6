"""Alert rules as values: what decides about an alert, how long it needs, what it carries."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from drillbook.book import promql
from drillbook.model import PROSE, BoundRunbook, BoundStep, Probe, Problem
from drillbook.model.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Cadence:
    """How often a group is evaluated, and how old the samples are that it looks at."""

    interval_s: float | None = None
    """None: as often as the server's own setting says."""
    offset_s: float = 0.0

    def worst_s(self, evaluation_s: float) -> float:
        """Seconds from a sample to the evaluation that sees it."""
        return (self.interval_s or evaluation_s) + self.offset_s


@dataclass(frozen=True, kw_only=True)
class RecordingRule:
    """A series that Prometheus makes from others."""

    name: str
    expr: str
    labels: Mapping[str, str]
    cadence: Cadence = Cadence()
    file: str
    line: int


@dataclass(frozen=True, kw_only=True)
class AlertRule:
    """One alert as an environment loads it. `annotations` are for people, `file` and `line` say
    where it stands; everything else decides when it fires."""

    name: str
    expr: str
    """PromQL, as written, without surrounding blanks."""
    for_s: float
    """Seconds that the expression must hold before the alert fires."""
    keep_s: float = 0.0
    """Seconds for which it fires on after the expression ceased to hold (`keep_firing_for`)."""
    labels: Mapping[str, str]
    """The group's and its own."""
    limit: int = 0
    cadence: Cadence = Cadence()
    records: tuple[RecordingRule, ...] = ()
    """The recording rules that it reads, and those that these read, by name."""
    variants: tuple["AlertRule", ...] = ()
    """The other rules of its name, told apart by their labels, such as severity."""
    annotations: Mapping[str, str] = field(metadata=PROSE)
    file: str
    """Relative to the checkout."""
    line: int
    """Of the rule's first key, from 1."""

    @property
    def runbook_url(self) -> str:
        return self.annotations["runbook_url"]

    @property
    def every(self) -> tuple["AlertRule", ...]:
        """Itself and its variants."""
        return (self, *self.variants)


class Rules(dict[str, AlertRule]):
    """An environment's alerts by name; of variants the first. What is wrong with the others is in
    `problems`, and to ask for one of these raises UsageError. `written` names all of them."""

    def __init__(
        self, rules: Mapping[str, AlertRule], problems: Iterable[Problem], written: frozenset[str]
    ) -> None:
        super().__init__(rules)
        self.problems, self.written = tuple(problems), written

    def __missing__(self, name: str) -> AlertRule:
        why = "".join(f"\n{problem}" for problem in self.problems)
        raise UsageError(f"no usable alert rule is named {name}.{why}")


def floor_s(rule: AlertRule, scrape_s: float, evaluation_s: float) -> float:
    """Seconds from the symptom to a firing alert at worst: the scrape that sees it, the evaluations
    after that, and the rule's `for`, of its variants the longest. Source: evaluation.md, Times."""
    waits = max(one.for_s for one in rule.every)
    return scrape_s + _evaluations_s(rule, evaluation_s) + waits


def silence_s(rule: AlertRule, scrape_s: float, evaluation_s: float) -> float:
    """Seconds from the symptom's end to silence, of the variant that fires on longest."""
    kept = max(one.keep_s for one in rule.every)
    return scrape_s + _evaluations_s(rule, evaluation_s) + kept


def _evaluations_s(rule: AlertRule, evaluation_s: float) -> float:
    """Its group's, and before it that of each other group of recording rules, in a row."""
    others = {one.cadence for one in rule.records} - {rule.cadence}
    return sum(one.worst_s(evaluation_s) for one in (rule.cadence, *others))


Records = tuple[RecordingRule, ...]
_ANY: Final = "\0"
"""A label that no expression names."""


def carries(rule: AlertRule, label: str) -> bool:
    """Whether an alert, in any of its variants, can carry a label: no where it is provably lost."""
    return any(_carries(one, label) for one in rule.every)


def labels_of(rule: AlertRule) -> frozenset[str] | None:
    """The names of all labels that an alert can carry; None where it can carry any."""
    if carries(rule, _ANY):
        return None
    records = [record for one in rule.every for record in one.records]
    ones: list[AlertRule | RecordingRule] = [*rule.every, *records]
    words = {word for one in ones for word in (*one.labels, *re.findall(r"\w+", one.expr))}
    return frozenset(word for word in words if carries(rule, word))


def _carries(rule: AlertRule | RecordingRule, label: str, known: Records = ()) -> bool:
    """`known`: the recording rules that the expression may read."""
    if label in rule.labels:
        return bool(rule.labels[label])  # an empty one takes it away
    records = rule.records if isinstance(rule, AlertRule) else known

    def recorded(metric: str, name: str) -> bool | None:
        others = tuple(one for one in records if one.name != metric)  # one may read itself
        found = [_carries(one, name, others) for one in records if one.name == metric]
        return any(found) if found else None

    return promql.carries(promql.parsed(rule.expr), label, recorded)


def never_seen(
    bound: BoundRunbook, rules: Mapping[str, AlertRule]
) -> Iterator[tuple[BoundStep, AlertRule, str]]:
    """Each step that tells an alert by a label which the alert cannot carry, with that label."""
    scenarios = (scenario for cause in bound.causes for scenario in cause.scenarios)
    for step in (step for scenario in scenarios for step in scenario.steps):
        source = step.value.source if isinstance(step.value, Probe) else None
        rule = rules.get(getattr(source, "alert", ""))
        for label, _ in getattr(source, "labels", ()):
            if rule and not carries(rule, label):
                yield step, rule, label


def list_filters(rules: Iterable[AlertRule], labels: Iterable[str]) -> tuple[str, ...]:
    """Alertmanager matchers beside the name, against an older rule's alert: `severity="P1"` where
    the rules agree, and `pod!=""` for each of `labels` that all of them can carry."""
    every = [one for rule in rules for one in rule.every]
    first, *others = [
        {(n, v) for n, v in one.labels.items() if v and "{{" not in v} for one in every
    ]
    said = dict(sorted(first.intersection(*others)))
    asked = [n for n in labels if n not in said and all(_carries(one, n) for one in every)]
    quoted = {n: v.replace("\\", "\\\\").replace('"', '\\"') for n, v in said.items()}
    return (*(f'{n}="{v}"' for n, v in quoted.items()), *(f'{n}!=""' for n in asked))
