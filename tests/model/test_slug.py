"""Names as parts of node ids."""

import pytest

from drillbook.model.slug import slug


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("The alert fires", "the-alert-fires"),
        ("a::b [c] (d)", "a-b-c-d"),
        ("  --x--  ", "x"),
        ("日本", "日本"),
        ("Нехватка памяти!", "нехватка-памяти"),
        ("???", ""),
    ],
)
def test_slug(name: str, expected: str) -> None:
    assert slug(name) == expected
