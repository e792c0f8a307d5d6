"""What the monitoring of a cluster runs, in its own words."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from drillbook.book import promql
from drillbook.cluster.clients import Connections, asking


@dataclass(frozen=True, kw_only=True)
class LoadedRule:
    """An alert or recording rule as Prometheus runs it. Times are in seconds."""

    name: str
    expr: str
    labels: Mapping[str, str]
    for_s: float = 0.0
    keep_s: float = 0.0
    evaluation_s: float


def loaded_rules(clients: Connections) -> dict[str, tuple[LoadedRule, ...]]:
    """Every rule that Prometheus has loaded, by name: several may share one."""
    answer = clients.prometheus("/api/v1/rules", [])
    found: dict[str, tuple[LoadedRule, ...]] = {}
    with asking("Prometheus about its rules"):
        for group, rule in ((g, r) for g in answer["groups"] for r in g["rules"]):
            alerting = rule.get("type") != "recording"
            loaded = LoadedRule(
                name=rule["name"],
                expr=rule["query"],
                labels=rule.get("labels") or {},
                for_s=float(rule["duration"]) if alerting else 0.0,
                keep_s=float(rule.get("keepFiringFor", 0)),
                evaluation_s=float(group["interval"]),
            )
            found[loaded.name] = (*found.get(loaded.name, ()), loaded)
    return found


def scrape_interval_s(clients: Connections) -> float:
    """Prometheus' global scrape interval, in seconds."""
    answer = clients.prometheus("/api/v1/status/config", [])
    with asking("Prometheus about its scrape interval"):
        configuration: dict[str, Any] = yaml.safe_load(answer["yaml"])
        return promql.seconds(configuration["global"]["scrape_interval"])


def normal_form(clients: Connections, query: str) -> str:
    """A query as Prometheus prints it, so that two spellings compare equal."""
    return str(clients.prometheus("/api/v1/format_query", [("query", query)]))


def clock_skew_s(clients: Connections) -> float:
    """Prometheus' clock minus the runner's, in seconds, by one query's middle; +- half of it."""
    begin = time.time()
    answer = clients.prometheus("/api/v1/query", [("query", "time()")])
    with asking("Prometheus about its clock"):
        _, stamp = answer["result"]
        return float(stamp) - (begin + time.time()) / 2


def alertmanager_ready(clients: Connections) -> str:
    """Alertmanager's version. Raises CouldNotTell when it does not answer."""
    answer = clients.alertmanager("/api/v2/status", [])
    with asking("Alertmanager about its version"):
        return str(answer["versionInfo"]["version"])
