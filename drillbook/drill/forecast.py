"""What a cluster says at this moment about a drill that is planned: it is asked, never changed.

Everything that would refuse the drill is found at once; a drill itself stops at the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from drillbook.changes.faults import rights
from drillbook.changes.faults.quota import quota
from drillbook.changes.host_agent import HostAgent
from drillbook.changes.undo import lease as leases
from drillbook.changes.undo import stops
from drillbook.changes.undo.inverse import MARK
from drillbook.cluster.clients import Connections
from drillbook.cluster.connections import connections, runner
from drillbook.cluster.identities import SYSTEM_NAMESPACE, Identity
from drillbook.cluster.objects import Object, Objects
from drillbook.cluster.settings import Settings
from drillbook.drill import access, caps, guard, needs
from drillbook.drill.needs import Right
from drillbook.model import BoundCause, BoundRunbook, CutNode, KillNode, NodeChange, domains
from drillbook.model.errors import CouldNotTell, Refused
from drillbook.model.object_ref import ObjectRef

GRANTED = (rights.IN_DRILL, rights.OBSERVER, rights.RESPONDER)
PLANNED = "drill-planned"
"""Stands for the name that the drill would get."""
REMOVED = "refused: "


@dataclass(frozen=True)
class Finding:
    """One fact about the cluster."""

    about: str
    said: str
    wrong: bool = False
    """A drill would be refused for it."""


def findings(settings: Settings, bound: BoundRunbook, now: datetime) -> Iterator[Finding]:
    """One after the other, as the cluster answers; `now` is UTC. A cluster that may not be drilled
    is asked nothing more. Raises CouldNotTell when it does not answer."""
    admitted = _tried("cluster", lambda: _admitted(settings))
    yield admitted
    if admitted.wrong:
        return
    become = _tried("identities", lambda: _become(settings, bound))
    yield become
    if become.wrong:
        return
    yield from _Forecast(settings, bound, connections(settings), now).findings()


def _tried(about: str, ask: Callable[[], str]) -> Finding:
    """A refusal is what was asked for here; no answer is not."""
    try:
        return Finding(about, ask())
    except Refused as error:
        return Finding(about, str(error).removeprefix(REMOVED), wrong=True)
    except CouldNotTell as error:
        if not access.is_refusal(error.__cause__):
            raise
        return Finding(about, str(error), wrong=True)


def _admitted(settings: Settings) -> str:
    found = guard.admitted(settings, runner(settings))
    return f"UID {found.uid}, {found.version}, {found.environment}: it may be drilled"


def identities(bound: BoundRunbook) -> tuple[Identity, ...]:
    """Who acts in the drills of a runbook."""
    changes = [change for cause in bound.causes for change in cause.fault.changes]
    on_nodes = any(isinstance(change, NodeChange) for change in changes)
    return tuple(one for one in Identity if one is not Identity.NODE_INJECTOR or on_nodes)


def _become(settings: Settings, bound: BoundRunbook) -> str:
    clients = connections(settings)
    for identity in identities(bound):
        clients.acting_as(identity)
    return f"{', '.join(identities(bound))}: each with a token of its own"


@dataclass(frozen=True)
class _Forecast:
    settings: Settings
    bound: BoundRunbook
    clients: Connections
    """The observer's."""
    now: datetime

    def findings(self) -> Iterator[Finding]:
        yield from self._standing_rights()
        yield from self._rights_in_drill()
        yield _tried("reaper", self._reaper)
        yield _tried("stops", self._stops)
        yield from self._drills()
        nodes = self._as(Identity.OBSERVER).listed("v1", "Node")
        yield from self._nodes({node["metadata"]["name"]: node for node in nodes})
        yield from self._radius(len(nodes))

    def _as(self, identity: Identity) -> Objects:
        return Objects(self.clients.acting_as(identity))

    # ---------------------------------------------------------------- rights

    def _standing_rights(self) -> Iterator[Finding]:
        wanted = needs.standing(self.bound, GRANTED)
        for identity in identities(self.bound):
            own = [right for right in dict.fromkeys(wanted) if right.identity is identity]
            missing = [str(right) for right in own if not self._has(right)]
            good = f"has the {len(own)} rights that it needs beside the drill's namespace"
            yield _rights(str(identity), missing, good if own else "needs none of its own")

    def _has(self, right: Right) -> bool:
        answer = self._as(right.identity).ask(access.review(right))
        return bool(answer["status"].get("allowed"))

    def _rights_in_drill(self) -> Iterator[Finding]:
        """What the provisioner will hold in a drill's namespace, against what it makes and undoes
        there and hands on to the injector."""
        about = f"{Identity.PROVISIONER} in the drill"
        held, reads, _ = roles = [self._role(name) for name in GRANTED]
        if held is None or reads is None or None in roles:
            gone = ", ".join(n for n, role in zip(GRANTED, roles, strict=True) if role is None)
            yield Finding(about, f"no cluster role {gone}. {stops.INSTALL}", wrong=True)
            return
        wanted: list[Mapping[str, Any]] = []
        for cause in self.bound.causes:
            self.clients.values.update(cause.workload.values)
            for manifest in (quota(self.settings), *cause.workload.manifests):
                kind = access.served(self.clients, manifest["apiVersion"], manifest["kind"])
                if kind is None or not kind.namespaced:
                    said = f"{cause.cause.id}: {_misplaced(manifest, served=kind is not None)}"
                    yield Finding(about, said, wrong=True)
                    continue
                wanted.append(needs.applied(kind.group or "", kind.name))
                # Nobody grants what he does not hold: a workload's own role counts too.
                wanted.extend(manifest.get("rules") or [])
            fault = rights.injector_rules(cause.fault.changes, self.clients)
            wanted.extend((*fault, *needs.inverse(fault)))
            granted = f"will be given {needs.words(fault) or 'nothing'}"
            yield Finding(f"{Identity.INJECTOR} in {cause.cause.id}", granted)
        missing = needs.lacking(held["rules"] or [], wanted)
        yield _rights(about, missing, "will hold what it makes, undoes and hands on there")
        yield self._reading(reads)

    def _reading(self, role: Object) -> Finding:
        """What the observer may read in the drill's namespace, or everywhere, against the kinds
        that the probes name."""
        missing = []
        for verb, kind in needs.kinds_read(self.bound):
            group = self.clients.kind_of(kind.partition("/")[0]).group or ""
            lacking = needs.lacking(role["rules"] or [], [needs.reading(verb, group, kind)])
            everywhere = Right(identity=Identity.OBSERVER, verb=verb, resource=kind, group=group)
            if lacking and not self._has(everywhere):
                missing += lacking
        return _rights(f"{Identity.OBSERVER} in the drill", missing, "may read what it looks at")

    def _role(self, name: str) -> Object | None:
        ref = ObjectRef(api_version=f"{needs.RBAC}/v1", kind="ClusterRole", name=name)
        return self._as(Identity.PROVISIONER).get(ref)

    # ---------------------------------------------------------------- what may stop it

    def _reaper(self) -> str:
        objects = self._as(Identity.PROVISIONER)
        stops.refuse_without_reaper(objects, SYSTEM_NAMESPACE, self.now)
        return "alive"

    def _stops(self) -> str:
        stops.refuse_stopped(self._as(Identity.PROVISIONER), SYSTEM_NAMESPACE)
        return "no halt, no quarantine"

    def _drills(self) -> Iterator[Finding]:
        found = leases.of_drills(self._as(Identity.PROVISIONER), SYSTEM_NAMESPACE)
        ours = domains.locks(self.bound.runbook.tag("domain"), PLANNED)
        for other in found:
            yield _tried("drill", partial(_beside, other, ours))
        if not found:
            yield Finding("drills", "none is under way")

    def _nodes(self, live: Mapping[str, Object]) -> Iterator[Finding]:
        for cause in self.bound.causes:
            for word in caps.nodes(cause):
                name = self.clients.resolve(word)
                yield _node(cause, name, live.get(name))
            taken = [c for c in cause.fault.changes if isinstance(c, KillNode | CutNode)]
            if taken:
                names = [self.clients.resolve(change.node) for change in taken]
                yield _tried("host agent", partial(self._host, names))

    def _host(self, nodes: list[str]) -> str:
        path = self.settings.agent_socket
        if path is None:
            raise Refused(
                "none is set, and only one brings a node back that was killed or cut off. It "
                "exists on the embedded cluster: `drillbook staging up`."
            )
        found = HostAgent(path).hello()
        strange = [name for name in nodes if name not in found.nodes]
        if strange:
            raise Refused(f"it cannot take {', '.join(strange)} away: {', '.join(found.nodes)}")
        return f"answers at {path}, for {', '.join(found.nodes)}"

    def _radius(self, cluster_nodes: int) -> Iterator[Finding]:
        for cause in self.bound.causes:
            radius = caps.blast_radius(cause, self.settings, cluster_nodes)
            over = caps.excesses(self.settings, radius)
            about = f"blast radius of {cause.cause.id}"
            yield Finding(about, "; ".join(over) or caps.words(self.settings, radius), bool(over))


# --------------------------------------------------------------------------- in words


def _rights(about: str, missing: list[str], good: str) -> Finding:
    """Pure."""
    if missing:
        return Finding(about, f"lacks {', '.join(missing)}. {stops.INSTALL}", wrong=True)
    return Finding(about, good)


def _misplaced(manifest: Mapping[str, Any], *, served: bool) -> str:
    """Why an object cannot be part of a workload on this cluster. Pure."""
    name = f"{manifest['kind']}/{manifest['metadata']['name']}"
    if not served:
        return f"the cluster serves no {manifest['kind']} of {manifest['apiVersion']} ({name})"
    return f"{name} is not namespaced, so removing the drill's namespace would leave it"


def _beside(other: leases.Lease, ours: tuple[domains.Lock, ...]) -> str:
    """That a drill under way leaves this one alone. Raises Refused when it does not. Pure."""
    theirs = domains.from_text(other.locks or None, other.name)
    held = ", ".join(str(lock) for lock in theirs)
    said = f"{other.name} (until {other.ends:%H:%M:%S} UTC unless renewed) holds {held}"
    if domains.conflicts(ours, theirs):
        raise Refused(f"{said}: this one needs some of that")
    return f"{said}: they may run side by side"


def _node(cause: BoundCause, name: str, live: Object | None) -> Finding:
    """The node that a fault takes. Pure."""
    about = f"node of {cause.cause.id}"
    if live is None:
        return Finding(about, f"{name} is not there", wrong=True)
    metadata, spec = live["metadata"], live.get("spec") or {}
    mark = (metadata.get("annotations") or {}).get(MARK)
    conditions = (live.get("status") or {}).get("conditions") or []
    ready = next((one["status"] for one in conditions if one["type"] == "Ready"), "Unknown")
    wrong = [
        *([f"Ready is {ready}"] if ready != "True" else []),
        *(["it is cordoned"] if spec.get("unschedulable") else []),
        *([f"the drill {mark} changed it"] if mark else []),
    ]
    said = ", ".join(wrong) or "Ready"
    return Finding(about, f"{name} (UID {metadata['uid']}): {said}", wrong=bool(wrong))
