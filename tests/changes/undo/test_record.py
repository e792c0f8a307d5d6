"""A record is data that survives the way to the cluster and back."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from drillbook.changes.undo import record as records
from drillbook.changes.undo.record import UndoRecord, Verb
from drillbook.model.errors import CouldNotTell
from drillbook.model.object_ref import ObjectRef

RECORD = UndoRecord(
    drill="drill-a",
    sequence=3,
    verb=Verb.CORDON,
    target=ObjectRef(api_version="v1", kind="Node", name="node2", uid="u"),
    expires=datetime(2026, 11, 21, 3, 0, 1, 500, tzinfo=UTC),
    fence=1,
    pre_image={"spec": {"unschedulable": None}},
    patch={"spec": {"unschedulable": True}},
    resource_version="12",
    version="99",
)


def as_read() -> dict[str, Any]:
    body = records.manifest(RECORD, "drillbook-system", {"kind": "Drill"})
    body["metadata"]["resourceVersion"] = "99"
    return body


def test_there_and_back() -> None:
    assert records.from_object(as_read()) == RECORD
    assert replace(RECORD, sequence=12).name == "drill-a-012"


@pytest.mark.parametrize(
    ("path", "value"),
    [("verb", "run-shell"), ("expires", "soon"), ("target", None), ("drill", ...)],
)
def test_what_is_no_record_is_not_guessed_at(path: str, value: Any) -> None:
    body = as_read()
    if value is ...:
        del body["spec"][path]
    else:
        body["spec"][path] = value
    with pytest.raises(CouldNotTell, match="undo it by hand"):
        records.from_object(body)


SPACE = ObjectRef(api_version="v1", kind="Namespace", name="drill-a")
INSIDE = ObjectRef(api_version="v1", kind="ConfigMap", namespace="drill-a", name="conf", uid="u")


@pytest.mark.parametrize(
    "record",
    [
        RECORD,
        replace(RECORD, verb=Verb.KILL_NODE),
        replace(RECORD, verb=Verb.PATCH, target=INSIDE),
        replace(RECORD, verb=Verb.CREATE, target=SPACE),
    ],
)
def test_what_a_drill_may_do_is_carried_out(record: UndoRecord) -> None:
    assert records.beyond(record) == ""


@pytest.mark.parametrize(
    "record",
    [
        replace(RECORD, verb=Verb.PATCH),
        replace(RECORD, target=replace(RECORD.target, name="../../api/v1/nodes/node1")),
        replace(RECORD, target=replace(RECORD.target, name="")),
        replace(RECORD, verb=Verb.PATCH, target=replace(INSIDE, namespace="kube-system")),
        replace(RECORD, verb=Verb.PATCH, target=replace(INSIDE, namespace="")),
        replace(RECORD, verb=Verb.CORDON, target=INSIDE),
        replace(RECORD, verb=Verb.CREATE, target=replace(SPACE, name="drill-b")),
    ],
)
def test_a_forged_record_is_not(record: UndoRecord) -> None:
    """Whoever may write records must not make the reaper do what they may not."""
    assert records.beyond(record)
