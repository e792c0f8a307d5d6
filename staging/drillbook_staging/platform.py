"""What runs on the cluster from the start: the kustomize manifests and the alert rules."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
import yaml

from drillbook.book.monitoring import reloaded, rendered_rules
from drillbook_staging import addresses, digest, engine
from drillbook_staging.cluster import Kubectl
from drillbook_staging.errors import StageFailed
from drillbook_staging.survey import WORKLOADS

NAMESPACE = "monitoring"
ENVIRONMENT = "staging"
RULES = "/etc/prometheus/rules"
PROMETHEUS = addresses.first_service_address(addresses.PROMETHEUS_PORT)
ALERTMANAGER = addresses.first_service_address(addresses.ALERTMANAGER_PORT)
ROLLED_OUT_WITHIN_S = 120
ANSWER_WITHIN_S = 90.0
REQUEST_S = 3.0


# --------------------------------------------------------------------------- applying


def apply(kubectl: Kubectl, rules: Mapping[str, str], engine_key: str) -> None:
    """Apply the rules first, so that Prometheus starts with them. Raises StageFailed."""
    manifests = kubectl.shell.places.sources / "platform"
    file = kubectl.shell.places.state / "prometheus-rules.yaml"
    file.write_text(rules_manifest(rules))
    every = kubectl.shell.places.tmp / "platform.yaml"
    every.write_text(
        engine.annotated(kubectl.output("kustomize", str(manifests / "embedded")), engine_key)
    )
    kubectl.run("apply", "-f", str(manifests / "base" / "namespace.yaml"))
    kubectl.run("apply", "-f", str(file))
    kubectl.run("apply", "-f", str(every))


def await_rollout(kubectl: Kubectl) -> None:
    """Until every workload of ours runs its newest version. Raises StageFailed."""
    for workload in WORKLOADS:
        namespace, kind, name = workload.split("/")
        status = ("--namespace", namespace, "rollout", "status", f"{kind}/{name}")
        kubectl.run(*status, f"--timeout={ROLLED_OUT_WITHIN_S}s")


# --------------------------------------------------------------------------- alert rules


def alert_rules(root: Path) -> dict[str, str]:
    """The rule files of this checkout under names that carry the hash of their content: which
    names Prometheus lists therefore says which content it runs."""
    return with_hashes(rendered_rules(root, ENVIRONMENT))


def with_hashes(rules: Mapping[str, str]) -> dict[str, str]:
    """`spark.yaml` becomes `spark-<hash>.yaml`. Pure."""
    return {
        f"{Path(name).stem}-{digest.of_text(text)[:10]}.yaml": text for name, text in rules.items()
    }


def rules_manifest(rules: Mapping[str, str]) -> str:
    """The ConfigMap that Prometheus mounts. Pure."""
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "prometheus-rules", "namespace": NAMESPACE},
        "data": dict(rules),
    }
    return yaml.safe_dump(manifest)


def await_rules(kubectl: Kubectl, rules: Mapping[str, str]) -> None:
    """Until Prometheus has loaded exactly these files. Raises StageFailed with what it has."""
    wanted = _paths(rules)
    if loaded() == wanted:
        return
    # The kubelet looks at a mounted ConfigMap about once a minute, but at once when its pod
    # changes.
    changed = f"drillbook.dev/rules={digest.of_text(*sorted(rules))}"
    pods = ("--namespace", NAMESPACE, "annotate", "pods", "--selector", "app=prometheus")
    kubectl.run(*pods, "--overwrite", changed)

    _await(
        f"Prometheus to load {sorted(wanted)}",
        lambda: _refused_reload() or loaded(),
        lambda found: found == wanted,
    )


def _paths(rules: Mapping[str, str]) -> set[str]:
    """Where Prometheus sees these files. Pure."""
    return {f"{RULES}/{name}" for name in rules}


def loaded() -> set[str] | None:
    """The rule files that Prometheus runs; None when it does not answer, and when it could not take
    what it read last: it goes on with its older rules then, and does not start again."""
    answer, metrics = _get("/api/v1/rules"), _answer("/metrics")
    if answer is None or metrics is None or not reloaded(metrics.text):
        return None
    return {group["file"] for group in answer["data"]["groups"]}


def _refused_reload() -> str:
    """What Prometheus says against what it is to load; empty: nothing."""
    answer = _session().post(f"{PROMETHEUS}/-/reload", timeout=REQUEST_S)
    return "" if answer.ok else answer.text.strip()


def _applied(kubectl: Kubectl) -> set[str]:
    """The rule files that the cluster holds for Prometheus' next start."""
    where = ("--namespace", NAMESPACE, "get", "configmap", "prometheus-rules")
    return set(json.loads(kubectl.output(*where, "--output", "jsonpath={.data}") or "{}"))


# --------------------------------------------------------------------------- answering


def await_answers(node_count: int) -> None:
    """Until Prometheus reaches everything it is to scrape and Alertmanager. Raises StageFailed."""
    # What it reached before may be a pod that was just replaced, and that it has not noticed yet.
    since = datetime.now(UTC)
    _await(
        f"Prometheus' targets to be {_wanted(node_count)}",
        lambda: targets(since),
        lambda found: _has(found, node_count),
    )
    _await("Prometheus to know one Alertmanager", _alertmanagers, lambda found: found == 1)


def works(kubectl: Kubectl, rules: Mapping[str, str], node_count: int) -> bool:
    """Whether all of that is so already: the rules applied and loaded, the targets up, Alertmanager
    known. Raises StageFailed when the cluster does not answer."""
    held = _applied(kubectl) == set(rules) and loaded() == _paths(rules)
    return held and _has(targets(), node_count) and _alertmanagers() == 1


def _wanted(node_count: int) -> dict[str, int]:
    """How many targets each job of ours must have."""
    each = ("prometheus", "kube-state-metrics", "drillbook-reaper")
    return {**dict.fromkeys(each, 1), "kubelet-containers": node_count}


def _has(found: Mapping[str, int] | None, node_count: int) -> bool:
    return all((found or {}).get(job) == count for job, count in _wanted(node_count).items())


def targets(since: datetime | None = None) -> dict[str, int] | None:
    """How many targets of each job are up, and were scraped after `since` (UTC); None when
    Prometheus does not answer."""
    answer = _get("/api/v1/targets?state=active")
    return None if answer is None else counted(answer["data"]["activeTargets"], since)


def counted(active: Sequence[Mapping[str, Any]], since: datetime | None) -> dict[str, int]:
    """By job. Pure."""
    up = [
        target["labels"]["job"]
        for target in active
        if target["health"] == "up"
        and (since is None or datetime.fromisoformat(target["lastScrape"]) > since)
    ]
    return {job: up.count(job) for job in set(up)}


def _alertmanagers() -> int | None:
    answer = _get("/api/v1/alertmanagers")
    return None if answer is None else len(answer["data"]["activeAlertmanagers"])


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a proxy of the host's cannot reach the cluster
    return session


def _get(path: str) -> Any:
    """Prometheus' answer; None when there is none yet."""
    answer = _answer(path)
    try:
        return None if answer is None else answer.json()
    except requests.RequestException:
        return None


def _answer(path: str) -> requests.Response | None:
    try:
        answer = _session().get(PROMETHEUS + path, timeout=REQUEST_S)
        return answer if answer.ok else None
    except requests.RequestException:
        return None


def _await(what: str, read: Callable[[], Any], holds: Callable[[Any], bool]) -> None:
    until = time.monotonic() + ANSWER_WITHIN_S
    while True:
        try:
            found = read()
        except requests.RequestException as error:
            found = error
        if holds(found):
            return
        if time.monotonic() > until:
            raise StageFailed(
                f"stage 'platform': waited {ANSWER_WITHIN_S:g} s for {what}; saw last: {found}. "
                f"Look at {PROMETHEUS}/targets and at the pods of the namespace {NAMESPACE}."
            )
        time.sleep(0.5)
