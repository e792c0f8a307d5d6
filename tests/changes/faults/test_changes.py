"""What kind of refusal a refusal is, and whether a patch was a change."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from drillbook.changes.faults.applied import Outcome, refusal
from drillbook.changes.faults.kinds.fields import took
from drillbook.changes.faults.kinds.host import ask_host
from drillbook.changes.undo.record import UndoRecord, Verb
from drillbook.model.errors import CouldNotTell
from drillbook.model.object_ref import ObjectRef

BLOCKED, NOT_APPLIED = Outcome.BLOCKED, Outcome.NOT_APPLIED
ADMISSION, POLICY = "admissionregistration.k8s.io", "ValidatingAdmissionPolicy"


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        self.status, self.body = status, json.dumps({"message": message})


@pytest.mark.parametrize(
    ("status", "message", "outcome"),
    [
        (422, "field is immutable when `immutable` is set", BLOCKED),
        (403, 'admission webhook "x" denied the request', BLOCKED),
        (403, "exceeded quota: small", BLOCKED),
        (403, 'pods "x" is forbidden: violates PodSecurity "restricted:latest"', BLOCKED),
        (403, "forbidden: maximum memory usage per Container is 1Gi, but limit is 3Gi", BLOCKED),
        (403, "forbidden: memory max limit to request ratio per Pod is 2, but 3", BLOCKED),
        (403, "forbidden: failed quota: small: must specify limits.memory", BLOCKED),
        (403, f"{POLICY} 'p' with binding 'b' denied request: no", BLOCKED),
        (400, 'admission webhook "x" denied the request: no', BLOCKED),
        (403, f"{POLICY} 'drillbook-identities' with binding 'b' denied request: no", NOT_APPLIED),
        (400, "the body is no JSON", NOT_APPLIED),
        (500, 'failed calling webhook "x": refused', NOT_APPLIED),
        (403, 'User "observer" cannot patch resource "configmaps"', NOT_APPLIED),
        (403, f'x.{ADMISSION} is forbidden: User "u" cannot patch resource "x"', NOT_APPLIED),
        (403, "unable to create new content in namespace x: it is terminating", NOT_APPLIED),
        (409, "the object has been modified", NOT_APPLIED),
        (429, "too many requests", NOT_APPLIED),
        (500, "etcd is unhappy", NOT_APPLIED),
    ],
)
def test_only_a_rule_blocks(status: int, message: str, outcome: Outcome) -> None:
    assert refusal(Refused(status, message)) is outcome
    assert [refusal(None), refusal(TimeoutError())] == [NOT_APPLIED] * 2


def live(limit: str, version: int, generation: int | None = None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if generation is not None:
        metadata["generation"] = generation
    return {"metadata": metadata, "spec": {"limit": limit}}


@pytest.mark.parametrize(
    ("before", "after", "wanted", "change"),
    [
        (live("3Gi", 7, 1), live("1Gi", 8, 2), "1Gi", True),
        # A status that was written meanwhile.
        (live("1Gi", 7, 1), live("1Gi", 8, 1), "1Gi", False),
        # Another spelling of what is there, and of what is not.
        (live("1Gi", 7, 1), live("1Gi", 8, 1), "1024Mi", False),
        (live("3Gi", 7, 1), live("1Gi", 8, 2), "1024Mi", True),
        # What has no generation is judged by its fields.
        (live("3Gi", 7), live("1Gi", 8), "1Gi", True),
        (live("3Gi", 7), live("3Gi", 8), "1Gi", False),
        (live("1Gi", 7), live("1Gi", 8), "1Gi", False),
    ],
)
def test_whether_a_patch_was_a_change(
    before: dict[str, Any], after: dict[str, Any], wanted: str, change: bool
) -> None:
    assert took(before, after, {"spec": {"limit": wanted}}) is change


class Host:
    """Stands for the host's agent and for the custody that asks it."""

    name, host_holds = "drill-a", False

    def __init__(self, answers: bool) -> None:
        self.host, self.answers = self, answers

    def host_expiry(self) -> float:
        return 1000.0

    def apply(self, **change: Any) -> None:
        if not self.answers:
            raise CouldNotTell("no agent")


def test_what_the_host_does_not_hold_is_not_renewed_there() -> None:
    """It would refuse that, and the drill would end for it."""
    node = ObjectRef(api_version="v1", kind="Node", name="node2", uid="u")
    when = datetime(2026, 11, 21, tzinfo=UTC)
    record = UndoRecord(
        drill="drill-a", sequence=2, verb=Verb.CUT_NETWORK, target=node, expires=when
    )
    silent, there = Host(answers=False), Host(answers=True)
    with pytest.raises(CouldNotTell):
        ask_host(silent, record)  # type: ignore[arg-type]
    ask_host(there, record)  # type: ignore[arg-type]
    assert (silent.host_holds, there.host_holds) == (False, True)
