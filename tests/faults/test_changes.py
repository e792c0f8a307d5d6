"""Pre-images, and what kind of refusal a refusal is."""

import json

import pytest

from drillbook.faults.changes import Outcome, contains_patch, pre_image, refusal

LIVE = {"data": {"heap": "512m", "path": "/app"}, "metadata": {"name": "conf"}}


def test_the_pre_image_holds_the_touched_fields_only() -> None:
    assert pre_image(LIVE, {"data": {"heap": "256m"}}) == {"data": {"heap": "512m"}}


def test_a_field_that_was_not_there_is_taken_out_again() -> None:
    assert pre_image(LIVE, {"data": {"new": "x"}}) == {"data": {"new": None}}


def test_a_patch_is_in_place_only_when_every_field_is() -> None:
    assert contains_patch(LIVE, {"data": {"heap": "512m"}})
    assert not contains_patch(LIVE, {"data": {"heap": "512m", "path": "/other"}})
    assert not contains_patch(LIVE, {"spec": {"x": 1}})


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        self.status, self.body = status, json.dumps({"message": message})


@pytest.mark.parametrize(
    ("status", "message", "outcome"),
    [
        (422, "field is immutable when `immutable` is set", Outcome.BLOCKED),
        (403, 'admission webhook "x" denied the request', Outcome.BLOCKED),
        (403, "exceeded quota: small", Outcome.BLOCKED),
        (403, 'User "observer" cannot patch resource "configmaps"', Outcome.NOT_APPLIED),
        (404, "not found", Outcome.NOT_APPLIED),
        (409, "the object has been modified", Outcome.NOT_APPLIED),
        (429, "too many requests", Outcome.NOT_APPLIED),
        (500, "etcd is unhappy", Outcome.NOT_APPLIED),
    ],
)
def test_only_a_rule_blocks(status: int, message: str, outcome: Outcome) -> None:
    assert refusal(Refused(status, message)) is outcome


def test_no_answer_is_no_block() -> None:
    assert refusal(None) is Outcome.NOT_APPLIED
    assert refusal(TimeoutError()) is Outcome.NOT_APPLIED
