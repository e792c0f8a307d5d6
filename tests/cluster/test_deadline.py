"""A read ends: with its answer, its error, or its deadline."""

import threading

import pytest

from drillbook.cluster.deadline import within
from drillbook.model.errors import CouldNotTell


@pytest.mark.parametrize("error", [CouldNotTell("no"), KeyError("k"), SystemExit(1)])
def test_what_is_read_or_raised_comes_through(error: BaseException) -> None:
    def read() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        within(5, "x", read)
    assert caught.value is error
    assert within(5, "x", lambda: None) is None


def test_what_does_not_end_is_given_up_and_named() -> None:
    ended = threading.Event()
    with pytest.raises(CouldNotTell, match=r"the log of x: it did not end within 0\.05 s"):
        within(0.05, "the log of x", ended.wait)
    ended.set()
