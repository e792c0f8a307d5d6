"""`given`, `when`, `then`: a builder is registered here; `drillbook.plugin` tells pytest-bdd of it.
A builder takes `where` (when it asks for it), then the sentence's arguments by position, then, when
it has parameters of those names, `doc_string` and `table`; it returns a value and does no I/O."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from cucumber_expressions.expression import CucumberExpression
from cucumber_expressions.parameter_type import ParameterType
from cucumber_expressions.parameter_type_registry import ParameterTypeRegistry

from drillbook.model import DURATION_PATTERN, Duration, Value

Builder = TypeVar("Builder", bound=Callable[..., Value])


@dataclass(frozen=True)
class PartRef:
    """`the driver of "orders"`: the binder looks the part up among the Background's components."""

    role: str
    name: str


PARAMETERS: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("duration", DURATION_PATTERN, Duration),
    # Kubernetes' quantities as people write them: 3Gi, 500m, 2.
    ("part", r'the ([a-z][a-z -]*) of "([^"]*)"', PartRef),
    ("quantity", r"\d+(?:\.\d+)?(?:m|k|M|G|T|Ki|Mi|Gi|Ti)?", str),
)
"""Our parameter types (name, pattern, transformer); `.vscode/settings.json` repeats them."""


def _types() -> ParameterTypeRegistry:
    registry = ParameterTypeRegistry()
    for name, pattern, transform in PARAMETERS:
        kind = ParameterType(name, pattern, type(name), transform, True, False)
        registry.define_parameter_type(kind)
    return registry


TYPES = _types()


def editor_settings() -> dict[str, Any]:
    """`.vscode/settings.json`: what the Cucumber extension must know to find our sentences."""
    types = [{"name": name, "regexp": pattern} for name, pattern, _ in PARAMETERS]
    places = {"features": ["features/**/*.feature"], "glue": ["steps/**/*.py"]}
    return {f"cucumber.{key}": value for key, value in {**places, "parameterTypes": types}.items()}


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One step definition: a sentence and the builder that turns it into a value."""

    keyword: str
    pattern: str
    build: Callable[..., Value]
    expression: CucumberExpression
    file: str
    line: int

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"

    def arguments(self, text: str) -> tuple[Any, ...] | None:
        """The sentence's arguments, or None when the text is another sentence."""
        found = self.expression.match(text)
        return None if found is None else tuple(argument.value for argument in found)


DEFINITIONS: list[Definition] = []
"""Every definition that was imported, in order."""


def _declare(keyword: str, pattern: str) -> Callable[[Builder], Builder]:
    expression = CucumberExpression(pattern, TYPES)

    def register(build: Builder) -> Builder:
        code = inspect.unwrap(build).__code__
        DEFINITIONS.append(
            Definition(
                keyword=keyword,
                pattern=pattern,
                build=build,
                expression=expression,
                file=code.co_filename,
                line=code.co_firstlineno,
            )
        )
        return build

    return register


def given(pattern: str) -> Callable[[Builder], Builder]:
    """A sentence of a Background: returns a Workload or a Fault."""
    return _declare("given", pattern)


def when(pattern: str) -> Callable[[Builder], Builder]:
    """A sentence that changes something: returns an Action, a Reinject or an Advice."""
    return _declare("when", pattern)


def then(pattern: str) -> Callable[[Builder], Builder]:
    """A sentence that checks something: returns a Probe or an Advice."""
    return _declare("then", pattern)
