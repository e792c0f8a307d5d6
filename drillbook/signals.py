"""SIGTERM takes the path of Ctrl-C; while an undo runs, neither cuts it short."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that this process gets when its parent dies."""

DISPATCHED = "DRILLBOOK_DISPATCHED"
"""Set by the dispatcher for the processes it starts, to its own process id."""


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _hold_off(number: int, frame: FrameType | None) -> None:
    print(
        f"{signal.Signals(number).name} noted: the undo is under way and ends by itself. "
        "If it is killed, `drillbook sweep` removes what it leaves.",
        file=sys.stderr,
        flush=True,
    )


def take_termination_as_interrupt() -> None:
    """Let SIGTERM and SIGINT raise KeyboardInterrupt, and notice a dispatcher that died."""
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    parent = os.environ.get(DISPATCHED)
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # it died before the call
        raise KeyboardInterrupt


@contextmanager
def held_off() -> Iterator[None]:
    """Hold off SIGINT and SIGTERM, with a word on how to sweep."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, _hold_off) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
