"""A large book's work in two processes. No pool and no import of what works: the second process is
a fork that has everything, and only its answer travels."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Final, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

FEWEST: Final = 50
"""With fewer items a second process costs more than it saves."""


def in_halves(work: Callable[[Sequence[Item]], Answer], items: Sequence[Item]) -> list[Answer]:
    """`work` of the items' halves in order, or of all of them where two processes are no gain. The
    answer must be picklable. Raises what `work` raises."""
    # A fork copies one thread: what another one holds would be held forever.
    alone = threading.active_count() == 1 and sys.platform == "linux"
    if len(items) < FEWEST or not alone or len(os.sched_getaffinity(0)) < 2:
        return [work(items)]
    first, second = items[: len(items) // 2], items[len(items) // 2 :]
    forking = multiprocessing.get_context("fork")
    receiver, sender = forking.Pipe(duplex=False)
    child = forking.Process(target=_send, args=(sender, work, second), daemon=True)
    child.start()
    sender.close()
    try:
        mine = work(first)
        try:
            (others,) = receiver.recv()
        except (EOFError, ValueError):
            # It failed or was killed: asked here, it says why, or answers after all.
            others = work(second)
        return [mine, others]
    finally:
        receiver.close()
        child.terminate()
        child.join()


def _send(
    sender: Connection, work: Callable[[Sequence[Item]], Answer], items: Sequence[Item]
) -> None:
    try:
        answer: tuple[Answer, ...] = (work(items),)
    except BaseException:  # noqa: BLE001 - the other process asks again, and hears it itself
        answer = ()
    with suppress(OSError):  # that other process has ended
        sender.send(answer)
