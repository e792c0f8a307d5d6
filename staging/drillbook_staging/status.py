"""`staging status`: how the cluster is. Reads only."""

from dataclasses import dataclass

from drillbook.model.errors import Refused
from drillbook_staging import lock, node, platform, preflight, provide, residue, state, survey
from drillbook_staging.cluster import Kubectl
from drillbook_staging.errors import StageFailed
from drillbook_staging.places import Places
from drillbook_staging.shell import Shell
from drillbook_staging.state import Cluster
from drillbook_staging.survey import Survey


@dataclass(frozen=True)
class Status:
    """What was found, and whether a drill could begin."""

    lines: tuple[str, ...]
    is_up: bool


def status(places: Places) -> Status:
    """Ask the processes, the API server and Prometheus. Raises Refused when we are not root."""
    if not preflight.is_root():
        raise Refused("`staging status` looks into the nodes, which are root's: run it with sudo.")
    known = state.read(places)
    return _of(places, known) if known else _none(residue.find(places))


def _none(left: list[str]) -> Status:
    """No cluster counts as up; what an `up` left is there, or one is at work."""
    if busy := lock.holder():
        said = f"no cluster is up: a `drillbook staging` command is at work (process {busy})"
        return Status((said,), is_up=False)
    found = f"; left behind: {', '.join(left)}" if left else ""
    return Status((f"no cluster is up{found}. Start it: drillbook staging up",), is_up=False)


def _of(places: Places, known: Cluster) -> Status:
    found = _survey(places, known)
    targets = platform.targets()
    lacks = found.lacks(known.nodes) if found else ["its API server does not answer"]
    if targets is None:
        lacks.append("Prometheus does not answer")
    alive = node.first_processes(places)
    nodes = tuple(_node(name, alive.get(name), found) for name in known.nodes)
    counts = ", ".join(f"{job} {count}" for job, count in sorted((targets or {}).items()))
    watched = f": targets up {counts}" if counts else ""
    return Status(
        (
            f"kubeconfig: {known.kubeconfig} (context {known.context})",
            *nodes,
            f"Prometheus: {known.prometheus_url}{watched}",
            f"Alertmanager: {known.alertmanager_url}",
            f"commands: {known.bin}",
            f"disk: {provide.disk(places)}",
            *(f"NOT WELL: {lack}" for lack in lacks),
        ),
        is_up=not lacks,
    )


def _survey(places: Places, known: Cluster) -> Survey | None:
    try:
        return survey.take(Kubectl(Shell(places, "status"), known.bin / "kubectl"), within_s=10)
    except StageFailed:
        return None


def _node(name: str, process: int | None, found: Survey | None) -> str:
    ready = found is not None and name in found.ready_nodes
    held = f"process {process}" if process else "its process is gone"
    return f"{name}: {held}, {'Ready' if ready else 'not Ready'}"
