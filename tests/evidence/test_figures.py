"""Rates, intervals and times, at their edges."""

import math

import pytest

from drillbook.evidence.figures import Ratio, before_or_after, percent, ratio, seconds, spread


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        # What a perfect score of so many causes proves, by evaluation.md.
        (10, 10, 0.7225, 1.0),
        (35, 35, 0.9011, 1.0),
        (0, 10, 0.0, 0.2775),
        (8, 10, 0.4902, 0.9433),  # a textbook value of the Wilson interval
    ],
)
def test_wilson_s_interval(part: int, whole: int, low: float, high: float) -> None:
    interval = Ratio(part, whole).interval
    assert interval == pytest.approx((low, high), abs=5e-5)


def test_nothing_of_nothing_is_no_rate() -> None:
    assert str(ratio([True, False, True])) == "2 of 3 (67 %)"
    assert Ratio(34, 34).with_interval == "34 of 34 (100 %; 95 % interval 89 % to 100 %)"
    shares = {1.0: "100 %", 0.999: "over 99 %", 0.0: "0 %", 0.001: "under 1 %"}
    assert {one: percent(one) for one in shares} == shares
    nothing = Ratio(0, 0)
    assert nothing.share is None
    assert nothing.interval is None
    assert str(nothing) == nothing.with_interval == "0 of 0 (no data)"


@pytest.mark.parametrize(
    ("values", "n", "missed", "median", "p95", "word"),
    [
        ([3.0, 1.0, 2.0], 3, 0, 2.0, 3.0, "maximum"),
        ([float(n) for n in range(1, 101)], 100, 0, 50.5, 95.0, "p95"),
        # What was not reached counts as longer than everything.
        ([1.0, 2.0, None], 3, 1, 2.0, math.inf, "maximum"),
        ([1.0, None], 2, 1, math.inf, math.inf, "maximum"),
        ([], 0, 0, None, None, "maximum"),
    ],
)
def test_a_spread(
    values: list[float | None], n: int, missed: int, median: float, p95: float, word: str
) -> None:
    found = spread(values)
    assert (found.n, found.missed, found.median, found.p95) == (n, missed, median, p95)
    assert found.p95_word == word


SECONDS = {None: "no data", math.inf: "not reached", 0.85: "under 1 s", 59.6: "1 min"}
SECONDS |= {77.0: "1 min 17 s", 7389.0: "2 h 3 min", 49.2: "49 s"}
MARKS = {None: "no data", -7.6: "8 s before", 3.0: "3 s after", -0.4: "within 1 s of"}


def test_times_in_words() -> None:
    assert {one: seconds(one) for one in SECONDS} == SECONDS
    assert {one: before_or_after(one) for one in MARKS} == MARKS
    for part, whole in ((2, 1), (-1, 1), (1, 0), (0, -1)):
        with pytest.raises(ValueError, match="no share"):
            Ratio(part, whole)
