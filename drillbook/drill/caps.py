"""How much a drill may touch: its blast radius, counted before anything is asked of the cluster.

What a workload declares can be counted; what it starts by itself (executors, a custom resource's
pods) cannot. For those a ResourceQuota in the drill's namespace holds the same cap at run time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drillbook.cluster.settings import Settings
from drillbook.model import (
    Action,
    BoundCause,
    BoundRunbook,
    Create,
    Duration,
    Manifest,
    NodeChange,
    Patch,
    Probe,
    Reinject,
    Scale,
    Target,
    Word,
    resolve,
)
from drillbook.model.errors import Refused

AUTOSCALER = "HorizontalPodAutoscaler"
_COUNTS: Mapping[str, tuple[str, ...]] = {
    "Deployment": ("spec", "replicas"),
    "StatefulSet": ("spec", "replicas"),
    "ReplicaSet": ("spec", "replicas"),
    "ReplicationController": ("spec", "replicas"),
    "Job": ("spec", "parallelism"),
    "CronJob": ("spec", "jobTemplate", "spec", "parallelism"),
    AUTOSCALER: ("spec", "maxReplicas"),
}
"""Where a kind says how many pods it wants at a time; where it says nothing it means one."""


@dataclass(frozen=True, kw_only=True)
class BlastRadius:
    """What one drill touches at most, as far as it is declared."""

    pods: int
    nodes: int
    namespaces: int
    longest_s: float
    """Every budget used up: steady state, effect, each step, and the undo."""


def blast_radius(cause: BoundCause, settings: Settings, cluster_nodes: int = 1) -> BlastRadius:
    """What a drill of this cause touches at most. `cluster_nodes`: how many nodes a DaemonSet runs
    on. Raises Refused for a count that is no number."""
    return BlastRadius(
        pods=_pods(cause, cluster_nodes),
        nodes=len(nodes(cause)),
        namespaces=1,
        longest_s=_longest_s(cause, settings),
    )


def excesses(settings: Settings, radius: BlastRadius) -> list[str]:
    """What is over a cap, in words: what was asked, the cap, the setting. Pure."""
    longest = settings.duration("max_drill")
    found = (
        (radius.pods > settings.max_pods, f"{radius.pods} pods", settings.max_pods, "max_pods"),
        (
            radius.nodes > settings.max_nodes,
            f"{radius.nodes} nodes",
            settings.max_nodes,
            "max_nodes",
        ),
        (
            radius.longest_s > longest.seconds,
            f"up to {radius.longest_s:.0f} s",
            longest,
            "max_drill",
        ),
    )
    return [
        f"asks for {asked}, and `{setting}` is {cap}" for over, asked, cap, setting in found if over
    ]


def words(settings: Settings, radius: BlastRadius) -> str:
    """A blast radius beside its caps. Pure."""
    return (
        f"{radius.pods} of at most {settings.max_pods} pods, {radius.nodes} of at most "
        f"{settings.max_nodes} nodes, {radius.namespaces} namespace, "
        f"{radius.longest_s:.0f} s of at most {settings.max_drill}"
    )


def refuse_over_caps(settings: Settings, bound: BoundRunbook, cluster_nodes: int = 1) -> None:
    """Raises Refused with everything that is over a cap, in every cause."""
    found = [
        f"{bound.runbook.id} {cause.cause.id}: {words}"
        for cause in bound.causes
        for words in excesses(settings, blast_radius(cause, settings, cluster_nodes))
    ]
    if found:
        lines = "\n".join(f"  {line}" for line in found)
        raise Refused(
            f"refused: a drill would touch more than the caps allow:\n{lines}\n"
            "Make the drill smaller, or raise the cap in drillbook.toml on purpose. "
            "Nothing was changed."
        )


# --------------------------------------------------------------------------- pods


def _pods(cause: BoundCause, cluster_nodes: int) -> int:
    """At the highest: as the workload is made, as the fault leaves it, and as far as an autoscaler
    may go."""
    values = cause.workload.values
    changes = cause.fault.changes
    asked: dict[tuple[str, str], int] = {}
    made = (*cause.workload.manifests, *(c.manifest for c in changes if isinstance(c, Create)))
    for manifest in made:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        whose = _autoscaled(manifest) if kind == AUTOSCALER else (kind, name)
        patches = [
            _patch(change)
            for change in changes
            if isinstance(change, Patch | Scale) and _means(change.target, kind, name, values)
        ]
        for shape in (manifest, *patches):
            asked[whose] = max(asked.get(whose, 0), _wanted(shape, kind, cluster_nodes))
    return sum(asked.values())


def _patch(change: Patch | Scale) -> Mapping[str, Any]:
    if isinstance(change, Scale):
        return {"spec": {"replicas": change.replicas}}
    return change.patch


def _autoscaled(manifest: Manifest) -> tuple[str, str]:
    """Whose pods an autoscaler makes more."""
    found = manifest.get("spec", {}).get("scaleTargetRef", {})
    return str(found.get("kind")), str(found.get("name"))


def _wanted(shape: Mapping[str, Any], kind: str, cluster_nodes: int) -> int:
    """How many pods a manifest, or a patch of one, asks for; a patch that does not say asks for
    none more. Raises Refused for what is no number."""
    by_default = 1 if "kind" in shape else 0
    if kind in ("Pod", "DaemonSet"):
        return by_default * (cluster_nodes if kind == "DaemonSet" else 1)
    if kind not in _COUNTS:
        return 0
    found: Any = shape
    for key in _COUNTS[kind]:
        found = found.get(key) if isinstance(found, Mapping) else None
    if found is None:
        return by_default
    if not isinstance(found, int):
        path = ".".join(_COUNTS[kind])
        raise Refused(
            f"refused: {kind} {path} is {found!r}, no number: how many pods the drill touches "
            "cannot be counted. Write a number. Nothing was changed."
        )
    return found


def _means(target: Target, kind: str, name: str, values: Mapping[str, str]) -> bool:
    """Whether a change's target may be that object. One chosen by labels may be any of its kind,
    and so may a name that is known in the drill only."""
    if target.kind != kind:
        return False
    try:
        return not target.name or resolve(target.name, values) == name
    except KeyError:
        return True


# --------------------------------------------------------------------------- nodes and time


def nodes(cause: BoundCause) -> tuple[Word, ...]:
    """The nodes that the fault takes, once each, as the runbook names them."""
    taken = [change.node for change in cause.fault.changes if isinstance(change, NodeChange)]
    return tuple(dict.fromkeys(taken))


def _longest_s(cause: BoundCause, settings: Settings) -> float:
    steps = [*cause.background, *(step for one in cause.scenarios for step in one.steps)]
    around = ("steady_within", "effect_within", "undo_within")
    return sum(
        (
            *(settings.duration(field).seconds for field in around),
            *(_budget(step.value, settings).seconds for step in steps),
        )
    )


def _budget(value: object, settings: Settings) -> Duration:
    """How long a step may take; a workload and a fault have theirs in the settings."""
    if isinstance(value, Probe):
        return value.within or settings.duration("probe_within")
    if isinstance(value, Action):
        return value.within or settings.duration("action_within")
    if isinstance(value, Reinject):
        return settings.duration("effect_within")
    return Duration("0s")
