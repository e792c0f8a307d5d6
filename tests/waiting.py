"""Waiting for what another process does."""

import time
from collections.abc import Callable
from typing import Any


def await_(what: str, fact: Callable[[], Any], within_s: float, every_s: float = 0.1) -> Any:
    """The fact, once it is one; ends with the last that was seen instead."""
    until = time.monotonic() + within_s
    while not (found := fact()):
        assert time.monotonic() < until, f"not within {within_s:g} s: {what}; at last: {found!r}"
        time.sleep(every_s)
    return found
