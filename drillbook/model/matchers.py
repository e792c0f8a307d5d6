"""What a probe may expect. Each matcher is data, pure, and says itself on the page. `Absent` makes
an ordinary matcher false and makes `silent` and `gone` hold."""

import math
from dataclasses import dataclass
from datetime import datetime

from drillbook.model import Absent, AlertState, Answer


def numbers(answer: Answer) -> tuple[float, ...]:
    """The finite numbers in an answer, blank-separated; words that are no number are left out."""
    if isinstance(answer, (Absent, AlertState)):
        return ()
    found = []
    for word in str(answer).split():
        try:
            found.append(float(word))
        except ValueError:
            continue
    return tuple(n for n in found if math.isfinite(n))


@dataclass(frozen=True)
class AnyEquals:
    """One of the blank-separated words is exactly `expected`."""

    expected: str

    def holds(self, answer: Answer, since: datetime | None) -> bool:
        return isinstance(answer, str) and self.expected in answer.split()

    def describe(self) -> str:
        return f"`{self.expected}`"


@dataclass(frozen=True)
class Equals:
    """The whole answer, without surrounding blanks, is `expected`."""

    expected: str

    def holds(self, answer: Answer, since: datetime | None) -> bool:
        return isinstance(answer, str) and answer.strip() == self.expected

    def describe(self) -> str:
        return f"exactly `{self.expected}`"


@dataclass(frozen=True)
class Contains:
    """The answer contains `expected`."""

    expected: str

    def holds(self, answer: Answer, since: datetime | None) -> bool:
        return isinstance(answer, str) and self.expected in answer

    def describe(self) -> str:
        return f"a line with `{self.expected}`"

    def lines(self, answer: str) -> str:
        """The lines that made it hold: evidence that fits on a page."""
        return "\n".join(line for line in answer.splitlines() if self.expected in line)


@dataclass(frozen=True)
class AtLeast:
    """The largest number in the answer is at least `threshold`."""

    threshold: float

    def holds(self, answer: Answer, since: datetime | None) -> bool:
        return max(numbers(answer), default=-math.inf) >= self.threshold

    def describe(self) -> str:
        return f"{self.threshold:g} or more"


@dataclass(frozen=True)
class AtMost:
    """There is a number in the answer, and the largest is at most `threshold`."""

    threshold: float

    def holds(self, answer: Answer, since: datetime | None) -> bool:
        return max(numbers(answer), default=math.inf) <= self.threshold

    def describe(self) -> str:
        return f"{self.threshold:g} or less"


@dataclass(frozen=True)
class Present:
    """It is there and says something, whatever that is."""

    def holds(self, answer: Answer, since: datetime | None) -> bool:
        return isinstance(answer, float) or (isinstance(answer, str) and bool(answer.strip()))

    def describe(self) -> str:
        return "anything but nothing"


@dataclass(frozen=True)
class Not:
    """It is there, and a text that is not what `text` expects. What speaks of numbers, alerts or
    absence has its own opposite: its negation would also hold for an answer nobody understands."""

    text: AnyEquals | Equals | Contains

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if not isinstance(self.text, (AnyEquals, Equals, Contains)):
            raise ValueError(f"{self.text!r} has an opposite of its own: at_most, silent, present")

    def holds(self, answer: Answer, since: datetime | None) -> bool:
        return isinstance(answer, str) and not self.text.holds(answer, since)

    def describe(self) -> str:
        return f"something, and not {self.text.describe()}"


@dataclass(frozen=True)
class AfterLastChange:
    """The answer is a Unix time (seconds) later than the last change, yours or the drill's."""

    def holds(self, answer: Answer, since: datetime | None) -> bool:
        floor = -math.inf if since is None else since.timestamp()
        return max(numbers(answer), default=-math.inf) > floor

    def describe(self) -> str:
        return "a Unix time later than your last change (`date +%s` prints the present one)"


@dataclass(frozen=True)
class Firing:
    """The alert fires and Alertmanager lists it."""

    def holds(self, answer: Answer, since: datetime | None) -> bool:
        return isinstance(answer, AlertState) and answer.firing and answer.listed

    def describe(self) -> str:
        return "one alert or more in the list"


@dataclass(frozen=True)
class Silent:
    """The alert does not fire and Alertmanager no longer lists it."""

    def holds(self, answer: Answer, since: datetime | None) -> bool:
        if isinstance(answer, Absent):
            return True
        loud = isinstance(answer, AlertState) and (answer.firing or answer.pending or answer.listed)
        return isinstance(answer, AlertState) and not loud

    def describe(self) -> str:
        return "an empty list, `[]`"


@dataclass(frozen=True)
class Gone:
    """The server answered that it is not there."""

    def holds(self, answer: Answer, since: datetime | None) -> bool:
        return isinstance(answer, Absent)

    def describe(self) -> str:
        return "nothing"


any_equals, equals, contains = AnyEquals, Equals, Contains
at_least, at_most, present, is_not = AtLeast, AtMost, Present, Not
after_last_change, firing, silent, gone = AfterLastChange, Firing, Silent, Gone
