"""Rules that close the circle: alert -> page -> runbook -> alert."""

from __future__ import annotations

import re
from collections.abc import Iterator

from drillbook.book.lint.book import Book, did_you_mean, problem
from drillbook.book.monitoring import AlertRule
from drillbook.model import Problem, Runbook


def known_alerts(runbook: Runbook, book: Book) -> Iterator[Problem]:
    for tag in runbook.tags:
        if tag.name == "alert" and tag.value not in book.alerts:
            yield problem(
                runbook,
                tag.line,
                "unknown-alert",
                f"no rule under monitoring/alerts is named {tag.value!r}.",
                did_you_mean(tag.value, book.alerts, "Correct the tag, or write the rule."),
            )


def own_page(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """Whoever is paged by a runbook's alert must land on that runbook's page."""
    for rule in _rules(runbook, book):
        if rule.runbook_url != str(runbook.page):
            yield _at(
                rule,
                "runbook-url",
                f"{runbook.path} is about the alert {rule.name}, whose runbook_url is "
                f"{rule.runbook_url!r}.",
                f"Write runbook_url: {runbook.page}, or remove the @alert tag.",
            )


def namespace_label(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """An alert that a namespace drill uses must carry the drill's namespace.

    Looks for the word in the labels and in the expression's `by (...)` clauses: that the label
    reaches the alert is proven by its promtool test, and by the drill.
    """
    if not runbook.tag("domain").endswith("/namespace"):
        return
    for rule in _rules(runbook, book):
        clauses = re.findall(r"\bby\s*\(([^)]*)\)", rule.expr)
        kept = {label.strip() for clause in clauses for label in clause.split(",")}
        if "namespace" not in rule.labels and "namespace" not in kept:
            yield _at(
                rule,
                "alert-namespace",
                f"{runbook.path} drills in a namespace, but the alert {rule.name} does not say "
                "in which it fires: neither its labels nor a `by (...)` hold `namespace`.",
                "Aggregate `by (namespace, ...)`, or give the runbook a wider @domain.",
            )


def pages_of_rules(book: Book) -> Iterator[Problem]:
    """Every alert has a page. Looks at the whole book, not at one runbook."""
    for rule in book.alerts.values():
        if rule.runbook_url not in book.pages:
            yield _at(
                rule,
                "runbook-url",
                f"the alert {rule.name} leads to {rule.runbook_url!r}, which is no runbook's page.",
                did_you_mean(rule.runbook_url, book.pages, "Write its runbook under features/."),
            )


def _rules(runbook: Runbook, book: Book) -> Iterator[AlertRule]:
    return (book.alerts[name] for name in runbook.alerts if name in book.alerts)


def _at(rule: AlertRule, rule_id: str, what: str, fix: str) -> Problem:
    return Problem(path=rule.file, line=rule.line, rule=rule_id, what=what, fix=fix)


RULES = (known_alerts, own_page, namespace_label)
