"""PromQL as a syntax tree: what an expression reads, and which labels its result can carry. Pure.
"Can" is meant strictly: the answer is no only where a label is provably lost, whatever the series
are. A bare selector keeps every label, so most expressions can carry any."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import promql_parser as parser
from promql_parser import Expr

Recorded = Callable[[str, str], bool | None]
"""Metric, label -> whether its series can carry the label; None: no recording rule makes it."""

_PICKING: Final = ("topk", "bottomk", "limitk", "limit_ratio")
"""Aggregations that answer with some of their series, whole."""
LONGEST: Final = 500
"""Operators and brackets of one expression: each may be a level of its tree."""
_UNITS: Final = {"y": 31536000, "w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
_DURATION: Final = re.compile("0|" + "".join(rf"(?:(\d+){unit})?" for unit in _UNITS))


class BadExpression(ValueError):
    """What Prometheus would not take as a rule's expression; says why, in one line."""


def seconds(text: str) -> float:
    """A duration as Prometheus writes it: `0`, `90s`, `1h30m`. Raises ValueError."""
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        raise ValueError(f"{text!r} is not a duration: write a number and a unit, such as 90s")
    return sum(int(n or 0) * s for n, s in zip(found.groups(), _UNITS.values(), strict=True))


def longest_range_s(text: str) -> float:
    """Seconds of the longest range of time in an expression, as `[5m]` or `[1h:1m]`."""
    return max(map(seconds, ranges(text)), default=0.0)


def ranges(text: str) -> list[str]:
    """Each range of time in an expression, as written: `[1h:1m]` gives `1h`."""
    return re.findall(r"\[(\w+)(?::\w*)?\]", text)


@lru_cache(maxsize=4096)
def parsed(text: str) -> Expr:
    """The tree. Raises BadExpression, also for what is no rule's: a range of time, or a text."""
    if len(re.findall(r"[-+*/%^<>=(!]|\b(?:and|or|unless)\b", text)) > LONGEST:
        raise BadExpression(f"it has more than {LONGEST} operators and brackets")
    try:
        tree: Expr = parser.parse(text)
    except (ValueError, OverflowError) as error:
        raise BadExpression(str(error).strip() or "it is empty") from error
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":
            raise
        # The parser's Rust side gave up on it, such as on `up offset NaN`.
        raise BadExpression(f"it cannot be read: {error}") from error
    if isinstance(_inside(tree), (parser.MatrixSelector, parser.SubqueryExpr)):
        raise BadExpression("its result is a range of time: a rule needs one value for each series")
    if isinstance(_inside(tree), parser.StringLiteral):
        raise BadExpression("its result is a text: a rule needs a value")
    return tree


def labels_in(text: str) -> dict[str, str]:
    """The labels of `{severity="P1"}`. Raises BadExpression."""
    selector = _inside(parsed(text))
    if not isinstance(selector, parser.VectorSelector):
        raise BadExpression("it selects nothing by its labels")
    return dict(_equal(selector))


def reads(tree: Expr, metric: str) -> bool:
    """Whether an expression selects series of this name; a selector without one selects any."""
    return any(_may_name(one, metric) for one in _selectors(tree))


def tells_job(tree: Expr) -> bool:
    """Whether every selector names its job or its instance, and so where it looks."""
    places = ("job", "instance")
    every = [
        any(m.name in places and m.value for m in one.matchers.matchers) for one in _selectors(tree)
    ]
    return bool(every) and all(every)


def keeps_inside(tree: Expr, label: str) -> bool:
    """Whether some part of an expression keeps a label by its name, so that its series have it."""
    found: list[bool] = []

    def visit(node: Expr) -> None:
        how = getattr(node, "modifier", None)
        if isinstance(node, parser.AggregateExpr) and how is not None:
            found.append(how.type == parser.AggModifierType.By and label in how.labels)
        elif isinstance(node, parser.BinaryExpr) and how is not None:
            on, named = _matching(how)
            found.append((on and label in named) or label in (how.group_labels or ()))

    parser.walk(tree, visit)
    return any(found)


def _selectors(tree: Expr) -> list[parser.VectorSelector]:
    found: list[parser.VectorSelector] = []

    def visit(node: Expr) -> None:
        if isinstance(node, parser.MatrixSelector):
            found.append(node.vector_selector)
        elif isinstance(node, parser.VectorSelector):
            found.append(node)

    parser.walk(tree, visit)
    return found


def past(tree: Expr) -> frozenset[str]:
    """The metrics of whose past an expression needs something: by a range, an offset or a subquery.
    What is only taken away by `unless` is needed by nobody."""
    tree = _inside(tree)
    if isinstance(tree, parser.BinaryExpr):
        sides = (tree.lhs,) if str(tree.op) == "unless" else (tree.lhs, tree.rhs)
        return frozenset().union(*map(past, sides))
    if isinstance(tree, (parser.MatrixSelector, parser.SubqueryExpr)):
        return frozenset(one.name for one in _selectors(tree) if one.name)
    if isinstance(tree, parser.VectorSelector):
        return frozenset({tree.name} if tree.offset and tree.name else ())
    if isinstance(tree, (parser.AggregateExpr, parser.UnaryExpr)):
        return past(tree.expr)
    inner = tree.args if isinstance(tree, parser.Call) else ()
    return frozenset().union(*map(past, inner))


def _may_name(selector: parser.VectorSelector, metric: str) -> bool:
    if selector.name is not None:
        return bool(selector.name == metric)
    return all(_agrees(m, metric) for m in selector.matchers.matchers if m.name == "__name__")


def _agrees(matcher: parser.Matcher, value: str) -> bool:
    op, kinds = matcher.op, parser.MatchOp
    if op in (kinds.Equal, kinds.NotEqual):
        return bool((matcher.value == value) == (op == kinds.Equal))
    try:
        return bool((re.fullmatch(matcher.value, value) is not None) == (op == kinds.Re))
    except re.error:  # Go's syntax is not Python's: what cannot be told may be
        return True


def carries(tree: Expr, label: str, recorded: Recorded = lambda _metric, _label: None) -> bool:
    """Whether the result can carry a label."""
    tree = _inside(tree)
    if isinstance(tree, (parser.UnaryExpr, parser.SubqueryExpr)):
        return carries(tree.expr, label, recorded)
    if isinstance(tree, parser.MatrixSelector):
        return carries(tree.vector_selector, label, recorded)
    if isinstance(tree, parser.VectorSelector):
        known = recorded(tree.name, label) if tree.name else None
        return known is not False and (label, "") not in _equal(tree)
    if isinstance(tree, parser.AggregateExpr):
        return _aggregated(tree, label, carries(tree.expr, label, recorded))
    if isinstance(tree, parser.BinaryExpr):
        sides = (carries(side, label, recorded) for side in (tree.lhs, tree.rhs))
        return _joined(tree, label, *sides)
    return isinstance(tree, parser.Call) and _called(tree, label, recorded)


def _inside(tree: Expr) -> Expr:
    while isinstance(tree, parser.ParenExpr):
        tree = tree.expr
    return tree


def _equal(selector: parser.VectorSelector) -> list[tuple[str, str]]:
    """What a selector wants by `=`. An empty label is one that is not there."""
    return [(m.name, m.value) for m in selector.matchers.matchers if m.op == parser.MatchOp.Equal]


def _aggregated(tree: parser.AggregateExpr, label: str, inside: bool) -> bool:
    if str(tree.op) in _PICKING:
        return inside
    if str(tree.op) == "count_values" and getattr(tree.param, "val", None) == label:
        return True
    how = tree.modifier
    by = how is None or how.type == parser.AggModifierType.By
    return inside and (label in (() if how is None else how.labels)) == by


def _joined(tree: parser.BinaryExpr, label: str, left: bool, right: bool) -> bool:
    op, how = str(tree.op), tree.modifier
    if op == "or" or _is_scalar(tree.lhs) or _is_scalar(tree.rhs):
        return left or right
    if op == "unless":
        return left
    on, named = _matching(how)
    cards = parser.VectorMatchCardinality
    card = cards.OneToOne if how is None else how.card
    if card == cards.OneToMany:
        left, right = right, left
    if label in ((how.group_labels or ()) if how is not None else ()):
        return right
    if (label in named) == on:  # it is matched: both sides must have it, or what fills one's place
        fills = how is not None and (how.fill_values.lhs, how.fill_values.rhs) != (None, None)
        return (left or right) if fills else (left and right)
    # Not matched: it stays where the result is the left side's series.
    return left and (op == "and" or card != cards.OneToOne)


def _matching(how: parser.BinModifier | None) -> tuple[bool, list[str]]:
    """Whether labels are matched `on` these, and which; else `ignoring` these."""
    if how is None or how.matching is None:
        return False, []
    return bool(how.matching.type == parser.LabelModifierType.Include), how.matching.labels


def _is_scalar(tree: Expr) -> bool:
    tree = _inside(tree)
    if isinstance(tree, parser.UnaryExpr):
        return _is_scalar(tree.expr)
    if isinstance(tree, parser.BinaryExpr):
        return _is_scalar(tree.lhs) and _is_scalar(tree.rhs)
    if isinstance(tree, parser.Call):
        return bool(tree.func.return_type == parser.ValueType.Scalar)
    return isinstance(tree, parser.NumberLiteral)


def _called(tree: parser.Call, label: str, recorded: Recorded) -> bool:
    name, arguments = tree.func.name, [_inside(one) for one in tree.args]
    texts = [one.val for one in arguments if isinstance(one, parser.StringLiteral)]
    if name in ("absent", "absent_over_time"):
        return _absent(arguments[0], label)
    if name == "info":
        return True
    if name in ("label_replace", "label_join", "histogram_quantiles") and label in texts[:1]:
        return True
    if _is_scalar(tree) or (name.startswith("histogram_quantile") and label == "le"):
        return False
    return any(carries(one, label, recorded) for one in arguments)


def _absent(tree: Expr, label: str) -> bool:
    """What is absent is said by its selector's `=`, where a label is named once."""
    selector = tree.vector_selector if isinstance(tree, parser.MatrixSelector) else tree
    if not isinstance(selector, parser.VectorSelector):
        return False
    named = [m.name for m in selector.matchers.matchers]
    return named.count(label) == 1 and any(n == label and v for n, v in _equal(selector))
