"""A read that ends, whatever the server does. The client libraries bound the time between two bytes
only: so a read runs beside, and is given up at its deadline. Only reads: nobody would know whether
a change happened."""

import threading
from collections.abc import Callable
from typing import TypeVar

from drillbook.model.errors import CouldNotTell

Found = TypeVar("Found")

REQUESTS = 3
"""How many requests one read may make, each with its own deadline, before it is given up."""


def within(seconds: float, what: str, read: Callable[[], Found]) -> Found:
    """What `read` returns or raises; CouldNotTell when it has not ended after so many seconds."""
    found: list[Found] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            found.append(read())
        except BaseException as error:  # noqa: BLE001 - raised again where it was asked for
            raised.append(error)

    # A daemon: one that never ends must not keep the process.
    beside = threading.Thread(target=run, daemon=True, name=f"read of {what}")
    beside.start()
    beside.join(seconds)
    if raised:
        raise raised[0]
    if found:
        return found[0]
    raise CouldNotTell(f"no usable answer from {what}: it did not end within {seconds:g} s")
