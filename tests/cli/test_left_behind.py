"""A drill without a record: the run waits until the reaper has undone it, and says when not."""

from collections.abc import Callable

import pytest

from drillbook.cli.commands.left_behind import left_behind
from drillbook.model.errors import CouldNotTell
from tests.drill.test_perform import HandClock


def undone_at(end: float, answering_at: float = 0.0) -> Callable[[float], set[str]]:
    """Two drills that are known until then."""

    def known(at: float) -> set[str]:
        if at < answering_at:
            raise CouldNotTell("no answer.")
        return {"drill-b", "drill-a"} if at < end else set()

    return known


@pytest.mark.parametrize(
    ("known", "kept", "said", "waited"),
    [
        (undone_at(40), [], "", 40),
        (undone_at(99), [], "drill-a, drill-b", 45),
        # A drill whose record speaks for it is not waited for: a kept one stays on purpose.
        (undone_at(99), ["drill-a", "drill-b"], "", 0),
        (undone_at(0, answering_at=99), [], "could not tell: no answer.", 45),
        (undone_at(0, answering_at=5), [], "", 5),
    ],
)
def test_it_waits_for_the_reaper_and_names_what_is_left(
    known: Callable[[float], set[str]], kept: list[str], said: str, waited: float
) -> None:
    clock = HandClock()
    assert left_behind(lambda: known(clock.seconds), kept, clock, 45) == said
    assert clock.seconds == waited
