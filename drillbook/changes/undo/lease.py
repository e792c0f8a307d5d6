"""A drill's lease: who holds it, until when, and who took it over. Who finds it expired (reaper,
`drillbook undo`) takes it over, which raises its fence (`leaseTransitions`). Times are UTC by the
writer's clock; clocks must agree (`MAX_SKEW_S`)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from drillbook.changes.undo.killpoints import writes
from drillbook.changes.undo.record import API_VERSION, LEASE_LABEL, Verb, moment, stamp
from drillbook.cluster.objects import Conflict, Object, Objects
from drillbook.model.errors import CouldNotTell
from drillbook.model.object_ref import ObjectRef

LEASE_API = "coordination.k8s.io/v1"
RUN_LABEL = "drillbook.dev/run"
"""On a drill's namespace, lease and owner: the run."""
LOCKS = "drillbook.dev/locks"
VERBS = "drillbook.dev/verbs"
DEADLINE = "drillbook.dev/deadline"
ACKNOWLEDGED = "drillbook.dev/acknowledged"
DECLINED = "drillbook.dev/declined"
KEPT = "drillbook.dev/kept"
REAPER = "reaper"
"""The name of the reaper's own lease: its sign of life."""
MAX_SKEW_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A lease as the API has it, read once."""

    body: Object
    name: str
    uid: str
    version: str
    run: str
    holder: str
    fence: int
    skew_s: float
    """The server's clock minus the holder's, as the lease was made; +- 1 s."""
    renewed: datetime
    duration_s: float
    deadline: datetime | None
    locks: str
    verbs: tuple[Verb, ...]
    acknowledged: str
    declined: str
    kept: bool

    def expired(self, now: datetime) -> bool:
        """Whether nobody holds it any more: not renewed in time, or past the drill's deadline."""
        return now > self.ends

    @property
    def age(self) -> tuple[str, str]:
        """Sorts the elder first: when the server made it, in whole seconds, then its name."""
        return str(self.body["metadata"].get("creationTimestamp", "")), self.name

    @property
    def ends(self) -> datetime:
        """UTC."""
        end = self.renewed + timedelta(seconds=self.duration_s)
        # What is kept on purpose has its own end, past the drill's deadline.
        return end if self.kept or self.deadline is None else min(end, self.deadline)


def ref(name: str, namespace: str, uid: str = "") -> ObjectRef:
    return ObjectRef(api_version=LEASE_API, kind="Lease", name=name, namespace=namespace, uid=uid)


def from_object(found: Object) -> Lease:
    """Raises CouldNotTell for a lease that is not as a drill writes it."""
    try:
        metadata, spec = found["metadata"], found["spec"]
        notes: Mapping[str, str] = metadata.get("annotations") or {}
        return Lease(
            body=found,
            name=metadata["name"],
            uid=metadata["uid"],
            version=metadata["resourceVersion"],
            run=(metadata.get("labels") or {}).get(RUN_LABEL, ""),
            holder=spec.get("holderIdentity") or "",
            fence=spec.get("leaseTransitions") or 0,
            skew_s=_skew_s(metadata, spec),
            renewed=moment(spec["renewTime"]),
            duration_s=float(spec["leaseDurationSeconds"]),
            deadline=moment(notes[DEADLINE]) if DEADLINE in notes else None,
            locks=notes.get(LOCKS, ""),
            verbs=tuple(Verb(one) for one in json.loads(notes.get(VERBS, "[]"))),
            acknowledged=notes.get(ACKNOWLEDGED, ""),
            declined=notes.get(DECLINED, ""),
            kept=KEPT in notes,
        )
    except (LookupError, TypeError, ValueError) as error:
        name = (found.get("metadata") or {}).get("name", "?")
        raise CouldNotTell(f"lease {name}: not as a drill writes it ({error!r}).") from error


def _skew_s(metadata: Mapping[str, Any], spec: Mapping[str, Any]) -> float:
    """The server stamps whole seconds."""
    made, acquired = metadata.get("creationTimestamp"), spec.get("acquireTime")
    return (moment(made) - moment(acquired)).total_seconds() if made and acquired else 0.0


def readable(objects: Objects, namespace: str) -> tuple[list[Lease], list[str]]:
    """The readable leases, and why others are not. Raises CouldNotTell."""
    good, bad = list[Lease](), list[str]()
    for one in objects.listed(LEASE_API, "Lease", namespace, RUN_LABEL):
        try:
            good.append(from_object(one))
        except CouldNotTell as error:
            bad.append(str(error))
    return good, bad


def manifest(
    *,
    name: str,
    namespace: str,
    run: str,
    holder: str,
    now: datetime,
    duration_s: float,
    deadline: datetime,
    locks: str,
    verbs: tuple[Verb, ...],
    owner: Mapping[str, Any],
) -> dict[str, Any]:
    """A new lease, held from `now` (UTC) on."""
    return {
        "apiVersion": LEASE_API,
        "kind": "Lease",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {RUN_LABEL: run, LEASE_LABEL: name},
            "annotations": {
                LOCKS: locks,
                VERBS: json.dumps([str(one) for one in verbs]),
                DEADLINE: stamp(deadline),
            },
            "ownerReferences": [dict(owner)],
        },
        "spec": {
            **_held(holder, now, duration_s),
            "acquireTime": stamp(now),
            "leaseTransitions": 0,
        },
    }


def _held(holder: str, now: datetime, duration_s: float) -> dict[str, Any]:
    """What a lease says of whoever holds it from now on."""
    renewed = {"renewTime": stamp(now), "leaseDurationSeconds": int(duration_s)}
    return {"holderIdentity": holder, **renewed}


def drill_manifest(name: str, run: str) -> dict[str, Any]:
    """The owner of a drill's lease, records and namespace: they go with it."""
    return {
        "apiVersion": API_VERSION,
        "kind": "Drill",
        "metadata": {"name": name, "labels": {RUN_LABEL: run, LEASE_LABEL: name}},
        "spec": {"run": run},
    }


def drill_ref(name: str) -> ObjectRef:
    return ObjectRef(api_version=API_VERSION, kind="Drill", name=name)


def owner_reference(drill: Object) -> dict[str, Any]:
    own = {key: drill["metadata"][key] for key in ("name", "uid")}
    return {"apiVersion": API_VERSION, "kind": "Drill", **own}


def of_drills(objects: Objects, namespace: str) -> list[Lease]:
    """Every drill's lease. Raises CouldNotTell."""
    return [from_object(one) for one in objects.listed(LEASE_API, "Lease", namespace, RUN_LABEL)]


def get(objects: Objects, namespace: str, name: str) -> Lease | None:
    found = objects.get(ref(name, namespace))
    return None if found is None else from_object(found)


@writes("drill.create")
def create_drill(objects: Objects, name: str, run: str) -> Object:
    return objects.create(drill_manifest(name, run))


@writes("lease.create")
def create(objects: Objects, body: Mapping[str, Any]) -> Lease:
    return from_object(objects.create(body))


@writes("lease.renew")
def renew(objects: Objects, lease: Lease, now: datetime) -> Lease:
    """Raises Conflict when it was changed since it was read."""
    spec = {**lease.body["spec"], "renewTime": stamp(now)}
    return from_object(objects.replace({**lease.body, "spec": spec}))


@writes("lease.keep")
def keep(objects: Objects, lease: Lease, now: datetime, duration_s: float) -> Lease:
    """Leave the incident standing: nobody renews it, and at its end it is undone."""
    spec = {**lease.body["spec"], **_held(KEPT, now, duration_s)}
    metadata = lease.body["metadata"]
    notes = {**metadata.get("annotations", {}), KEPT: stamp(now)}
    body = {**lease.body, "spec": spec, "metadata": {**metadata, "annotations": notes}}
    return from_object(objects.replace(body))


@writes("lease.take")
def take_over(
    objects: Objects, lease: Lease, holder: str, now: datetime, duration_s: float
) -> Lease:
    """Fence whoever held it out. Raises Conflict when it was renewed meanwhile."""
    fence = {"leaseTransitions": lease.fence + 1}
    spec = {**lease.body["spec"], **_held(holder, now, duration_s), **fence}
    return from_object(objects.replace({**lease.body, "spec": spec}))


@writes("lease.annotate")
def annotate(objects: Objects, lease: Lease, key: str, value: str) -> Lease:
    """What the reaper says of a drill: acknowledged, or declined and why."""
    body = {"metadata": {"annotations": {key: value}}}
    place = lease.body["metadata"]["namespace"]
    after = objects.patch(ref(lease.name, place, lease.uid), body, version=lease.version)
    return from_object(after)


@writes("lease.delete")
def delete(objects: Objects, lease: Lease) -> None:
    """The last sign of a drill but its owner; conditional, so that a renewed one stays."""
    place = lease.body["metadata"]["namespace"]
    objects.delete(ref(lease.name, place, lease.uid), version=lease.version)


@writes("drill.delete")
def delete_drill(objects: Objects, name: str) -> None:
    objects.delete(drill_ref(name))


def let_go(objects: Objects, namespace: str, name: str) -> None:
    """Everything is verified: the lease goes, then the drill itself and with it its records."""
    for _ in range(5):
        found = get(objects, namespace, name)
        if found is None or not found.run:  # one without our label is no drill's
            break
        try:
            delete(objects, found)
            break
        except Conflict:
            continue  # a last renewal came between
    delete_drill(objects, name)


def sign_of_life(objects: Objects, namespace: str) -> datetime | None:
    """When the reaper last renewed its own lease (UTC); None when it never did."""
    found = objects.get(ref(REAPER, namespace))
    renewed = None if found is None else (found.get("spec") or {}).get("renewTime")
    return None if renewed is None else moment(renewed)


def give_sign_of_life(
    objects: Objects, namespace: str, holder: str, now: datetime, duration_s: float
) -> None:
    """The reaper is there. Two reapers are no harm: every undo is conditional."""
    spec = _held(holder, now, duration_s)
    found = objects.get(ref(REAPER, namespace))
    if found is None:
        metadata = {"name": REAPER, "namespace": namespace}
        body = {"apiVersion": LEASE_API, "kind": "Lease", "metadata": metadata, "spec": spec}
        _create_sign(objects, body)
    else:
        _replace_sign(objects, {**found, "spec": {**found["spec"], **spec}})


@writes("reaper.create")
def _create_sign(objects: Objects, body: Mapping[str, Any]) -> None:
    objects.create(body)


@writes("reaper.renew")
def _replace_sign(objects: Objects, body: Mapping[str, Any]) -> None:
    objects.replace(body)
