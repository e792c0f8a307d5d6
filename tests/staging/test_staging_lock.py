"""One command at a time, and the holder is named."""

import os
import secrets

import pytest

from drillbook.model.errors import Refused
from drillbook_staging import lock


def fresh() -> str:
    return f"\0drillbook-test-{secrets.token_hex(8)}"


def test_a_second_holder_is_refused_and_told_who_holds_it() -> None:
    name = fresh()
    with (
        lock.held(name),
        pytest.raises(Refused, match=rf"\(process {os.getpid()}\)"),
        lock.held(name),
    ):
        pass


def test_it_is_free_again_afterwards_also_after_an_error() -> None:
    name = fresh()
    with pytest.raises(KeyError), lock.held(name):
        raise KeyError
    with lock.held(name):
        pass


def test_the_holder_is_known_to_whoever_asks() -> None:
    name = fresh()
    with lock.held(name):
        assert lock.holder(name) == os.getpid()
    assert lock.holder(name) is None
