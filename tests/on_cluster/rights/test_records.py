"""What is an undo record, and what of it stays as it was written down."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from drillbook.changes.undo.record import LEASE_LABEL
from drillbook.cluster.identities import SYSTEM_NAMESPACE
from tests.on_cluster.rights.world import World
from tests.on_cluster.rights.writes import NOBODY, keep, undo_record

pytestmark = pytest.mark.cluster


@dataclass(frozen=True)
class Records:
    """The undo records as the administrator sees them: their own rules bind everybody."""

    api: Any
    name: str

    def patch(self, body: dict[str, Any]) -> Any:
        return self.api.patch(
            body=body,
            name=self.name,
            namespace=SYSTEM_NAMESPACE,
            content_type="application/merge-patch+json",
        )


@pytest.fixture
def record(world: World) -> Iterator[Records]:
    """One of its own, APPLIED, with a pre-image that holds a null."""
    api = world["administrator"].resource("drillbook.dev/v1", "UndoRecord")
    body = undo_record(f"drill-rights-of-nobody-{uuid.uuid4().hex[:6]}")
    made = api.create(body=body, namespace=SYSTEM_NAMESPACE)
    assert made.to_dict()["spec"] == body["spec"]
    yield Records(api, body["metadata"]["name"])
    api.delete(name=body["metadata"]["name"], namespace=SYSTEM_NAMESPACE)


@pytest.mark.parametrize(
    "spec",
    [
        {"verb": "delete"},
        {"sequence": 2},
        {"expires": "2027-11-21T12:00:00Z"},
        {"target": {"name": "y"}},
        {"preImage": {"data": {"key": "another"}}},
        {"preImage": {"data": {"new": "one"}}},
        {"patch": {"data": {"key": "another"}}},
    ],
)
def test_what_was_written_down_stays(record: Records, spec: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="what was written down before a change cannot be changed"):
        record.patch({"spec": spec})


def test_a_state_only_moves_forward(record: Records) -> None:
    for later in ("UNDOING", "VERIFIED"):
        assert record.patch({"state": later, "said": "on its way"}).state == later
    for earlier in ("PLANNED", "APPLIED", "UNDOING", "UNDONE"):
        with pytest.raises(Exception, match="state only moves forward"):
            record.patch({"state": earlier})


@pytest.mark.parametrize(
    "fields",
    [
        {"verb": "shell"},
        {"drill": "kube-system"},
        {"sequence": -1},
        {"expires": "tomorrow"},
        {"target": {"kind": "ConfigMap"}},
        {"preImage": "a script"},
    ],
)
def test_what_is_no_record_is_not_kept(world: World, fields: dict[str, Any]) -> None:
    api = world["administrator"].resource("drillbook.dev/v1", "UndoRecord")
    with pytest.raises(Exception, match=r"is invalid|cannot be handled"):
        api.create(
            body=undo_record(f"{NOBODY}-001", **fields),
            namespace=SYSTEM_NAMESPACE,
            query_params=[("dryRun", "All")],
        )


def test_another_word_is_no_state(world: World) -> None:
    api = world["administrator"].resource("drillbook.dev/v1", "UndoRecord")
    body = {**undo_record(f"{NOBODY}-001"), "state": "FORGOTTEN"}
    with pytest.raises(Exception, match="is invalid"):
        api.create(body=body, namespace=SYSTEM_NAMESPACE, query_params=[("dryRun", "All")])


def test_a_record_is_its_own_drills(world: World, record: Records) -> None:
    other = undo_record(f"{NOBODY}-001")
    keep(world, other)
    for metadata in (
        {"name": f"{NOBODY}-001"},
        {"name": f"{NOBODY}-001", "labels": {LEASE_LABEL: "drill-another"}},
        {"name": "drill-another-001", "labels": {LEASE_LABEL: NOBODY}},
    ):
        with pytest.raises(Exception, match="carries its drill's name"):
            keep(world, {**other, "metadata": metadata})
    with pytest.raises(Exception, match="carries its drill's name"):
        record.patch({"metadata": {"labels": {LEASE_LABEL: "drill-another"}}})
