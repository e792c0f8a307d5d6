"""Who the cluster is, and whether its monitoring is the one that the checkout describes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import yaml
from kubernetes import client

from drillbook.cluster.clients import Connections, asking
from drillbook.model import Duration
from drillbook.model.errors import CouldNotTell


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A cluster by what cannot be renamed: the UID of its `kube-system` namespace."""

    uid: str
    version: str


def identity(clients: Connections) -> Identity:
    """Raises CouldNotTell when the API does not answer, UsageError without a kubeconfig."""
    timeout = clients.request_timeout
    with asking("the Kubernetes API"):
        system = clients.core.read_namespace("kube-system", _request_timeout=timeout)
        version = client.VersionApi(clients.core.api_client).get_code(_request_timeout=timeout)
        found = Identity(uid=system.metadata.uid, version=version.git_version)
    if not (found.uid and found.version):
        raise CouldNotTell("the Kubernetes API does not say which cluster it is, or its version.")
    return found


def namespace_label(clients: Connections, namespace: str, label: str) -> str | None:
    """A namespace's label; None when either is not there. Raises CouldNotTell."""
    try:
        with asking(f"the Kubernetes API about namespace {namespace}"):
            found = clients.core.read_namespace(namespace, _request_timeout=clients.request_timeout)
            labels: dict[str, str] = found.metadata.labels or {}
            return labels.get(label)
    except CouldNotTell as error:
        if status_of(error) == 404:
            return None
        raise


def is_admin(clients: Connections) -> bool:
    """Whether these credentials may do everything to everything, as cluster-admin's may."""
    attributes = {"verb": "*", "group": "*", "version": "*", "resource": "*"}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    with asking("the Kubernetes API about these credentials' rights"):
        answer = client.AuthorizationV1Api(
            clients.core.api_client
        ).create_self_subject_access_review(review, _request_timeout=clients.request_timeout)
        # The client raises when the answer has no such field: no answer is not a no.
        return bool(answer.status.allowed)


def status_of(error: BaseException) -> int | None:
    """The HTTP status behind a CouldNotTell; None when there was no answer."""
    status = getattr(error.__cause__, "status", None)
    return status if isinstance(status, int) else None


@dataclass(frozen=True, kw_only=True)
class LoadedRule:
    """An alert rule as Prometheus runs it."""

    name: str
    expr: str
    for_s: float
    evaluation_s: float


def loaded_rules(clients: Connections) -> dict[str, tuple[LoadedRule, ...]]:
    """Every alert rule that Prometheus has loaded, by name: several may share one."""
    answer = clients.prometheus("/api/v1/rules", [("type", "alert")])
    found: dict[str, tuple[LoadedRule, ...]] = {}
    with asking("Prometheus about its rules"):
        for group, rule in ((g, r) for g in answer["groups"] for r in g["rules"]):
            loaded = LoadedRule(
                name=rule["name"],
                expr=rule["query"],
                for_s=float(rule["duration"]),
                evaluation_s=float(group["interval"]),
            )
            found[loaded.name] = (*found.get(loaded.name, ()), loaded)
    return found


def scrape_interval_s(clients: Connections) -> float:
    """Prometheus' global scrape interval, in seconds."""
    answer = clients.prometheus("/api/v1/status/config", [])
    with asking("Prometheus about its scrape interval"):
        configuration: dict[str, Any] = yaml.safe_load(answer["yaml"])
        return Duration(configuration["global"]["scrape_interval"]).seconds


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
