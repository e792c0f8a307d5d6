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


def test_the_pre_image_holds_the_touched_fields_only() -> None:
    assert pre_image(LIVE, {"data": {"heap": "256m"}}) == {"data": {"heap": "512m"}}


def test_a_field_that_was_not_there_is_taken_out_again() -> None:
    assert pre_image(LIVE, {"data": {"new": "x"}}) == {"data": {"new": None}}
    assert pre_image(LIVE, {"spec": {"cordoned": True}}) == {"spec": {"cordoned": None}}


def test_a_patch_is_in_place_only_when_every_field_is() -> None:
    assert contains(LIVE, {"data": {"heap": "512m"}})
    assert not contains(LIVE, {"data": {"heap": "512m", "path": "/other"}})
    assert not contains(LIVE, {"spec": {"x": 1}})


def test_what_was_not_there_is_as_before_when_it_is_gone_or_empty() -> None:
    assert contains(LIVE, {"data": {"new": None}, "spec": {"unschedulable": None}})
    assert contains({"spec": {}}, {"spec": {"unschedulable": None}})
    assert not contains({"spec": {"unschedulable": True}}, {"spec": {"unschedulable": None}})
    assert contains({"spec": {}}, {"spec": {"unschedulable": False}})


@pytest.mark.parametrize(("was", "is_now"), [("", None), (0, None), (None, 0)])
def test_an_empty_value_is_not_the_same_as_none(was: Any, is_now: Any) -> None:
    assert not contains({"data": {"key": is_now}}, {"data": {"key": was}})


@pytest.mark.parametrize(("found", "step"), [(None, Done), (live(uid="u2"), Done), (live(), Wait)])
def test_a_program_is_undone_with_the_pod_that_it_ran_in(found: Any, step: type) -> None:
    assert isinstance(inverse(record(Verb.RUN), found), step)


def test_a_deleted_secret_of_which_nothing_is_written_down_is_not_taken_for_undone() -> None:
    gone = record(Verb.DELETE, target=replace(TARGET, kind="Secret"))
    assert isinstance(inverse(gone, None), Wait)


def test_what_is_left_of_a_secret_is_told_without_its_value() -> None:
    old = {"data": {"key": "hunter2"}}
    secret = record(Verb.PATCH, target=replace(TARGET, kind="Secret"), pre_image=old)
    assert unsettled(secret, {**live(), "data": {"key": "wrong"}}).endswith("is not as it was")


CHANGED = record(Verb.PATCH, pre_image={"data": {"heap": "512m"}}, patch={"data": {"heap": "1m"}})


def test_a_changed_field_is_written_back() -> None:
    found = {**live(), "data": {"heap": "1m"}}
    assert inverse(CHANGED, found) == Write({"data": {"heap": "512m"}})
    assert "is not as it was" in unsettled(CHANGED, found)


def test_a_field_that_is_as_it_was_is_left_alone() -> None:
    found = {**live(), "data": {"heap": "512m"}}
    assert isinstance(inverse(CHANGED, found), Done)
    assert unsettled(CHANGED, found) == ""


@pytest.mark.parametrize("state", [State.PLANNED, State.UNDOING])
def test_a_change_that_may_still_be_on_its_way_is_kept_out(state: State) -> None:
    found = {**live(version="7"), "data": {"heap": "512m"}}
    assert inverse(CHANGED.moved(state), found) == Touch()


def test_the_fence_is_taken_away_again() -> None:
    found = {**live(annotations={FENCE: "drill-a"}), "data": {"heap": "512m"}}
    assert inverse(CHANGED, found) == Write({"metadata": {"annotations": {FENCE: None}}})


@pytest.mark.parametrize("verb", [Verb.PATCH, Verb.SCALE, Verb.CORDON])
def test_an_object_of_the_same_name_that_is_another_is_never_touched(verb: Verb) -> None:
    other = record(verb, pre_image={"data": {"heap": "512m"}})
    found = {**live(uid="u2"), "data": {"heap": "1m"}}
    assert isinstance(inverse(other, found), Done)
    assert unsettled(other, found) == ""


def test_a_target_that_is_gone_has_nothing_to_undo() -> None:
    assert isinstance(inverse(CHANGED, None), Done)


MADE = record(Verb.CREATE, target=replace(TARGET, uid=""))
OURS = {"labels": {LEASE_LABEL: "drill-a"}}


def test_what_was_made_is_removed() -> None:
    assert inverse(MADE, live(**OURS)) == Remove()
    assert "still there" in unsettled(MADE, live(**OURS))


def test_what_goes_already_is_waited_for() -> None:
    assert isinstance(inverse(MADE, live(deletionTimestamp="now", **OURS)), Wait)


@pytest.mark.parametrize("labels", [{}, {LEASE_LABEL: "drill-b"}])
def test_what_somebody_else_made_is_left(labels: dict[str, str]) -> None:
    assert isinstance(inverse(MADE, live(labels=labels)), Done)
    assert unsettled(MADE, live(labels=labels)) == ""


def test_what_was_never_made_is_done() -> None:
    assert isinstance(inverse(MADE, None), Done)


MADE_BY_SERVER = {**live()["metadata"], "creationTimestamp": "t", "generation": 3}


def deleted(**metadata: Any) -> UndoRecord:
    whole = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            **live()["metadata"],
            "creationTimestamp": "t",
            "labels": {"a": "b"},
            **metadata,
        },
        "data": {"kept": "yes"},
        "status": {"x": 1},
    }
    return record(Verb.DELETE, pre_image=whole)


def test_what_was_deleted_is_made_again_without_what_the_server_gave_it() -> None:
    assert inverse(deleted(), None) == Make(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "conf", "labels": {"a": "b"}},
            "data": {"kept": "yes"},
        }
    )
    assert "is not there again" in unsettled(deleted(), None)


def test_a_controllers_own_is_left_to_it() -> None:
    owned = deleted(ownerReferences=[{"kind": "ReplicaSet", "controller": True}])
    assert isinstance(inverse(owned, None), Done)
    assert unsettled(owned, None) == ""


def test_what_was_made_anew_is_left() -> None:
    assert isinstance(inverse(deleted(), live(uid="u2")), Done)


def test_a_deletion_under_way_is_waited_for_and_one_that_never_came_is_kept_out() -> None:
    assert isinstance(inverse(deleted(), live(deletionTimestamp="now")), Wait)
    assert inverse(deleted(), live(version="7")) == Touch()


@pytest.mark.parametrize("verb", [Verb.KILL_NODE, Verb.CUT_NETWORK])
def test_the_host_undoes_what_no_cluster_can(verb: Verb) -> None:
    assert inverse(record(verb), None) == AskHost()
