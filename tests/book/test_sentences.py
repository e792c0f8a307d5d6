"""The registry and the sentences' parameter types."""

import json

import pytest
from cucumber_expressions.expression import CucumberExpression

from drillbook.book.sentences import TYPES, editor_settings
from drillbook.model import Duration


def arguments(pattern: str, text: str) -> list[object] | None:
    found = CucumberExpression(pattern, TYPES).match(text)
    return None if found is None else [argument.value for argument in found]


def test_a_duration_is_one() -> None:
    assert arguments("within {duration}", "within 90s") == [Duration("90s")]
    assert arguments("within {duration}", "within 90") is None


def test_quotes_cannot_be_swallowed() -> None:
    assert arguments("{string} is {string}", '"a" is "b"') == ["a", "b"]
    assert arguments("{string} fires", '"a" and "b" fires') is None


@pytest.mark.parametrize(("text", "known"), [("3Gi", True), ("500m", True), ("3 Gi", False)])
def test_quantities(text: str, known: bool) -> None:
    assert (arguments("to {quantity}", f"to {text}") is not None) is known


def test_the_editor_knows_the_same_types(request: pytest.FixtureRequest) -> None:
    path = request.config.rootpath / ".vscode" / "settings.json"
    assert json.loads(path.read_text()) == editor_settings()
