"""Sentences as their authors read them: `the log of the <part> of "<name>" contains "<text>"`, what
each returns, and what it prints, from arguments that stand for any. Pure."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from drillbook.book.sentences import Definition
from drillbook.model import (
    Action,
    Advice,
    Component,
    Duration,
    Fault,
    Key,
    Part,
    Probe,
    Value,
    Var,
    Where,
    command,
    join,
    name_of,
)
from drillbook.model.errors import beginning

_GIVEN: Final = ("where", "doc_string", "table")
"""Parameters of a builder that no argument of its sentence fills."""
_OTHER: Final = Var("OTHER")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One sentence. `lines`: what a page or `show` prints of it, or what it sets up or changes."""

    keyword: str
    text: str
    kind: str
    lines: tuple[str, ...]
    place: str
    component: Component | None = None

    @property
    def sentence(self) -> str:
        return f"{self.keyword.capitalize()} {self.text}"


def samples(definitions: Sequence[Definition], root: Path) -> list[Sample]:
    """Every sentence, those that return the same together; places relative to `root`."""
    values = {d.place: _value(d, (_component(),)) for d in definitions}
    systems = tuple(value for value in values.values() if isinstance(value, Component))
    # A fault of one system needs that system's own component.
    values |= {d.place: _value(d, systems) for d in definitions if values[d.place] is None}
    found = [_sample(d, values[d.place], root) for d in definitions]
    order = ("Component", "Fault", "Probe", "Action", "Reinject", "Advice")
    return sorted(found, key=lambda one: (order.index(one.kind), one.place.rpartition(":")[0]))


def printed(value: Value) -> Iterator[str]:
    """The lines of a value as a shell takes them."""
    if isinstance(value, Probe):
        yield str(value.source.command())
    elif isinstance(value, Action):
        yield from value.block.splitlines()


def _sample(definition: Definition, value: Value | None, root: Path) -> Sample:
    file = Path(definition.file)
    shown = file.relative_to(root) if file.is_relative_to(root) else file
    return Sample(
        keyword=definition.keyword,
        text=_named(definition),
        kind=str(inspect.get_annotations(definition.build).get("return", "")).rpartition(".")[2],
        lines=tuple(_told(value)),
        place=f"{shown}:{definition.line}",
        component=value if isinstance(value, Component) else None,
    )


def _named(definition: Definition) -> str:
    """The pattern with its parameters called what the builder calls them."""
    names = iter([name for name, _ in _free(definition)])
    shapes = {"string": '"<{}>"', "part": 'the <part> of "<name>"'}

    def named(found: re.Match[str]) -> str:
        return shapes.get(found[1], "<{}>").format(next(names))

    return re.sub(r"\{(\w*)\}", named, definition.pattern)


def _free(definition: Definition) -> list[tuple[str, str]]:
    """The parameters that arguments fill, each with the name of its type."""
    kinds = inspect.get_annotations(definition.build)
    parameters = inspect.signature(definition.build).parameters
    names = [name for name in parameters if name not in _GIVEN]
    return [(n, getattr(kinds.get(n), "__name__", str(kinds.get(n)))) for n in names]


def _value(definition: Definition, systems: Sequence[Component]) -> Value | None:
    """What a sentence of sample arguments returns, on the first system that it takes."""
    for system in systems:
        arguments = {name: _argument(name, kind, system) for name, kind in _free(definition)}
        if "where" in inspect.signature(definition.build).parameters:
            arguments["where"] = Where()
        try:
            return definition.build(**arguments)
        except Exception:  # noqa: BLE001, S112 - a builder may refuse what stands for any argument
            continue
    return None


def _argument(name: str, kind: str, system: Component) -> Any:
    stands: Mapping[str, Callable[[], Any]] = {
        "Component": lambda: system,
        "Part": lambda: system.parts[0],
        "Duration": partial(Duration, "90s"),
        "int": partial(int, 2),
        "Key": lambda: Key(name.upper()),
        "Word": lambda: Var(name.upper()),
    }
    return stands.get(kind, name.upper)()


def _component() -> Component:
    part = Part(
        role="part",
        kind="Deployment",
        name=Var("NAME"),
        selector=join("app=", Var("NAME")),
        container="CONTAINER",
    )
    own = name_of("OTHER", _OTHER, command("kubectl"))
    return Component(title="any", manifests=(), ready=(), names=(own,), parts=(part,))


def _told(value: Value | None) -> Iterator[str]:
    if isinstance(value, Component):
        yield value.title
        parts = ", ".join(f"the {part.role} of ..." for part in value.parts)
        yield f"parts: {parts or 'none'}"
        yield from (f"endpoint: {one.var.name} is port {one.port}" for one in value.endpoints)
    elif isinstance(value, Fault):
        yield value.title
        yield from (beginning(change.in_words().replace("`", "")) for change in value.changes)
        yield f"effect: {value.effect.source.command()}: {value.effect.expect.describe()}"
    elif isinstance(value, Advice):
        yield "recorded as MANUAL; never counted as passed"
    elif value is None:
        yield "it takes only names that it knows: look at its place"
    else:
        yield from (f"$ {line}" for line in printed(value))
        if isinstance(value, Probe):
            yield f"expect: {value.expect.describe()}"
