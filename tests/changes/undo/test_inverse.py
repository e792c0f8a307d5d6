"""What is done about a record, for everything that may be found in its target's place."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from drillbook.changes.undo.inverse import (
    FENCE,
    AskHost,
    Done,
    Make,
    Remove,
    Touch,
    Wait,
    Write,
    contains,
    inverse,
    pre_image,
    unsettled,
)
from drillbook.changes.undo.record import LEASE_LABEL, State, UndoRecord, Verb
from drillbook.model.object_ref import ObjectRef

LIVE = {"data": {"heap": "512m", "path": "/app"}, "metadata": {"name": "conf"}}
TARGET = ObjectRef(api_version="v1", kind="ConfigMap", name="conf", namespace="x", uid="u1")


def record(verb: Verb, **changed: Any) -> UndoRecord:
    given = UndoRecord(
        drill="drill-a",
        sequence=1,
        verb=verb,
        target=TARGET,
        expires=datetime(2026, 11, 21, tzinfo=UTC),
        resource_version="7",
    )
    return replace(given, **changed)


def live(uid: str = "u1", version: str = "8", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "conf", "uid": uid, "resourceVersion": version, **metadata}}


@pytest.mark.parametrize(
    ("patch", "image"),
    [
        ({"data": {"heap": "256m"}}, {"data": {"heap": "512m"}}),
        ({"data": {"new": "x"}}, {"data": {"new": None}}),
        ({"spec": {"cordoned": True}}, {"spec": {"cordoned": None}}),
    ],
)
def test_the_pre_image_holds_the_touched_fields_only(patch: Any, image: Any) -> None:
    assert pre_image(LIVE, patch) == image


@pytest.mark.parametrize(
    ("there", "wanted", "in_place"),
    [
        (LIVE, {"data": {"heap": "512m"}}, True),
        (LIVE, {"data": {"heap": "512m", "path": "/other"}}, False),
        (LIVE, {"spec": {"x": 1}}, False),
        # What was not there is as before when it is gone or empty.
        (LIVE, {"data": {"new": None}, "spec": {"unschedulable": None}}, True),
        ({"spec": {}}, {"spec": {"unschedulable": None}}, True),
        ({"spec": {"unschedulable": True}}, {"spec": {"unschedulable": None}}, False),
        ({"spec": {}}, {"spec": {"unschedulable": False}}, True),
        # An empty value is not the same as none.
        ({"data": {"key": None}}, {"data": {"key": ""}}, False),
        ({"data": {"key": None}}, {"data": {"key": 0}}, False),
        ({"data": {"key": 0}}, {"data": {"key": None}}, False),
    ],
)
def test_what_is_in_place(there: Any, wanted: Any, in_place: bool) -> None:
    assert contains(there, wanted) is in_place


def deleted(**metadata: Any) -> UndoRecord:
    given = {**live()["metadata"], "creationTimestamp": "t", "labels": {"a": "b"}, **metadata}
    whole = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": given, "data": {"kept": "yes"}}
    return record(Verb.DELETE, pre_image={**whole, "status": {"x": 1}})


def with_heap(heap: str, **fields: Any) -> dict[str, Any]:
    return {**live(**fields), "data": {"heap": heap}}


OLD, NEW = {"data": {"heap": "512m"}}, {"data": {"heap": "1m"}}
CHANGED = record(Verb.PATCH, pre_image=OLD, patch=NEW)
MADE = record(Verb.CREATE, target=replace(TARGET, uid=""))
OURS = {"labels": {LEASE_LABEL: "drill-a"}}
CONTROLLED = {"ownerReferences": [{"kind": "ReplicaSet", "controller": True}]}
WITHOUT_THE_SERVERS = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "conf", "labels": {"a": "b"}},
    "data": {"kept": "yes"},
}


@pytest.mark.parametrize(
    ("made", "found", "step", "left"),
    [
        # A program is undone with the pod that it ran in.
        (record(Verb.RUN), None, Done, None),
        (record(Verb.RUN), live(uid="u2"), Done, None),
        (record(Verb.RUN), live(), Wait, None),
        # Of a deleted Secret nothing is written down: it is not taken for undone.
        (record(Verb.DELETE, target=replace(TARGET, kind="Secret")), None, Wait, None),
        # Fields.
        (CHANGED, with_heap("1m"), Write(OLD), "is not as it was"),
        (CHANGED, with_heap("512m"), Done, ""),
        (CHANGED, None, Done, None),
        # A change that may still be on its way is kept out, and the fence is taken away again.
        (CHANGED.moved(State.PLANNED), with_heap("512m", version="7"), Touch(), None),
        (CHANGED.moved(State.UNDOING), with_heap("512m", version="7"), Touch(), None),
        (
            CHANGED,
            with_heap("512m", annotations={FENCE: "drill-a"}),
            Write({"metadata": {"annotations": {FENCE: None}}}),
            None,
        ),
        # An object of the same name that is another is never touched.
        (record(Verb.PATCH, pre_image=OLD), with_heap("1m", uid="u2"), Done, ""),
        (record(Verb.SCALE, pre_image=OLD), with_heap("1m", uid="u2"), Done, ""),
        (record(Verb.CORDON, pre_image=OLD), with_heap("1m", uid="u2"), Done, ""),
        # What was made.
        (MADE, live(**OURS), Remove(), "still there"),
        (MADE, live(deletionTimestamp="now", **OURS), Wait, None),
        (MADE, live(labels={}), Done, ""),
        (MADE, live(labels={LEASE_LABEL: "drill-b"}), Done, ""),
        (MADE, None, Done, None),
        # What was deleted; a controller's own is left to it.
        (deleted(), None, Make(WITHOUT_THE_SERVERS), "is not there again"),
        (deleted(**CONTROLLED), None, Done, ""),
        (deleted(), live(uid="u2"), Done, None),
        (deleted(), live(deletionTimestamp="now"), Wait, None),
        (deleted(), live(version="7"), Touch(), None),
        # The host undoes what no cluster can.
        (record(Verb.KILL_NODE), None, AskHost(), None),
        (record(Verb.CUT_NETWORK), None, AskHost(), None),
    ],
)
def test_what_an_undo_does(made: UndoRecord, found: Any, step: Any, left: str | None) -> None:
    done = inverse(made, found)
    assert isinstance(done, step) if isinstance(step, type) else done == step
    if left is not None:
        said = unsettled(made, found)
        assert left in said if left else said == ""


def test_what_is_left_of_a_secret_is_told_without_its_value() -> None:
    old = {"data": {"key": "hunter2"}}
    secret = record(Verb.PATCH, target=replace(TARGET, kind="Secret"), pre_image=old)
    assert unsettled(secret, {**live(), "data": {"key": "wrong"}}).endswith("is not as it was")
