"""What is to be done about a record, and whether it is done: pure, so that it can be read whole.
Every inverse can be carried out again: an object that is not the one that the drill changed
(another UID, not our label) is never touched, and what is as it was is left as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drillbook.changes.undo.record import HOST_VERBS, LEASE_LABEL, State, UndoRecord, Verb

Live = Mapping[str, Any] | None
"""The target as the API has it now; None: the server said that it is not there."""

MARK = "drillbook.dev/drill"
"""Annotation of an object outside of the drill's namespace that a drill changed: its lease."""
FENCE = "drillbook.dev/fence"
"""Annotation written and taken away again: an older version then changes nothing."""
_MADE_BY_SERVER = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")


@dataclass(frozen=True)
class Done:
    """Nothing is left to do, because."""

    why: str


@dataclass(frozen=True)
class Write:
    """A merge patch, conditional on the live object's UID and version."""

    body: Mapping[str, Any]


@dataclass(frozen=True)
class Touch:
    """The target is as it was, but the change may still be on its way: move its version."""


@dataclass(frozen=True)
class Remove:
    """Delete it, conditional on its UID."""


@dataclass(frozen=True)
class Make:
    """Create it again."""

    body: Mapping[str, Any]


@dataclass(frozen=True)
class Wait:
    """Somebody is at it already."""

    why: str


@dataclass(frozen=True)
class AskHost:
    """The agent on the host undoes it."""


Inverse = Done | Write | Touch | Remove | Make | Wait | AskHost


def inverse(record: UndoRecord, live: Live) -> Inverse:
    """The next thing to do. `Touch` is for whoever took the drill over from another process."""
    if record.verb in HOST_VERBS:
        return AskHost()
    if record.verb is Verb.CREATE:
        return _of_create(record, live)
    if record.verb is Verb.DELETE:
        return _of_delete(record, live)
    if record.verb is Verb.RUN:
        return _of_run(record, live)
    return _of_patch(record, live)


def _of_create(record: UndoRecord, live: Live) -> Inverse:
    if live is None:
        return Done("it is not there")
    if not is_ours(record, live):
        return Done("what is there now is not this drill's")
    if live["metadata"].get("deletionTimestamp"):
        return Wait(f"it is being deleted{held_up(live)}")
    return Remove()


def _of_patch(record: UndoRecord, live: Live) -> Inverse:
    if live is None:
        return Done("it is not there any more")
    if live["metadata"]["uid"] != record.target.uid:
        return Done("it was recreated meanwhile, and never changed by this drill")
    if not contains(live, record.pre_image):
        return Write(record.pre_image)
    return _settled(record, live, "it is as it was")


def _of_delete(record: UndoRecord, live: Live) -> Inverse:
    if live is None:
        if controller_of(record.pre_image):
            return Done("its controller recreates it")
        if record.withheld and not record.pre_image:
            return Wait("it was deleted, and what was in it is written down nowhere")
        return Make(made_again(record.pre_image))
    if live["metadata"]["uid"] != record.target.uid:
        return Done("it was recreated")
    if live["metadata"].get("deletionTimestamp"):
        return Wait("it is being deleted")
    return _settled(record, live, "it was never deleted")


def _of_run(record: UndoRecord, live: Live) -> Inverse:
    if live is None or live["metadata"]["uid"] != record.target.uid:
        return Done("the pod that it ran in is gone")
    return Wait("what ran in it goes with its namespace, which is still there")


def _settled(record: UndoRecord, live: Mapping[str, Any], why: str) -> Inverse:
    if FENCE in (live["metadata"].get("annotations") or {}):
        return Write({"metadata": {"annotations": {FENCE: None}}})
    same = live["metadata"]["resourceVersion"] == record.resource_version
    on_its_way = record.state in (State.PLANNED, State.UNDOING) and same
    return Touch() if on_its_way else Done(why)


def unsettled(record: UndoRecord, live: Live) -> str:
    """What is not as it was before the change, in words; empty when all of it is."""
    if record.verb in HOST_VERBS:
        return ""
    if record.verb is Verb.CREATE:
        left = live is not None and is_ours(record, live)
        return f"{record.target} is still there" if left else ""
    if record.verb is Verb.DELETE:
        missing = live is None and not controller_of(record.pre_image)
        return f"{record.target} was deleted and is not there again" if missing else ""
    if live is None or live["metadata"]["uid"] != record.target.uid:
        return ""
    if contains(live, record.pre_image):
        return ""
    was = "" if record.withheld else f": {dict(record.pre_image)}"
    return f"{record.target} is not as it was{was}"


def held_up(namespace: Mapping[str, Any]) -> str:
    """What a namespace that is being deleted waits for, in its controller's words."""
    conditions = (namespace.get("status") or {}).get("conditions") or []
    words = [one.get("message", "") for one in conditions if one.get("status") == "True"]
    return "".join(f"; {one}" for one in words if one)


def is_ours(record: UndoRecord, live: Mapping[str, Any]) -> bool:
    """Whether this drill made it: a planned record does not know its UID yet; the label does."""
    metadata = live["metadata"]
    if record.target.uid and metadata["uid"] != record.target.uid:
        return False
    return (metadata.get("labels") or {}).get(LEASE_LABEL) == record.drill


def controller_of(pre_image: Mapping[str, Any]) -> str:
    """The kind of the controller that makes such an object anew, or empty."""
    owners = (pre_image.get("metadata") or {}).get("ownerReferences") or []
    return next((one["kind"] for one in owners if one.get("controller")), "")


def made_again(pre_image: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest that creates a deleted object again: without what the server gave it."""
    metadata = {k: v for k, v in pre_image["metadata"].items() if k not in _MADE_BY_SERVER}
    kept = {k: v for k, v in pre_image.items() if k != "status"}
    return {**kept, "metadata": metadata}


def contains(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether every touched field is as wanted; null means that it is not there. The API drops
    what is false and what a patch emptied, so those are as good as not there."""
    for key, value in wanted.items():
        present = live.get(key)
        if isinstance(value, Mapping):
            if not contains(present if isinstance(present, Mapping) else {}, value):
                return False
        elif _told(present) != _told(value):
            return False
    return True


def _told(value: Any) -> Any:
    """What the API tells of a field: nothing of one that is false."""
    return None if value is False else value


def pre_image(live: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch that writes the touched fields back: old values, or null where none was."""
    old: dict[str, Any] = {}
    for key, value in patch.items():
        present = live.get(key)
        if isinstance(value, Mapping) and (isinstance(present, Mapping) or present is None):
            old[key] = pre_image(present or {}, value)
        else:
            old[key] = present
    return old
