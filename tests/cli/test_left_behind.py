"""A drill without a record: the run waits until the reaper has undone it, and says when not."""

from datetime import UTC, datetime

from drillbook.cli.commands.left_behind import left_behind
from drillbook.model.errors import CouldNotTell


class Clock:
    """Nobody waits: sleeping moves the time."""

    seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 21, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def test_it_waits_for_the_reaper() -> None:
    clock = Clock()

    def known() -> set[str]:
        return {"drill-a"} if clock.seconds < 40 else set()

    assert left_behind(known, [], clock, 45) == ""
    assert clock.seconds == 40


def test_what_is_not_undone_in_time_is_named() -> None:
    clock = Clock()
    assert left_behind(lambda: {"drill-b", "drill-a"}, [], clock, 45) == "drill-a, drill-b"
    assert clock.seconds == 45


def test_a_drill_whose_record_speaks_for_it_is_not_waited_for() -> None:
    """A kept one stays on purpose."""
    clock = Clock()
    assert left_behind(lambda: {"drill-kept"}, ["drill-kept"], clock, 45) == ""
    assert clock.seconds == 0


def test_what_cannot_be_told_counts_as_left() -> None:
    def known() -> set[str]:
        raise CouldNotTell("no answer.")

    assert left_behind(known, [], Clock(), 3) == "could not tell: no answer."


def test_a_moment_without_an_answer_is_tried_again() -> None:
    clock = Clock()

    def known() -> set[str]:
        if clock.seconds < 5:
            raise CouldNotTell("no answer.")
        return set()

    assert left_behind(known, [], clock, 45) == ""
