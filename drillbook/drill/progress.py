"""Live progress of a drill, one plain line per event, on standard error."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TextIO

from drillbook.evidence.clean_stream import under
from drillbook.evidence.redactor import Redactor
from drillbook.model.clock import Clock


@dataclass
class Progress:
    """Prints what happens, each line with the drill's own time; no wait is silent for long."""

    clock: Clock
    every_s: float = 15.0
    """How often a wait says what it saw last."""
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    redactor: Redactor = field(default_factory=Redactor)
    _begin: float = field(init=False)
    _last: float = field(init=False, default=0.0)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._begin = self.clock.monotonic()

    def say(self, text: str) -> None:
        with self._lock:
            self._last = self.clock.monotonic()
            passed = self._last - self._begin
            # Its own words are said even while evidence is withheld: `undone` must be heard.
            first = next(iter(self.redactor.words(text).splitlines()), "")
            # A reader that has gone (a closed pipe or terminal) must not end a drill or its undo.
            with suppress(OSError):
                print(f"  {passed:6.1f} s  {first}", file=under(self.stream), flush=True)

    def waiting(self, what: str, seen: str = "") -> None:
        """Say what was seen last, when nothing was said for a while. It is redacted before it is
        cut: half of a secret is not known to be one."""
        if self.clock.monotonic() - self._last >= self.every_s:
            shown = f": {one_line(self.redactor.seen(seen))}" if seen else ""
            self.say(f"... {what}{shown}")


def one_line(text: str) -> str:
    """The last line that is not blank, of at most 140 characters."""
    lines = [line for line in text.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    return last if len(last) <= 140 else f"{last[:140]}..."
