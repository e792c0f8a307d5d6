"""How much a drill may touch: its blast radius, counted before anything is asked of the cluster.
Only what is declared is counted; what a cluster makes by itself, or a patch asks for, a
ResourceQuota of the drill's namespace holds to the same cap."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drillbook.cluster.settings import Settings
from drillbook.model import (
    Action,
    BoundCause,
    BoundRunbook,
    Create,
    Manifest,
    NodeChange,
    Probe,
    Reinject,
    Scale,
    Word,
)
from drillbook.model.errors import Refused

_COUNTS: Mapping[str, tuple[str, ...]] = {
    "Pod": (),
    "DaemonSet": (),
    "Deployment": ("spec", "replicas"),
    "StatefulSet": ("spec", "replicas"),
    "ReplicaSet": ("spec", "replicas"),
    "ReplicationController": ("spec", "replicas"),
    "Job": ("spec", "parallelism"),
    "CronJob": ("spec", "jobTemplate", "spec", "parallelism"),
}
"""Where a kind says how many pods it wants at a time; where it says nothing it means one."""


@dataclass(frozen=True, kw_only=True)
class BlastRadius:
    """What one drill touches at most, as far as it is declared."""

    pods: int
    nodes: int
    longest_s: float
    """Every budget used up: steady state, effect, each step, and the undo."""


def blast_radius(cause: BoundCause, settings: Settings) -> BlastRadius:
    """What a drill of this cause touches at most. Raises Refused for a count that is no number."""
    changes = cause.fault.changes
    made = (*cause.workload.manifests, *(c.manifest for c in changes if isinstance(c, Create)))
    scaled = (change.replicas for change in changes if isinstance(change, Scale))
    return BlastRadius(
        pods=sum(declared_pods(manifest) for manifest in made) + sum(scaled),
        nodes=len(nodes(cause)),
        longest_s=_longest_s(cause, settings),
    )


def nodes(cause: BoundCause) -> tuple[Word, ...]:
    """The nodes that the fault takes, once each, as the runbook names them."""
    taken = [change.node for change in cause.fault.changes if isinstance(change, NodeChange)]
    return tuple(dict.fromkeys(taken))


def excesses(settings: Settings, radius: BlastRadius) -> list[str]:
    """What is over a cap, in words: what was asked, the cap, the setting. Pure."""
    cap_s = settings.duration("max_drill").seconds
    found = (
        (radius.pods > settings.max_pods, f"{radius.pods} pods", "max_pods"),
        (radius.nodes > settings.max_nodes, f"{radius.nodes} nodes", "max_nodes"),
        (radius.longest_s > cap_s, f"up to {radius.longest_s:.0f} s", "max_drill"),
    )
    return [
        f"asks for {asked}, and `{setting}` is {getattr(settings, setting)}"
        for over, asked, setting in found
        if over
    ]


def words(settings: Settings, radius: BlastRadius) -> str:
    """A blast radius beside its caps. Pure."""
    return (
        f"{radius.pods} of at most {settings.max_pods} pods, {radius.nodes} of at most "
        f"{settings.max_nodes} nodes, {radius.longest_s:.0f} s of at most {settings.max_drill}"
    )


def refuse_over_caps(settings: Settings, bound: BoundRunbook) -> None:
    """Raises Refused with everything that is over a cap, in every cause."""
    found = [
        f"  {bound.runbook.id} {cause.cause.id}: {words}"
        for cause in bound.causes
        for words in excesses(settings, blast_radius(cause, settings))
    ]
    if found:
        raise Refused(
            "\n".join(("refused: a drill would touch more than the caps allow:", *found))
            + "\nMake the drill smaller, or raise the cap in drillbook.toml on purpose. "
            "Nothing was changed."
        )


def declared_pods(manifest: Manifest) -> int:
    """How many pods a manifest declares. Raises Refused for what is no number."""
    kind = manifest["kind"]
    if kind not in _COUNTS:
        return 0
    found: Any = manifest if _COUNTS[kind] else 1
    for key in _COUNTS[kind]:
        found = found.get(key) if isinstance(found, Mapping) else None
    if found is not None and not isinstance(found, int):
        path = ".".join(_COUNTS[kind])
        raise Refused(
            f"refused: {kind} {path} is {found!r}, no number: how many pods the drill touches "
            "cannot be counted. Write a number. Nothing was changed."
        )
    return 1 if found is None else found


def _longest_s(cause: BoundCause, settings: Settings) -> float:
    steps = [*cause.background, *(step for one in cause.scenarios for step in one.steps)]
    around = ("steady_within", "effect_within", "undo_within")
    least = sum(settings.duration(field).seconds for field in around)
    return least + sum(budget_s(step.value, settings) for step in steps)


def budget_s(value: object, settings: Settings) -> float:
    """How long a step may take; a workload and a fault have theirs in the settings."""
    if isinstance(value, Probe):
        return (value.within or settings.duration("probe_within")).seconds
    if isinstance(value, Action):
        return (value.within or settings.duration("action_within")).seconds
    return settings.duration("effect_within").seconds if isinstance(value, Reinject) else 0.0
