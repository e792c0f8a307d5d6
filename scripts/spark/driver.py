"""The driver of a Spark application: its newest pod, its container's status, its log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kubernetes.client import CoreV1Api
from kubernetes.client.exceptions import ApiException

from scripts.cluster import NoAnswer, ask, ask_json

CONTAINER = "spark-driver"
ROLE = "spark-role=driver"
NAME_LABEL = "app.kubernetes.io/name"
LOG_BYTES = 1 << 20


def list_drivers(api: CoreV1Api, namespace: str) -> Any:
    """The driver pods of every application in a namespace."""
    what = f"pods in namespace {namespace}"
    return ask_json(what, api.list_namespaced_pod, namespace, label_selector=ROLE)


def read_log(api: CoreV1Api, pod: Any) -> str:
    """The log of the driver's container; empty when there is none."""
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    try:
        answer = ask(
            f"log of pod {name}",
            *(api.read_namespaced_pod_log, name, namespace),
            container=CONTAINER,
            limit_bytes=LOG_BYTES,
            _preload_content=False,
        )
    except ApiException:
        return ""
    except NoAnswer as error:
        if isinstance(error.__cause__, ApiException) and error.__cause__.status == 400:
            return ""  # the kubelet's word for a container that has no (such) log
        raise
    return str(answer.data.decode("utf-8", "replace"))


# --------------------------------------------------------------------------- pure


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


def time_of(stamp: str) -> datetime:
    """`2026-11-20T10:00:00Z` as UTC."""
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).astimezone(UTC)
