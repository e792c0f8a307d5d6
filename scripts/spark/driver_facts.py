"""Reads what `diagnosis` judges: pods, events and logs of one application's driver."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kubernetes.client import CoreV1Api
from kubernetes.client.exceptions import ApiException

from scripts.cluster import NoAnswer, ask, ask_json
from scripts.spark.diagnosis import Driver, Event, Facts, Termination

CONTAINER = "spark-driver"
ROLE = "spark-role=driver"
NAME_LABEL = "app.kubernetes.io/name"
LOG_LINES = 400
LOG_BYTES = 1 << 20
READS = 3
"""How often a driver that restarts while it is read is read again."""


def read_facts(api: CoreV1Api, application: str, namespace: str, read_at: datetime) -> Facts:
    """Everything about one application. Raises NoAnswer."""
    for _ in range(READS):
        pods = list_drivers(api, namespace)
        pod = newest_of(pods, application)
        log = ended_log(api, pod) if pod else ""
        events = list_events(api, pod) if pod else {"items": []}
        # The log must be of the run whose end was read.
        if ended_run(pod) == ended_run(newest_of(list_drivers(api, namespace), application)):
            return facts_from(application, namespace, read_at, pods, events, log)
    raise NoAnswer(f"the driver of {application} restarted during each of {READS} reads.")


def list_drivers(api: CoreV1Api, namespace: str) -> Any:
    """The driver pods of every application in a namespace."""
    what = f"pods in namespace {namespace}"
    return ask_json(what, api.list_namespaced_pod, namespace, label_selector=ROLE)


def list_events(api: CoreV1Api, pod: Any) -> Any:
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    selector = f"involvedObject.name={name},type=Warning"
    what = f"events of pod {name}"
    return ask_json(what, api.list_namespaced_event, namespace, field_selector=selector)


def ended_log(api: CoreV1Api, pod: Any) -> str:
    """The end of the log of the run that ended last; empty when none did, or its log is gone."""
    status = container_of(pod)
    if not newest_end(status):
        return ""
    # While a container waits or has just ended, its own log is that of the run that ended.
    return read_log(api, pod, previous="running" in status.get("state", {}), tail_lines=LOG_LINES)


def read_log(api: CoreV1Api, pod: Any, **options: Any) -> str:
    """One log of the driver's container; empty when there is none."""
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    try:
        answer = ask(
            f"log of pod {name}",
            *(api.read_namespaced_pod_log, name, namespace),
            container=CONTAINER,
            limit_bytes=LOG_BYTES,
            _preload_content=False,
            **options,
        )
    except ApiException:
        return ""
    except NoAnswer as error:
        if isinstance(error.__cause__, ApiException) and error.__cause__.status == 400:
            return ""  # the kubelet's word for a container that has no (such) log
        raise
    return str(answer.data.decode("utf-8", "replace"))


# --------------------------------------------------------------------------- JSON -> facts, pure


def facts_from(
    application: str, namespace: str, read_at: datetime, pods: Any, events: Any, log: str
) -> Facts:
    """Facts of what `kubectl get pods,events -o json` and `kubectl logs` print."""
    pod = newest_of(pods, application)
    labels = {item["metadata"]["labels"].get(NAME_LABEL, "") for item in pods["items"]}
    return Facts(
        application=application,
        namespace=namespace,
        read_at=read_at,
        driver=driver_from(pod, log) if pod else None,
        warnings=tuple(Event(reason=e["reason"], message=e["message"]) for e in by_time(events)),
        neighbours=tuple(sorted(labels - {application, ""})),
    )


def newest_of(pods: Any, application: str) -> Any:
    """The application's newest driver pod, one that stays before one that is being deleted; None
    when there is none."""
    own = [p for p in pods["items"] if p["metadata"]["labels"].get(NAME_LABEL) == application]
    return max(own, key=_age_key, default=None)


def _age_key(pod: Any) -> tuple[bool, str]:
    metadata = pod["metadata"]
    return ("deletionTimestamp" not in metadata, metadata["creationTimestamp"])


def container_of(pod: Any) -> Any:
    """The status of the driver's container; empty before the kubelet has written one."""
    statuses = pod["status"].get("containerStatuses", [])
    return next((status for status in statuses if status["name"] == CONTAINER), {})


def newest_end(status: Any) -> Any:
    """The newest termination that a container's status tells of; empty when there is none."""
    for state in (status.get("state", {}), status.get("lastState", {})):
        if "terminated" in state:
            return state["terminated"]
    return {}


def ended_run(pod: Any) -> str:
    """What names the run that ended last; empty when none did."""
    return str(newest_end(container_of(pod)).get("containerID", "")) if pod else ""


def driver_from(pod: Any, log: str) -> Driver:
    status = container_of(pod)
    state, end = status.get("state", {}), newest_end(status)
    running = state.get("running")
    return Driver(
        pod=pod["metadata"]["name"],
        phase=pod["status"]["phase"],
        restarts=status.get("restartCount", 0),
        ready=status.get("ready", False),
        waiting=state.get("waiting", {}).get("reason", ""),
        running_since=time_of(running["startedAt"]) if running else None,
        newest=termination_from(end) if end else None,
        log=log,
        memory_limit=memory_limit(pod),
    )


def termination_from(end: Any) -> Termination:
    return Termination(
        reason=end.get("reason", ""),
        exit_code=end["exitCode"],
        finished_at=time_of(end["finishedAt"]),
    )


def memory_limit(pod: Any) -> str:
    for container in pod["spec"]["containers"]:
        if container["name"] == CONTAINER:
            return str(container.get("resources", {}).get("limits", {}).get("memory", ""))
    return ""


def by_time(events: Any) -> list[Any]:
    """Oldest first; an event is stamped in one of two fields."""
    return sorted(events["items"], key=lambda e: e.get("lastTimestamp") or e.get("eventTime") or "")


def time_of(stamp: str) -> datetime:
    """`2026-11-20T10:00:00Z` as UTC."""
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).astimezone(UTC)
