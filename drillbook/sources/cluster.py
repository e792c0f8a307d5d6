"""Who the cluster is, and whether its monitoring is the one that the checkout describes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import yaml
from kubernetes import client

from drillbook.errors import CouldNotTell
from drillbook.model import Duration
from drillbook.sources.clients import KUBE_ERRORS, Connections, could_not_ask


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A cluster by what cannot be renamed: the UID of its `kube-system` namespace."""

    uid: str
    version: str


def identity(clients: Connections) -> Identity:
    """Raises CouldNotTell when the API does not answer, UsageError without a kubeconfig."""
    timeout = clients.request_timeout
    try:
        system = clients.core.read_namespace("kube-system", _request_timeout=timeout)
        version = client.VersionApi(clients.core.api_client).get_code(_request_timeout=timeout)
    except KUBE_ERRORS as error:
        raise could_not_ask("the Kubernetes API", error) from error
    return Identity(uid=system.metadata.uid, version=version.git_version)


@dataclass(frozen=True, kw_only=True)
class LoadedRule:
    """An alert rule as Prometheus runs it."""

    name: str
    expr: str
    for_s: float
    evaluation_s: float


def loaded_rules(clients: Connections) -> dict[str, LoadedRule]:
    """Every alert rule that Prometheus has loaded, by name."""
    groups = clients.prometheus("/api/v1/rules", [("type", "alert")])["groups"]
    return {
        rule["name"]: LoadedRule(
            name=rule["name"],
            expr=rule["query"],
            for_s=float(rule["duration"]),
            evaluation_s=float(group["interval"]),
        )
        for group in groups
        for rule in group["rules"]
    }


def scrape_interval_s(clients: Connections) -> float:
    """Prometheus' global scrape interval, in seconds."""
    text = clients.prometheus("/api/v1/status/config", [])["yaml"]
    configuration: dict[str, Any] = yaml.safe_load(text)
    try:
        return Duration(configuration["global"]["scrape_interval"]).seconds
    except (KeyError, ValueError) as error:
        raise CouldNotTell(f"Prometheus' configuration has no scrape interval: {error}.") from error


def normal_form(clients: Connections, query: str) -> str:
    """A query as Prometheus prints it, so that two spellings compare equal."""
    return str(clients.prometheus("/api/v1/format_query", [("query", query)]))


def clock_skew_s(clients: Connections) -> float:
    """Prometheus' clock minus the runner's, in seconds, by one query's middle; +- half of it."""
    begin = time.time()
    _, stamp = clients.prometheus("/api/v1/query", [("query", "time()")])["result"]
    return float(stamp) - (begin + time.time()) / 2


def alertmanager_ready(clients: Connections) -> str:
    """Alertmanager's version. Raises CouldNotTell when it does not answer."""
    return str(clients.alertmanager("/api/v2/status", [])["versionInfo"]["version"])
