"""One `staging` command at a time on a machine. The lock is a socket in the abstract namespace: the
kernel takes it away with its holder, however that ends, it leaves no file, and it can be asked who
holds it."""

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from drillbook.model.errors import Refused

NAME = "\0drillbook-staging"


WAITS_S = 1800.0
"""A cold `up` takes a quarter of an hour."""


@contextmanager
def awaited(say: Callable[[str], None], name: str = NAME) -> Iterator[None]:
    """The same for those who can wait. Raises Refused after half an hour."""
    until = time.monotonic() + WAITS_S
    if other := holder(name):
        say(f"waiting for another `drillbook staging` command (process {other})")
    while holder(name) and time.monotonic() < until:
        time.sleep(0.2)
    with held(name):
        yield


@contextmanager
def held(name: str = NAME) -> Iterator[None]:
    """Hold the lock while inside. Raises Refused, naming the holder, when somebody else does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as mine:
        try:
            mine.bind(name)
        except OSError as error:
            raise Refused(
                "another `drillbook staging` command is at work "
                f"(process {holder(name) or 'just ended'}). "
                "Wait until it has ended, or end it; a later `up` cleans up after it."
            ) from error
        mine.listen(1)
        yield


def holder(name: str = NAME) -> int | None:
    """The holder's process, as the kernel noted it; None when nobody holds it."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.connect(name)
            size = struct.calcsize("3i")
            process, _, _ = struct.unpack(
                "3i", asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
            )
    except OSError:
        return None
    return int(process)
