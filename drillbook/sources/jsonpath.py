"""The subset of kubectl's JSONPath that both faces of `Kube` understand.

`{.items[*].status.containerStatuses[0].lastState.terminated.reason}`: fields, `\\.` inside a field
name, `[*]`, `[n]` (negative from the end) and `[?(@.name=="x")]`. One expression, no text around
it. Source: kubectl's JSONPath reference; what is outside the subset is an error, never ignored.
"""

import json
import re
from functools import lru_cache
from typing import Any

_TOKEN = re.compile(
    r"""
      \.(?P<field>(?:[A-Za-z0-9_/-]|\\.)+)
    | \[(?P<index>-?\d+|\*)\]
    | \[\?\(@\.(?P<key>[A-Za-z0-9_]+)\s*==\s*["'](?P<value>[^"']*)["']\)\]
    """,
    re.VERBOSE,
)


@lru_cache(maxsize=512)
def _tokens(path: str) -> tuple[re.Match[str], ...]:
    if not (path.startswith("{") and path.endswith("}")):
        raise ValueError(f"{path!r}: a JSONPath is written in braces, such as {{.status.phase}}")
    inner, position, found = path[1:-1], 0, []
    while position < len(inner):
        match = _TOKEN.match(inner, position)
        if match is None:
            raise ValueError(f"{path!r}: not understood from {inner[position:]!r} on")
        found.append(match)
        position = match.end()
    return tuple(found)


def _step(token: re.Match[str], value: Any) -> list[Any]:
    """The values one token leads to; none where the field or item is not there."""
    if token["field"] is not None:
        name = token["field"].replace("\\.", ".")
        return [value[name]] if isinstance(value, dict) and name in value else []
    if not isinstance(value, list):
        return []
    if token["index"] == "*":
        return value
    if token["index"] is not None:
        index = int(token["index"])
        return [value[index]] if -len(value) <= index < len(value) else []
    return [v for v in value if isinstance(v, dict) and v.get(token["key"]) == token["value"]]


def check(path: str) -> str:
    """The path itself. Raises ValueError when it is outside the subset."""
    _tokens(path)
    return path


def evaluate(path: str, data: Any) -> str:
    """What kubectl would print: the values found, blank-separated; empty when there is none."""
    values = [data]
    for token in _tokens(path):
        values = [found for value in values for found in _step(token, value)]
    return " ".join(_text(value) for value in values)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
