"""Every write is announced, so that a test can end the process on either side of each.

A function that changes anything outside of this process is marked `@writes("noun.verb")` and does
one write. That makes two kill points, `noun.verb:before` and `noun.verb:after`, and the list of
them is the code's own: `points()`. The environment says what happens at one:

DRILLBOOK_KILL_AT=record.plan:after#2     the second time that this point is reached, end
DRILLBOOK_KILL_BY=SIGSTOP                 ... by this signal (SIGKILL when not given)
DRILLBOOK_KILL_TRACE=FILE                 append each point that is reached, with its number

The idea is that of fail points, as FreeBSD's fail(9) and etcd's gofail have them.
"""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

AT, BY, TRACE = "DRILLBOOK_KILL_AT", "DRILLBOOK_KILL_BY", "DRILLBOOK_KILL_TRACE"

P = ParamSpec("P")
R = TypeVar("R")

_names: list[str] = []
_reached: Counter[str] = Counter()
_lock = threading.Lock()


def writes(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark the one function that does this write. Raises ValueError for a name that is taken."""
    if name in _names:
        raise ValueError(f"two functions are marked as {name!r}: a kill point has one place")
    _names.append(name)

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def marked(*args: P.args, **kwargs: P.kwargs) -> R:
            reach(f"{name}:before")
            result = function(*args, **kwargs)
            reach(f"{name}:after")
            return result

        return marked

    return mark


def points() -> tuple[str, ...]:
    """The kill points of all modules that are imported, in the order of their definition."""
    return tuple(f"{name}:{side}" for name in _names for side in ("before", "after"))


def reach(point: str) -> None:
    """Count it, note it, and end here when the environment says so."""
    at, trace = os.environ.get(AT), os.environ.get(TRACE)
    if not (at or trace):
        return
    with _lock:
        _reached[point] += 1
        here = f"{point}#{_reached[point]}"
    if trace:
        with Path(trace).open("a", encoding="utf-8") as file:
            file.write(f"{here}\n")
    if at == here:
        os.kill(os.getpid(), signal.Signals[os.environ.get(BY, "SIGKILL")])
