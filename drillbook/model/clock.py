"""Time as an argument: stamps are UTC, lengths are monotonic, waiting can be ended."""

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What the engine knows of time."""

    def now(self) -> datetime:
        """UTC."""

    def monotonic(self) -> float:
        """Seconds."""

    def sleep(self, seconds: float) -> None:
        """Raises Stopped when the drill ends meanwhile."""


def since_boot() -> float:
    """Seconds that go on while the machine sleeps, as a lease does, where there is such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Stopped(Exception):
    """The drill ended while a background question was waiting."""


class CountingClock:
    """Another clock, and how many seconds were slept on it: what was waited. For one thread."""

    def __init__(self, clock: Clock) -> None:
        self.slept_s = 0.0
        self.now = clock.now
        self.monotonic = clock.monotonic
        self._sleep = clock.sleep

    def sleep(self, seconds: float) -> None:
        begin = self.monotonic()
        try:
            self._sleep(seconds)
        finally:
            self.slept_s += self.monotonic() - begin


class SystemClock:
    """The machine's clock."""

    def __init__(self) -> None:
        self._ended = threading.Event()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return since_boot()

    def sleep(self, seconds: float) -> None:
        if self._ended.wait(seconds):
            raise Stopped

    def end(self) -> None:
        """End every background wait; later waits of the same clock end at once."""
        self._ended.set()
