"""A small runbook that lint accepts, the sentences it is made of, and the book it stands in."""

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from cucumber_expressions.expression import CucumberExpression

from drillbook.book.alert_rules import AlertRule
from drillbook.book.bind import Binder
from drillbook.book.lint import Book
from drillbook.book.reader import parse
from drillbook.book.sentences import TYPES, Definition
from drillbook.model import (
    Action,
    Advice,
    Component,
    Duration,
    Fault,
    Key,
    Patch,
    Probe,
    Reinject,
    Target,
    Value,
    Var,
    Where,
    Word,
    command,
    name_of,
)
from drillbook.model.matchers import any_equals, firing, silent
from drillbook.sources import FiringAlert, Kube

PATH = PurePosixPath("features/shop/no-orders.feature")

TEXT = """\
@id:RB-SHOP-001 @version:1.0.0 @owner:shop @severity:P2
@alert:NoOrders @rto:10m @domain:cluster/namespace
Feature: The shop takes no orders
  Meaning: customers cannot buy.
  Impact: no money comes in.
  Escalation: call the shop's owner after ten minutes.

  Background:
    Given the shop "corner" takes orders

  @cause:no-database
  Rule: The database is gone
    Background:
      Given the database of "corner" is stopped

    @detection
    Scenario: The alert fires
      Then the alert "NoOrders" fires within 60s

    @diagnosis
    Scenario: The database has no pod
      Then the database of "corner" shows "0"

    @remediation
    Scenario: Starting it helps
      When the database of "corner" is started within 1m
      Then the alert "NoOrders" is silent within 60s
      And the database of "corner" shows "1"

    @prevention
    Scenario: It cannot be stopped again
      When the fault is injected again
      Then the database of "corner" shows "1"

  @cause:full-disk
  Rule: The disk is full
    Background:
      Given the disk of "corner" is full

    @detection
    Scenario: The alert fires for the disk
      Then the alert "NoOrders" fires within 60s

    @diagnosis
    Scenario: The disk says so
      Then the disk of "corner" shows "full"

    @remediation
    Scenario: Tidying helps
      Then a person tidies the disk of "corner"

    @prevention
    Scenario: A person buys a larger disk
      Then a person tidies the disk of "corner"
"""


def _kube(where: Where, app: Word, path: str) -> Kube:
    return Kube(
        kind="pods", selector=app, path=path, namespace=where.namespace, context=where.context
    )


def _workload(where: Where, app: str) -> Component:
    var = Var("APP")
    return Component(
        title="a shop",
        manifests=(),
        ready=(Probe(source=_kube(where, var, "{.ready}"), expect=any_equals("True")),),
        names=(name_of(app, var, command("kubectl", "get", "it")),),
    )


def _fault(part: str) -> Callable[[Where, Word], Fault]:
    def build(where: Where, app: Word) -> Fault:
        change = Patch(target=Target(api_version="v1", kind="Pod", name=app), patch={"stop": part})
        effect = Probe(source=_kube(where, app, f"{{.gone.{part}}}"), expect=any_equals("yes"))
        return Fault(title=f"no {part}", changes=(change,), effect=effect)

    return build


def _alert(expect: Any) -> Callable[[Where, str, Duration], Probe]:
    def build(where: Where, alert: str, budget: Duration) -> Probe:
        return Probe(source=FiringAlert(alert=alert), expect=expect, within=budget)

    return build


def _shows(part: str) -> Callable[[Where, Word, str], Probe]:
    def build(where: Where, app: Word, text: str) -> Probe:
        return Probe(source=_kube(where, app, f"{{.{part}}}"), expect=any_equals(text))

    return build


def _start(where: Where, app: Word, budget: Duration) -> Action:
    return Action(command=command("start", app), within=budget)


def _start_by(where: Where, app: Word, tool: Key) -> Action:
    return Action(command=command("python3", f"scripts/shop/{tool}", app))


def _advice(where: Where, app: Word) -> Advice:
    return Advice("Tidy it.")


_SENTENCES: tuple[tuple[str, str, Callable[..., Value]], ...] = (
    ("given", "the shop {string} takes orders", _workload),
    ("given", "the database of {string} is stopped", _fault("database")),
    ("given", "the disk of {string} is full", _fault("disk")),
    ("then", "the alert {string} fires within {duration}", _alert(firing())),
    ("then", "the alert {string} is silent within {duration}", _alert(silent())),
    ("then", "the database of {string} shows {string}", _shows("database")),
    ("then", "the disk of {string} shows {string}", _shows("disk")),
    ("then", "the injector says that {string} has {string}", _shows("gone.database")),
    ("then", "a person tidies the disk of {string}", _advice),
    ("when", "the database of {string} is started within {duration}", _start),
    ("when", "the database of {string} is started by {string}", _start_by),
    ("when", "the fault is injected again", Reinject),
)


def definition(
    keyword: str, pattern: str, build: Callable[..., Any], file: str = "steps/x.py", line: int = 1
) -> Definition:
    """A sentence as a step module would register it."""
    return Definition(
        keyword=keyword,
        pattern=pattern,
        build=build,
        expression=CucumberExpression(pattern, TYPES),
        file=file,
        line=line,
    )


DEFINITIONS = tuple(
    definition(*sentence, "steps/shop.py", number)
    for number, sentence in enumerate(_SENTENCES, start=1)
)


def rule(**fields: Any) -> AlertRule:
    """The alert of the example, with some fields changed."""
    given: dict[str, Any] = {
        "name": "NoOrders",
        "expr": "sum by (namespace) (rate(orders_total[1m])) == 0",
        "for_s": 30.0,
        "labels": {},
        "annotations": {"runbook_url": "runbooks/shop/no-orders.md"},
        "file": "monitoring/alerts/shop.yaml",
        "line": 3,
    }
    return AlertRule(**{**given, **fields})


def book(*texts: str, rules: tuple[AlertRule, ...] = (rule(),), **fields: Any) -> Book:
    """The book of some runbooks; the first is at PATH, the next at no-orders-2 and so on."""
    names = [PATH, *(PATH.with_stem(f"no-orders-{n}") for n in range(2, len(texts) + 1))]
    runbooks = tuple(parse(text, path) for text, path in zip(texts, names, strict=True))
    results = [Binder(DEFINITIONS).bind(runbook) for runbook in runbooks]
    given: dict[str, Any] = {
        "runbooks": runbooks,
        "bound": {str(bound.runbook.path): bound for bound, _ in results if bound},
        "bind_problems": tuple(problem for _, found in results for problem in found),
        "alerts": {one.name: one for one in rules},
        "scrape_s": 5.0,
        "evaluation_s": 5.0,
    }
    return Book(**{**given, **fields})


def edited(*changes: tuple[str, str]) -> str:
    """The example with its first occurrence of each `old` replaced. Raises when one is missing."""
    text = TEXT
    for old, new in changes:
        if old not in text:
            raise ValueError(f"the example does not hold {old!r}")
        text = text.replace(old, new, 1)
    return text
