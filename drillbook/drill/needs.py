"""Which rights a drill needs of a cluster, by identity; and whether RBAC rules grant a right.

Two kinds: what an identity holds at any time, which a cluster can be asked about before a drill;
and what it gets in the drill's namespace once that exists, by roles that can be read before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drillbook.changes.undo.stops import HALT, QUARANTINE
from drillbook.cluster.identities import SYSTEM_NAMESPACE, Identity
from drillbook.model import BoundRunbook, Cordon, NodeChange, Probe, Source
from drillbook.sources import Kube, Logs

RBAC = "rbac.authorization.k8s.io"
STOPS = (HALT, QUARANTINE)
INVERSE = {"patch": "patch", "create": "delete", "delete": "create"}
Rules = Sequence[Mapping[str, Any]]
"""The rules of a Role, as the API has them."""


@dataclass(frozen=True, kw_only=True, order=True)
class Right:
    """One thing that an identity may do."""

    identity: Identity
    verb: str
    resource: str
    """The plural."""
    group: str = ""
    namespace: str = ""
    """Empty: in all of them, or for a kind that is in none."""
    name: str = ""
    """Empty: whichever."""

    def __str__(self) -> str:
        kind = f"{self.resource}.{self.group}" if self.group else self.resource
        what = f"{kind}/{self.name}" if self.name else kind
        return f"{self.verb} {what}" + (f" in {self.namespace}" if self.namespace else "")


# --------------------------------------------------------------------------- at any time


def standing(bound: BoundRunbook, granted: Iterable[str]) -> tuple[Right, ...]:
    """What the drills of a runbook need before and beside their namespaces. `granted`: the cluster
    roles that are bound in each of them."""
    return (
        *_provisioner(granted),
        *(
            Right(identity=Identity.OBSERVER, verb="list", resource=resource)
            for resource in ("pods", "nodes")
        ),
        *_on_nodes(bound),
    )


def _provisioner(granted: Iterable[str]) -> tuple[Right, ...]:
    """The drill's owner, lease, records and namespace, made and removed; the stops, read and
    written; and the last look at what is left."""

    def rights(verbs: str, resource: str, group: str = "", **where: str) -> list[Right]:
        return [
            Right(identity=Identity.PROVISIONER, verb=v, resource=resource, group=group, **where)
            for v in verbs.split()
        ]

    system = {"namespace": SYSTEM_NAMESPACE}
    return (
        *rights("get list create delete", "namespaces"),
        *rights("create", "rolebindings", RBAC),
        *(r for name in granted for r in rights("get bind", "clusterroles", RBAC, name=name)),
        *rights("get create delete", "drills", "drillbook.dev"),
        *rights("get list create update delete", "leases", "coordination.k8s.io", **system),
        *rights("get list create patch", "undorecords", "drillbook.dev", **system),
        *rights("create", "configmaps", **system),
        *(r for stop in STOPS for r in rights("get", "configmaps", **system, name=stop)),
        *rights("patch delete", "configmaps", **system, name=QUARANTINE),
        *rights("list", "nodes"),
        *rights("list", "persistentvolumes"),
        *rights("list delete", "pods"),
    )


def _on_nodes(bound: BoundRunbook) -> list[Right]:
    """Cordoning is a patch, and so is its undo; the host's agent asks for no rights, but who it is
    to take away is looked up."""
    changes = [c for cause in bound.causes for c in cause.fault.changes]
    found = ["get"] if any(isinstance(change, NodeChange) for change in changes) else []
    if any(isinstance(change, Cordon) for change in changes):
        found.append("patch")
    return [Right(identity=Identity.NODE_INJECTOR, verb=v, resource="nodes") for v in found]


def kinds_read(bound: BoundRunbook) -> tuple[tuple[str, str], ...]:
    """(verb, kind as kubectl takes it) of every probe that reads the API itself."""
    found = [pair for probe in _probes(bound) for pair in _reads(probe.source)]
    return tuple(dict.fromkeys(found))


def _probes(bound: BoundRunbook) -> list[Probe]:
    own = [p for cause in bound.causes for p in (*cause.workload.ready, cause.fault.effect)]
    scenarios = [scenario for cause in bound.causes for scenario in cause.scenarios]
    steps = [step.value for scenario in scenarios for step in scenario.steps]
    return [*own, *(value for value in steps if isinstance(value, Probe))]


def _reads(source: Source) -> list[tuple[str, str]]:
    if isinstance(source, Kube):
        return [("get" if source.name else "list", source.kind)]
    if isinstance(source, Logs):
        return [("list", "pods"), ("get", "pods/log")]
    return []


# --------------------------------------------------------------------------- in the namespace


def lacking(rules: Rules, wanted: Rules) -> list[str]:
    """What a role does not hold of what others ask for: each verb on each kind, in words. Nobody
    can grant what he does not hold, so this is also what a drill could not hand on. Pure."""
    missing = [
        f"{verb} {resource}.{group}" if group else f"{verb} {resource}"
        for rule in wanted
        for group in rule.get("apiGroups") or [""]
        for resource in rule.get("resources") or []
        for verb in rule.get("verbs") or []
        if not covers(rules, verb, group, resource)
    ]
    return list(dict.fromkeys(missing))


def reading(verb: str, group: str, resource: str) -> dict[str, Any]:
    """What one look at a kind takes."""
    return {"apiGroups": [group], "resources": [resource], "verbs": [verb]}


def covers(rules: Rules, verb: str, group: str, resource: str) -> bool:
    """Whether rules grant a verb on every object of a kind, as RBAC reads them. Pure."""
    return any(
        not rule.get("resourceNames")
        and _has(rule.get("verbs"), verb)
        and _has(rule.get("apiGroups"), group)
        and _has(rule.get("resources"), resource)
        for rule in rules
    )


def _has(listed: Sequence[str] | None, one: str) -> bool:
    return bool({"*", one} & set(listed or ()))


def inverse(rules: Rules) -> list[dict[str, Any]]:
    """What undoing takes, where a fault's own rules say what doing takes. Pure."""
    return [
        {**rule, "verbs": [INVERSE[verb] for verb in rule["verbs"] if verb in INVERSE]}
        for rule in rules
    ]


def words(rules: Rules) -> str:
    """Rules as people read them: `get, patch configmaps`. Pure."""
    said = (
        f"{', '.join(rule['verbs'])} "
        f"{', '.join(f'{kind}.{group}' if group else kind for kind in rule['resources'])}"
        for rule in rules
        for group in rule["apiGroups"]
    )
    return "; ".join(dict.fromkeys(said))


def applied(group: str, resource: str) -> dict[str, Any]:
    """What making an object by server-side apply takes."""
    return {"apiGroups": [group], "resources": [resource], "verbs": ["create", "patch"]}
