"""What stops drills: the halt object, a quarantine, and a cluster without a reaper."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from drillbook.changes.undo import lease as leases
from drillbook.changes.undo.killpoints import writes
from drillbook.changes.undo.record import stamp
from drillbook.cluster.objects import Conflict, Object, Objects
from drillbook.model.errors import CouldNotTell, Refused
from drillbook.model.object_ref import ObjectRef

HALT = "halt"
QUARANTINE = "quarantine"
REAPER_STALE_S = 30.0
TRIES = 5
INSTALL = (
    "Install it with `kubectl apply -k` of your overlay of staging/platform/drillbook "
    "(docs/own-cluster.md; the embedded cluster: `drillbook staging up`), and see that the "
    "Deployment `reaper` in the namespace drillbook-system is available. Nothing was changed."
)


def _ref(name: str, namespace: str) -> ObjectRef:
    return ObjectRef(api_version="v1", kind="ConfigMap", name=name, namespace=namespace)


def _text(found: Object | None, key: str) -> str:
    """What a stop says; one without a word stops as well."""
    if found is None:
        return ""
    return str((found.get("data") or {}).get(key, "")).strip() or "no reason was given"


def halted(objects: Objects, namespace: str) -> str:
    """Why every drill must stop; empty when nobody said so. Raises CouldNotTell."""
    return _text(objects.get(_ref(HALT, namespace)), "reason")


def quarantined(objects: Objects, namespace: str) -> str:
    """What a failed undo left behind; empty when nothing. Raises CouldNotTell."""
    return _text(objects.get(_ref(QUARANTINE, namespace)), "left")


def refuse_stopped(objects: Objects, namespace: str) -> None:
    """Raises Refused when no drill may start."""
    why = halted(objects, namespace)
    if why:
        raise Refused(
            f"refused: every drill is halted: {why}. `drillbook halt --lift` ends that. "
            "Nothing was changed."
        )
    left = quarantined(objects, namespace)
    if left:
        raise Refused(
            "refused: the cluster is in quarantine, because an undo failed and this was left:\n"
            f"{left}\n`drillbook undo --dead` tries it again, and lifts the quarantine when "
            "nothing is left. Nothing was changed."
        )


def refuse_without_reaper(objects: Objects, namespace: str, now: datetime) -> None:
    """Raises Refused when nobody would undo what a killed drill leaves."""
    try:
        found = leases.sign_of_life(objects, namespace)
    except CouldNotTell as error:
        raise Refused(f"refused: whether a reaper is there: {error} {INSTALL}") from error
    if found is None:
        raise Refused(f"refused: no reaper is installed in {namespace}. {INSTALL}")
    age_s = (now - found).total_seconds()
    if not -leases.MAX_SKEW_S <= age_s <= REAPER_STALE_S:
        raise Refused(
            f"refused: the reaper in {namespace} gave its last sign of life {age_s:.0f} s ago. "
            f"{INSTALL}"
        )


def halt(objects: Objects, namespace: str, reason: str, now: datetime) -> None:
    """Stop every drill, and let none start. Saying it again changes nothing."""
    try:
        _create(objects, HALT, namespace, {"reason": reason, "since": stamp(now)})
    except Conflict:
        return


def lift_halt(objects: Objects, namespace: str) -> bool:
    """False when there was none."""
    return _delete(objects, HALT, namespace)


def quarantine(
    objects: Objects, namespace: str, drill: str, left: Sequence[str], now: datetime
) -> None:
    """Let no drill start before what this one left is mended; what others left stays listed."""
    words = [f"{drill}: {line}" for line in left]
    for _ in range(TRIES):
        found = objects.get(_ref(QUARANTINE, namespace))
        try:
            if found is None:
                data = {"left": "\n".join(words), "drills": drill, "since": stamp(now)}
                _create(objects, QUARANTINE, namespace, data)
            else:
                _add(objects, found, {"left": words, "drills": [drill]})
            return
        except Conflict:
            continue  # another drill's was written at the same moment
    raise CouldNotTell(f"the quarantine was written by others {TRIES} times meanwhile")


def in_quarantine(objects: Objects, namespace: str) -> set[str]:
    """The drills whose undo failed. Raises CouldNotTell."""
    found = objects.get(_ref(QUARANTINE, namespace))
    return set(_text(found, "drills").split()) if found is not None else set()


def lift_quarantine(objects: Objects, namespace: str) -> bool:
    return _delete(objects, QUARANTINE, namespace)


@writes("stop.add")
def _add(objects: Objects, found: Object, lines: Mapping[str, Sequence[str]]) -> None:
    """Lines that are not there yet, to those that are."""
    data = found.get("data") or {}
    both = {key: [*data.get(key, "").split("\n"), *more] for key, more in lines.items()}
    merged = {key: "\n".join(dict.fromkeys(filter(None, many))) for key, many in both.items()}
    metadata = found["metadata"]
    ref = replace(_ref(metadata["name"], metadata["namespace"]), uid=metadata["uid"])
    objects.patch(ref, {"data": merged}, version=metadata["resourceVersion"])


@writes("stop.create")
def _create(objects: Objects, name: str, namespace: str, data: dict[str, str]) -> None:
    metadata = {"name": name, "namespace": namespace}
    objects.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


@writes("stop.delete")
def _delete(objects: Objects, name: str, namespace: str) -> bool:
    return objects.delete(_ref(name, namespace))
