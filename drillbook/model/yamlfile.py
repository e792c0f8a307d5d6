"""YAML files that people write, read strictly: safe types only, no duplicate keys, no aliases.

A duplicate key silently overrides its first value, and aliases let a small file stand for a huge
one; neither has a use in the files that we read.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from drillbook.model.errors import UsageError

LIMIT_BYTES = 2_000_000
"""What people write by hand is a hundred times smaller."""


class UnreadableYaml(UsageError):
    """A file is not YAML that is read here."""

    def __init__(self, path: Path, what: str, line: int = 0) -> None:
        super().__init__(f"{path}:{line}: {what}" if line else f"{path}: {what}")
        self.what, self.line = what, line


class Lined(dict[Any, Any]):
    """A mapping that knows the line (from 1) that it starts on, and that of each key."""

    line: int = 0
    lines: Mapping[Any, int] = MappingProxyType({})


class _StrictLoader(yaml.SafeLoader):
    """The safe loader, less what would be misread."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event: Any = self.get_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem="aliases are not read here", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {name!r} is there twice", problem_mark=key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep=deep)

    def construct_lined(self, node: yaml.MappingNode) -> Lined:
        lined = Lined(self.construct_mapping(node, deep=True))
        lined.line = node.start_mark.line + 1
        keys = (key for key, _ in node.value)
        lined.lines = {self.construct_object(k): k.start_mark.line + 1 for k in keys}
        return lined


_StrictLoader.add_constructor("tag:yaml.org,2002:map", _StrictLoader.construct_lined)


class _TextLoader(_StrictLoader):
    """Takes every scalar as the text that it is, as Prometheus does: `page: yes` is "yes"."""


for _kind in ("bool", "int", "float", "timestamp"):
    _TextLoader.add_constructor(f"tag:yaml.org,2002:{_kind}", lambda _, node: node.value)


def read(path: Path, *, as_text: bool = False) -> Any:
    """The one document of a file; every mapping in it is `Lined`, and with `as_text` every scalar
    but an empty one is text. Raises UnreadableYaml with the file and, where YAML knows it, the
    line."""
    return _parse(path, _TextLoader if as_text else _StrictLoader, all_documents=False)[0]


def read_all(path: Path) -> tuple[Any, ...]:
    """Every document of a file. Raises as `read` does."""
    return _parse(path, _StrictLoader, all_documents=True)


def _parse(path: Path, loader: type[_StrictLoader], *, all_documents: bool) -> tuple[Any, ...]:
    try:
        text = _text(path)
        # Both loaders are subclasses of SafeLoader: no tag can name a Python type.
        if all_documents:
            return tuple(yaml.load_all(text, loader))
        return (_as_text(text) if loader is _TextLoader else yaml.load(text, loader),)  # noqa: S506
    except OSError as error:
        raise UnreadableYaml(path, f"cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        what = f"not UTF-8: {error.reason} at byte {error.start}."
        raise UnreadableYaml(path, what) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        what = f"not usable YAML: {error.problem or error.context}."
        raise UnreadableYaml(path, what, mark.line + 1 if mark else 0) from error
    except (yaml.YAMLError, TypeError, RecursionError, ValueError) as error:
        raise UnreadableYaml(path, f"not usable YAML: {error}.") from error


@lru_cache(maxsize=64)
def _as_text(text: str) -> Any:
    """What a command reads several times over, and changes never: the rules of alerts."""
    return yaml.load(text, _TextLoader)  # noqa: S506


def _text(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(LIMIT_BYTES + 1)
    if len(data) > LIMIT_BYTES:
        raise UnreadableYaml(path, f"it has more than {LIMIT_BYTES} bytes. Split or shorten it.")
    return data.decode("utf-8")
