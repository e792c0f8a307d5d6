"""The subset of kubectl's JSONPath."""

import pytest

from drillbook.sources import jsonpath

PODS = {
    "items": [
        {"m": {"labels": {"app.kubernetes.io/name": "orders"}}, "n": 2, "up": True},
        {"m": {"labels": {}}, "n": 3, "c": [{"name": "a", "v": 1}, {"name": "b", "v": 2}]},
    ]
}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("{.items[*].n}", "2 3"),
        ("{.items[0].n}", "2"),
        ("{.items[-1].n}", "3"),
        ("{.items[9].n}", ""),
        (r"{.items[*].m.labels.app\.kubernetes\.io/name}", "orders"),
        ('{.items[*].c[?(@.name=="b")].v}', "2"),
        ("{.items[0].up}", "true"),
        ("{.items[1].c[0]}", '{"name":"a","v":1}'),
        ("{.nothing.here}", ""),
    ],
)
def test_prints_what_kubectl_prints(path: str, text: str) -> None:
    assert jsonpath.evaluate(path, PODS) == text


@pytest.mark.parametrize("path", [".items", "{.items[1:2]}", "{..n}", "{range .items[*]}{end}"])
def test_what_is_outside_the_subset_is_an_error(path: str) -> None:
    with pytest.raises(ValueError, match=r"JSONPath|not understood"):
        jsonpath.check(path)
