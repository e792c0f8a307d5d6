"""Live progress of a drill on standard error: a plain line per event, and for a dispatcher the
phase and the sentence that it is at."""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TextIO

from drillbook.drill.signals import DISPATCHED
from drillbook.evidence.clean_stream import under
from drillbook.evidence.redactor import Redactor
from drillbook.model.clock import Clock

MARK = "\x02"
"""Begins a line that is meant for the dispatcher: one JSON object."""
SET_UP = "set-up"
"""The phase that every drill begins with."""


@dataclass
class Progress:
    """Prints what happens, each line with the drill's own time; no wait is silent for long."""

    clock: Clock
    every_s: float = 15.0
    """How often a wait says what it saw last."""
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    redactor: Redactor = field(default_factory=Redactor)
    dispatched: bool = field(default_factory=lambda: DISPATCHED in os.environ)
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

    def enter(self, phase: str, what: str) -> None:
        """A phase begins, which ends the one before."""
        self.say(f"{phase}: {what}")
        self._tell(phase=phase)

    def doing(self, sentence: str, within_s: float = 0.0) -> None:
        """Tell the dispatcher which sentence is performed, and how long that may take."""
        self._tell(doing=self.redactor.words(sentence), within_s=within_s)

    def _tell(self, **about: object) -> None:
        if self.dispatched:
            with self._lock, suppress(OSError):
                at = round(self.clock.monotonic() - self._begin, 1)
                line = f"{MARK}{json.dumps({**about, 'at': at})}"
                print(line, file=under(self.stream), flush=True)

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
