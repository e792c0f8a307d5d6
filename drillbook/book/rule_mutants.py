"""Expressions that differ from an alert's in one place. Its cases must tell each from the rule: a
comparison or a set operator turned, a number doubled or halved, a length of time tenfold, a matcher
or a label of `by (...)` gone. Pure."""

import re
from collections.abc import Iterator
from typing import Final

from drillbook.book import promql

_FLIPS: Final = {
    **{">=": "<", "<=": ">", ">": "<=", "<": ">=", "==": "!=", "!=": "=="},
    **{"and": "unless", "unless": "and", "or": "and"},
}
_OPERATOR: Final = re.compile(r">=|<=|==|!=|[<>]|\b(?:and|or|unless)\b")
_NUMBER: Final = re.compile(r"(?<![\w.:])(\d+(?:\.\d+)?)([smhdw]?)\b")
_MATCHERS: Final = re.compile(r'\{((?:[^"{}]|"(?:\\.|[^"\\])*")*)\}')
_MATCHER: Final = re.compile(r'\w+\s*(?:=~|!~|!=|=)\s*"(?:\\.|[^"\\])*"')
_BY: Final = re.compile(r"\bby\s*\(([^()]*)\)")


def of(expression: str) -> Iterator[tuple[str, str]]:
    """Each mutant with what was changed, as `total > 2 -> 4`; what is no valid rule is left out."""
    for start, end, word in (*_changes(expression), *_losses(expression)):
        mutant = f"{expression[:start]}{word}{expression[end:]}"
        try:
            promql.parsed(mutant)
        except promql.BadExpression:
            continue
        before = " ".join(expression[max(start - 40, 0) : end].split())
        yield f"{before} -> {word or 'nothing'}", mutant


def _changes(expression: str) -> Iterator[tuple[int, int, str]]:
    bare = _MATCHERS.sub(lambda found: "_" * len(found[0]), expression)
    for found in _OPERATOR.finditer(bare):
        yield *found.span(), _FLIPS[found[0]]
    for found in _NUMBER.finditer(bare):
        number = float(found[1])
        if found[2]:
            yield *found.span(), f"{number * 10:g}{found[2]}"
            continue
        for other in (number * 2 or 1, number // 2 if number > 1 else number - 1):
            yield *found.span(), f"{other:g}"


def _losses(expression: str) -> Iterator[tuple[int, int, str]]:
    """A matcher, or a label that an aggregation keeps, is taken away."""
    for inside, one in ((_MATCHERS, _MATCHER), (_BY, re.compile(r"\w+"))):
        for braces in inside.finditer(expression):
            words = [match[0] for match in one.finditer(braces[1])]
            for word in words:
                left = ", ".join(other for other in words if other != word)
                yield *braces.span(1), left
