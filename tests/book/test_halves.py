"""A large book's work in two processes, with one process' answer."""

import os
import signal
from collections.abc import Callable, Sequence

import pytest

from drillbook.book.halves import FEWEST, in_halves

HERE = os.getpid()


def told(items: Sequence[int]) -> list[int]:
    return [*items, os.getpid()]


@pytest.mark.parametrize("cores", [1, 2])
@pytest.mark.parametrize("number", [FEWEST - 1, FEWEST, FEWEST + 1])
def test_order_and_number(number: int, cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    halves = in_halves(told, range(number))
    assert [one for half in halves for one in half[:-1]] == list(range(number))
    assert len({half[-1] for half in halves}) == (2 if cores == 2 and number >= FEWEST else 1)


def refuse(items: Sequence[int]) -> list[int]:
    raise ValueError(items[0])


def only_here(why: Callable[[], object]) -> Callable[[Sequence[int]], list[int]]:
    """Work that fails in the second process only."""
    return lambda items: list(items) if os.getpid() == HERE else why() and []


def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def failed() -> None:
    raise OSError("no memory")


@pytest.mark.parametrize("why", [killed, failed])
def test_what_is_owed_is_done_here(
    why: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    assert in_halves(only_here(why), range(100)) == [list(range(50)), list(range(50, 100))]
    with pytest.raises(ValueError, match="0"):
        in_halves(refuse, range(100))
