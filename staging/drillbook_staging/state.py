"""What `up` writes down once everything is Ready, for the engine and for the next `up`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from drillbook_staging.places import Places


class Cluster(BaseModel):
    """The file `cluster.json`. It exists only while everything was Ready at least once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kubeconfig: Path
    """The administrator's: for people. Drills get `runner_kubeconfig`."""
    context: str
    cluster_uid: str
    """UID of the namespace kube-system."""
    prometheus_url: str
    alertmanager_url: str
    bin: Path
    """The folder with kubectl, promtool and amtool."""
    nodes: tuple[str, ...]
    fingerprint: str
    """Hash of all that the nodes are made of; the platform's manifests and the alert rules are not
    in it, because they are applied to a running cluster."""
    platform: str
    """`survey.platform_key` once all of it ran."""
    runner_kubeconfig: Path
    api_hosts: tuple[str, ...]
    """The API server as `host:port`, for the guard's allow-list."""
    agent_socket: Path
    """Where the host's agent listens."""


def read(places: Places) -> Cluster | None:
    """None when no cluster is up, or when the file is of another version of ours: then `up`
    starts afresh."""
    try:
        return Cluster.model_validate_json(places.cluster_json.read_text())
    except (FileNotFoundError, ValidationError):
        return None


def write(places: Places, cluster: Cluster) -> None:
    """Whole or not at all."""
    new = places.cluster_json.with_suffix(".new")
    new.write_text(cluster.model_dump_json(indent=2) + "\n")
    new.replace(places.cluster_json)
