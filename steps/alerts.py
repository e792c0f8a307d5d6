"""Sentences about alerts."""

from __future__ import annotations

from drillbook.book.sentences import then
from drillbook.model import Duration, Probe, Where
from drillbook.model.matchers import firing, silent
from drillbook.sources import FiringAlert


@then("the alert {string} fires within {duration}")
def alert_fires(where: Where, alert: str, budget: Duration) -> Probe:
    return Probe(source=alert_of(where, alert), expect=firing(), within=budget)


@then("the alert {string} is silent within {duration}")
def alert_is_silent(where: Where, alert: str, budget: Duration) -> Probe:
    return Probe(source=alert_of(where, alert), expect=silent(), within=budget)


def alert_of(where: Where, alert: str) -> FiringAlert:
    labels = (("namespace", where.namespace),)
    return FiringAlert(alert=alert, labels=labels, alertmanager=where.alertmanager)
