"""Numbers that cannot lie: rates with denominators, intervals, times not reached."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

Z_95: Final = 1.959963984540054
"""The 97.5 % quantile of the normal distribution, for two-sided 95 % intervals."""

ENOUGH_FOR_P95: Final = 20
"""With fewer values the 95th percentile is the largest one, and is called that."""


@dataclass(frozen=True)
class Ratio:
    """`part` of `whole`. Nothing of nothing is not a rate: `share` is None."""

    part: int
    whole: int

    def __post_init__(self) -> None:
        if not 0 <= self.part <= self.whole:
            raise ValueError(f"{self.part} of {self.whole} is no share")

    @property
    def share(self) -> float | None:
        return self.part / self.whole if self.whole else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % score interval, as two shares; None of nothing.

        Source: E. B. Wilson, "Probable inference, the law of succession, and statistical
        inference", Journal of the American Statistical Association 22 (1927), 209-212:
        (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n).
        """
        if self.share is None:
            return None
        n, p, square = self.whole, self.share, Z_95**2
        middle = p + square / (2 * n)
        reach = Z_95 * math.sqrt(p * (1 - p) / n + square / (4 * n * n))
        low, high = ((middle + sign * reach) / (1 + square / n) for sign in (-1, 1))
        # Exact at the ends, where the two terms cancel but for rounding.
        return (0.0 if self.part == 0 else low), (1.0 if self.part == n else high)

    def __str__(self) -> str:
        if self.share is None:
            return "0 of 0 (no data)"
        return f"{self.part} of {self.whole} ({percent(self.share)})"

    @property
    def with_interval(self) -> str:
        """`10 of 10 (100 %; 95 % interval 72 % to 100 %)`."""
        if self.share is None or self.interval is None:
            return str(self)
        low, high = self.interval
        # Outwards: an interval that is rounded inwards claims more than was shown.
        reach = f"{math.floor(low * 100)} % to {math.ceil(high * 100)} %"
        return f"{self.part} of {self.whole} ({percent(self.share)}; 95 % interval {reach})"


def ratio(outcomes: Sequence[bool]) -> Ratio:
    """How many of the outcomes are true."""
    return Ratio(sum(outcomes), len(outcomes))


def percent(share: float) -> str:
    """A share as people write it; only all is 100 % and only nothing is 0 %."""
    number = share * 100
    if 0 < number < 1:
        return "under 1 %"
    if 99 < number < 100:
        return "over 99 %"
    return f"{number:.0f} %"


@dataclass(frozen=True)
class Spread:
    """Seconds, of which `missed` were not reached: right-censored, longer than was waited."""

    values: tuple[float, ...]
    missed: int = 0

    @property
    def n(self) -> int:
        return len(self.values) + self.missed

    @property
    def median(self) -> float | None:
        """None of nothing; infinite when half or more were not reached."""
        found = self._sorted
        if not found:
            return None
        return (found[(self.n - 1) // 2] + found[self.n // 2]) / 2

    @property
    def p95(self) -> float | None:
        """The 95th percentile by nearest rank; of fewer than 20 values the largest."""
        found = self._sorted
        return found[math.ceil(0.95 * self.n) - 1] if found else None

    @property
    def p95_word(self) -> str:
        return "p95" if self.n >= ENOUGH_FOR_P95 else "maximum"

    @property
    def _sorted(self) -> list[float]:
        return [*sorted(self.values), *[math.inf] * self.missed]


def spread(values: Sequence[float | None]) -> Spread:
    """None: not reached."""
    reached = tuple(value for value in values if value is not None)
    return Spread(reached, len(values) - len(reached))


def seconds(value: float | None) -> str:
    """A length of time for a person: `under 1 s`, `49 s`, `1 min 17 s`, `2 h 3 min`."""
    if value is None:
        return "no data"
    if math.isinf(value):
        return "not reached"
    if value < 0:
        return f"-{seconds(-value)}"
    if 0 < value < 1:
        return "under 1 s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _two(whole, 60, "min", 1, "s")
    return _two(whole, 3600, "h", 60, "min")


def before_or_after(value: float | None) -> str:
    """A time that is measured from a mark: `8 s before`, `3 s after`; `at` it within a second."""
    if value is None:
        return "no data"
    if abs(value) < 1:
        return "within 1 s of"
    return f"{seconds(abs(value))} {'before' if value < 0 else 'after'}"


def _two(whole: int, large: int, large_unit: str, small: int, small_unit: str) -> str:
    first, rest = divmod(whole, large)
    second = rest // small
    return f"{first} {large_unit}" + (f" {second} {small_unit}" if second else "")
