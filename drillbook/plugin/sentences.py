"""The registry's sentences as pytest-bdd's steps: a plugin made of what was imported so far."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import pytest_bdd
from cucumber_expressions.expression import CucumberExpression
from pytest_bdd.parsers import StepParser

from drillbook.book.sentences import Definition


class Sentence(StepParser):
    """A Cucumber Expression as a pytest-bdd pattern."""

    def __init__(self, expression: CucumberExpression) -> None:
        super().__init__(expression.source)
        self.expression = expression

    def is_matching(self, name: str) -> bool:
        return self.expression.match(name) is not None

    def parse_arguments(self, name: str) -> dict[str, Any] | None:
        # The drill performs the value that `bind` built of this very step: no arguments needed.
        return {}


def as_plugin(definitions: Sequence[Definition]) -> ModuleType:
    """A module that holds one pytest-bdd step for each definition."""
    module = ModuleType("drillbook_sentences")
    for definition in definitions:
        declare = getattr(pytest_bdd, definition.keyword)
        names = {"declare": declare, "parser": Sentence(definition.expression), "perform": perform}
        # pytest-bdd stores a step in the locals of whoever declares it: here, the module.
        exec("declare(parser)(perform)", names, vars(module))  # noqa: S102 - text of our own
    return module


def perform(drill: Any) -> None:
    drill.perform_current_step()
