"""Live progress of a drill, one plain line per event, on standard error."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TextIO

from drillbook.clock import Clock


@dataclass
class Progress:
    """Prints what happens, each line with the drill's own time; no wait is silent for long."""

    clock: Clock
    every_s: float = 15.0
    """How often a wait says what it saw last."""
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    _begin: float = field(init=False)
    _last: float = field(init=False, default=0.0)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._begin = self.clock.monotonic()

    def say(self, text: str) -> None:
        with self._lock:
            self._last = self.clock.monotonic()
            passed = self._last - self._begin
            first = text.splitlines()[0] if text else ""
            # A reader that has gone (a closed pipe or terminal) must not end a drill or its undo.
            with suppress(OSError):
                print(f"  {passed:6.1f} s  {first}", file=self.stream, flush=True)

    def waiting(self, what: str) -> None:
        """Say it when nothing was said for a while."""
        if self.clock.monotonic() - self._last >= self.every_s:
            self.say(f"... {what}")
