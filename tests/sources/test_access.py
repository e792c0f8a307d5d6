"""The question about a right, as the API takes it."""

from __future__ import annotations

import pytest

from drillbook.cluster.identities import Identity
from drillbook.drill.access import is_refusal, review
from drillbook.drill.needs import Right


def asked(**fields: str) -> dict[str, str]:
    right = Right(identity=Identity.OBSERVER, **{"verb": "get", "resource": "pods", **fields})
    attributes: dict[str, str] = review(right)["spec"]["resourceAttributes"]
    return attributes


def test_what_is_not_named_is_not_asked_for() -> None:
    assert asked() == {"verb": "get", "resource": "pods"}


def test_everything_that_is_named_is() -> None:
    found = asked(group="apps", resource="deployments/scale", namespace="a", name="b")
    assert found == {
        "verb": "get",
        "group": "apps",
        "resource": "deployments",
        "subresource": "scale",
        "namespace": "a",
        "name": "b",
    }


@pytest.mark.parametrize(
    ("status", "refused"), [(401, True), (403, True), (404, False), (503, False)]
)
def test_only_a_refusal_is_one(status: int, refused: bool) -> None:
    error = Exception()
    error.status = status  # type: ignore[attr-defined]
    assert is_refusal(error) is refused


def test_no_answer_is_no_refusal() -> None:
    assert not is_refusal(TimeoutError())
    assert not is_refusal(None)
