"""Everything that refuses a drill before it changes anything, one check after the other. `drill`
stops at the first that refuses; `plan` asks all, and what a drill meets in its first seconds.
Nothing is changed: what is made is made by dry run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product

from drillbook.book.alert_rules import AlertRule
from drillbook.changes.faults import rights
from drillbook.changes.faults.kinds import Rule
from drillbook.changes.faults.namespace import ENVIRONMENT_LABEL, POD_SECURITY, fresh_name
from drillbook.changes.host_agent import HostAgent
from drillbook.changes.undo import lease as leases
from drillbook.changes.undo import stops
from drillbook.changes.undo.lease import RUN_LABEL
from drillbook.changes.undo.record import LEASE_LABEL
from drillbook.cluster.clients import Connections
from drillbook.cluster.connections import connections, runner
from drillbook.cluster.identities import SYSTEM_NAMESPACE, Identity
from drillbook.cluster.objects import Objects
from drillbook.cluster.settings import Settings
from drillbook.drill import caps, guard
from drillbook.model import (
    BoundCause,
    BoundRunbook,
    CutNode,
    KillNode,
    Manifest,
    NodeChange,
    domains,
)
from drillbook.model.clock import Clock
from drillbook.model.errors import DrillbookError, Refused
from drillbook.model.object_ref import ObjectRef

PLANNED = "planned"
"""Stands for the run that a planned drill would be of."""


@dataclass(frozen=True)
class Check:
    """One question about the cluster."""

    about: str
    ask: Callable[[], str]
    """What was found, in words. Raises Refused, or CouldNotTell, as the drill would end."""
    gate: bool = False
    """Without a yes nothing more is asked."""


@dataclass(frozen=True)
class Finding:
    """What came of a check."""

    about: str
    said: str
    error: DrillbookError | None = None
    """Why a drill would not begin, or could not be told to."""


def findings(checks: Iterator[Check]) -> Iterator[Finding]:
    """The answer to each, as it comes; what was refused is an answer like others."""
    for check in checks:
        try:
            yield Finding(check.about, check.ask())
        except DrillbookError as error:
            yield Finding(check.about, str(error).removeprefix("refused: "), error)
            if check.gate:
                return


@dataclass(frozen=True)
class Refusals:
    """The checks for the drills of some runbooks on one cluster."""

    settings: Settings
    bounds: Sequence[BoundRunbook]
    rules: Mapping[str, AlertRule]
    clock: Clock

    def of_a_run(self) -> Iterator[Check]:
        """What `drill` asks before its first drill."""
        yield Check("cluster", self._cluster, gate=True)
        yield Check("identities", self._identities, gate=True)
        yield Check("monitoring", self._monitoring)
        yield Check("blast radius", self._caps)
        yield Check("reaper", self._reaper)
        yield Check("stops", self._stops)

    def of_its_beginning(self) -> Iterator[Check]:
        """What a drill meets by itself when it begins: `plan` asks it before."""
        for bound in self.bounds:
            yield Check("other drills", partial(self._other_drills, bound))
            for cause in bound.causes:
                about = cause.cause.id
                yield Check(f"namespace of {about}", partial(self._rehearse, bound, cause))
                if caps.nodes(cause):
                    yield Check(f"nodes of {about}", partial(self._nodes, cause))

    @cached_property
    def clients(self) -> Connections:
        return connections(self.settings)

    def _as(self, identity: Identity) -> Objects:
        return Objects(self.clients.acting_as(identity))

    def _cluster(self) -> str:
        found = guard.admitted(self.settings, runner(self.settings))
        return f"UID {found.uid}, {found.version}, {found.environment}: it may be drilled"

    def _identities(self) -> str:
        """Each that acts in these drills, so that a run does not end half-way for want of one."""
        changes = [c for b in self.bounds for cause in b.causes for c in cause.fault.changes]
        on_nodes = any(isinstance(change, NodeChange) for change in changes)
        acting = [one for one in Identity if one is not Identity.NODE_INJECTOR or on_nodes]
        for identity in acting:
            self.clients.acting_as(identity)
        return f"{', '.join(acting)}: each with a token of its own"

    def _monitoring(self) -> str:
        alerts = list(dict.fromkeys(a for bound in self.bounds for a in bound.runbook.alerts))
        for bound in self.bounds:
            guard.refuse_unseen(bound, self.rules)
        guard.check_monitoring(self.settings, self.clients, self.rules, alerts)
        return f"runs {', '.join(alerts)} as monitoring/ describes"

    def _caps(self) -> str:
        for bound in self.bounds:
            caps.refuse_over_caps(self.settings, bound)
        return "within the caps"

    def _reaper(self) -> str:
        objects = self._as(Identity.PROVISIONER)
        stops.refuse_without_reaper(objects, SYSTEM_NAMESPACE, self.clock.now())
        return "alive"

    def _stops(self) -> str:
        stops.refuse_stopped(self._as(Identity.PROVISIONER), SYSTEM_NAMESPACE)
        return "no halt, no quarantine"

    def _other_drills(self, bound: BoundRunbook) -> str:
        ours = domains.locks(bound.runbook.tag("domain"), PLANNED)
        found = leases.of_drills(self._as(Identity.PROVISIONER), SYSTEM_NAMESPACE)
        beside = [_beside(one, ours) for one in found]
        return "; ".join(beside) or "none is under way"

    def _rehearse(self, bound: BoundRunbook, cause: BoundCause) -> str:
        """The Drill and its namespace by dry run, as the provisioner; what is to stand in it
        against what the cluster serves and what the provisioner will hold there: nobody can be
        asked about rights in a namespace that is not there."""
        self.clients.values.update(cause.workload.values)
        trial = self._as(Identity.PROVISIONER)
        name = fresh_name(bound.runbook.id, cause.cause.id)
        trial.rehearse(leases.drill_manifest(name, PLANNED))
        labels = {RUN_LABEL: PLANNED, LEASE_LABEL: name, **POD_SECURITY}
        metadata = {
            "name": name,
            "labels": {**labels, ENVIRONMENT_LABEL: self.settings.environment},
        }
        trial.rehearse({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        held = self._provisioner_rules()
        manifests = cause.workload.manifests
        made = [self._rule_of(manifest) for manifest in manifests]
        own = [rule for manifest in manifests for rule in manifest.get("rules") or ()]
        injected = rights.injector_rules(cause.fault.changes, self.clients)
        missing = lacking(held, [*made, *own, *injected])
        if missing:
            raise Refused(
                f"the provisioner will not hold, and so not hand on: {', '.join(missing)}. "
                f"{stops.INSTALL}"
            )
        return f"can be made, with its {len(made)} objects and the injector's rights"

    def _provisioner_rules(self) -> Sequence[Rule]:
        ref = ObjectRef(api_version=f"{rights.RBAC}/v1", kind="ClusterRole", name=rights.IN_DRILL)
        found = self._as(Identity.PROVISIONER).get(ref)
        if found is None:
            raise Refused(f"there is no cluster role {rights.IN_DRILL}. {stops.INSTALL}")
        return found["rules"] or ()

    def _rule_of(self, manifest: Manifest) -> Rule:
        """What making it by server-side apply takes. Raises CouldNotTell for what is not served."""
        kind = self.clients.resource(manifest["apiVersion"], manifest["kind"])
        if not kind.namespaced:
            name = f"{manifest['kind']}/{manifest['metadata']['name']}"
            raise Refused(
                f"{name} is not namespaced: removing the drill's namespace would leave it"
            )
        verbs = ["create", "patch"]
        return {"apiGroups": [kind.group or ""], "resources": [kind.name], "verbs": verbs}

    def _nodes(self, cause: BoundCause) -> str:
        """The nodes that a fault takes, by their UIDs, and who brings them back."""
        said = []
        for word in caps.nodes(cause):
            name = self.clients.resolve(word)
            ref = ObjectRef(api_version="v1", kind="Node", name=name)
            live = self._as(Identity.OBSERVER).get(ref)
            if live is None:
                raise Refused(f"the node {name} is not there")
            said.append(f"{name} (UID {live['metadata']['uid']})")
        taken = [c for c in cause.fault.changes if isinstance(c, KillNode | CutNode)]
        if taken:
            said.append(self._host([self.clients.resolve(change.node) for change in taken]))
        return ", ".join(said)

    def _host(self, nodes: list[str]) -> str:
        path = self.settings.agent_socket
        if path is None:
            raise Refused(
                "no host agent is set, and only one brings a node back that was killed or cut off. "
                "It exists on the embedded cluster: `drillbook staging up`."
            )
        found = HostAgent(path).hello()
        strange = [name for name in nodes if name not in found.nodes]
        if strange:
            raise Refused(f"the host agent cannot take {', '.join(strange)} away")
        return "which the host agent brings back"


def _beside(other: leases.Lease, ours: tuple[domains.Lock, ...]) -> str:
    """That a drill under way leaves this one alone. Raises Refused when it does not. Pure."""
    theirs = domains.from_text(other.locks or None, other.name)
    held = ", ".join(str(lock) for lock in theirs)
    said = f"{other.name} (until {other.ends:%H:%M:%S} UTC unless renewed) holds {held}"
    if domains.conflicts(ours, theirs):
        raise Refused(f"{said}: this one needs some of that")
    return f"{said}: they may run side by side"


def lacking(held: Sequence[Rule], wanted: Sequence[Rule]) -> list[str]:
    """Each verb on each kind that the rules of a role do not grant, in words. Pure."""

    def has(rule: Rule, key: str, one: str) -> bool:
        return bool({"*", one} & set(rule.get(key) or ()))

    whole = [one for one in held if not one.get("resourceNames")]
    keys, missing = ("apiGroups", "resources", "verbs"), []
    for rule in wanted:
        lists = (rule.get(key) or ([""] if key == "apiGroups" else []) for key in keys)
        for asked in product(*lists):
            if not any(
                all(has(one, k, v) for k, v in zip(keys, asked, strict=True)) for one in whole
            ):
                missing.append(f"{asked[2]} {asked[1]}.{asked[0]}".rstrip("."))
    return list(dict.fromkeys(missing))
