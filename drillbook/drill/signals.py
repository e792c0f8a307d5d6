"""SIGTERM and SIGHUP take the path of Ctrl-C; while an undo runs, none of them cuts it short."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that this process gets when its parent dies."""

DISPATCHED = "DRILLBOOK_DISPATCHED"
"""Set by the dispatcher for the processes it starts, to its own process id."""

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends a drill, by way of its undo."""

Handler = Callable[[int, FrameType | None], None]


def _interrupt(number: int, frame: FrameType | None) -> None:
    # The way to the undo has begun: a second signal must not catch it half-way.
    for one in ENDING:
        signal.signal(one, _hold_off)
    raise KeyboardInterrupt


def _hold_off(number: int, frame: FrameType | None) -> None:
    # Nobody may be left to read it: a closed pipe is no reason to stop an undo.
    with suppress(OSError):
        print(
            f"{signal.Signals(number).name} noted: the undo is under way and ends by itself. "
            "If it is killed, `drillbook undo --dead` removes what it leaves.",
            file=sys.stderr,
            flush=True,
        )


def take_termination_as_interrupt() -> None:
    """Let what ends a drill raise KeyboardInterrupt, and notice a dispatcher that died."""
    for number in ENDING:
        signal.signal(number, _interrupt)
    parent = os.environ.get(DISPATCHED)
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # it died before the call
        raise KeyboardInterrupt


@contextmanager
def handled_by(handler: Handler) -> Iterator[None]:
    """Another handler for what ends a drill, until the block is left."""
    before = {number: signal.signal(number, handler) for number in ENDING}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def held_off() -> Iterator[None]:
    """Hold off what ends a drill, and say how to undo; a first signal interrupts afterwards."""
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)
        _hold_off(number, frame)

    already = signal.getsignal(signal.SIGTERM) is _hold_off
    with handled_by(note):
        yield
    if noted and not already:
        raise KeyboardInterrupt
