"""The registry and the sentences' parameter types."""

import json

import pytest
from cucumber_expressions.expression import CucumberExpression

from drillbook.book.sentences import TYPES, editor_settings
from drillbook.model import Duration


def arguments(pattern: str, text: str) -> list[object] | None:
    found = CucumberExpression(pattern, TYPES).match(text)
    return None if found is None else [argument.value for argument in found]


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("within {duration}", "within 90s", [Duration("90s")]),
        ("within {duration}", "within 90", None),
        ("{string} is {string}", '"a" is "b"', ["a", "b"]),
        ("{string} fires", '"a" and "b" fires', None),
        ("to {quantity}", "to 500m", ["500m"]),
        ("to {quantity}", "to 3 Gi", None),
    ],
)
def test_the_parameters_of_a_sentence(pattern: str, text: str, found: list[object] | None) -> None:
    assert arguments(pattern, text) == found


def test_the_editor_knows_the_same_types(request: pytest.FixtureRequest) -> None:
    path = request.config.rootpath / ".vscode" / "settings.json"
    assert json.loads(path.read_text()) == editor_settings()
