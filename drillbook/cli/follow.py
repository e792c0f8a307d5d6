"""Where a drill is, by what its process announces: its phases as they end, and its sentence."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from drillbook.drill.progress import MARK, SET_UP


@dataclass
class Followed:
    """One drill's announcements. All times are seconds of the drill's own clock."""

    ended: dict[str, float] = field(default_factory=dict)
    """How long each phase took that has ended, in their order."""
    phase: str = SET_UP
    _begun: float = 0.0
    _sentence: str = ""
    _within_s: float = 0.0
    _sentence_at: float = 0.0

    def hear(self, line: str) -> str:
        """Take an announcement; returns the phase that it ends, with how long that took."""
        about = json.loads(line.removeprefix(MARK))
        at = float(about["at"])
        if "phase" not in about:
            self._sentence, self._within_s = about["doing"], about["within_s"]
            self._sentence_at = at
            return ""
        before, took = self.phase, at - self._begun
        self.phase, self._begun, self._sentence = about["phase"], at, ""
        if before == self.phase:
            return ""
        self.ended[before] = self.ended.get(before, 0.0) + took
        return f"{before} {took:.0f} s"

    @property
    def is_setting_up(self) -> bool:
        """Whether it still makes its workload: the part of a drill that does not only wait."""
        return self.phase == SET_UP

    def words(self, end: float | None = None) -> str:
        """The phases that have ended; all of them when the drill has, at `end`."""
        if end is not None and self.ended:
            self.ended[self.phase] = self.ended.get(self.phase, 0.0) + end - self._begun
        return ", ".join(f"{phase} {took:.0f} s" for phase, took in self.ended.items())

    def moving(self, now: float) -> str:
        """What it does now, and for how long. `now`: seconds after it was started."""
        since = self._sentence_at if self._sentence else self._begun
        within = f" of {_length(self._within_s)}" if self._within_s and self._sentence else ""
        doing = f"{self.phase}: {self._sentence}" if self._sentence else self.phase
        told = [self.words(), f"{doing} ({max(0.0, now - since):.0f} s{within})"]
        return " | ".join(part for part in told if part)


def _length(seconds: float) -> str:
    """As people write it: `90s`, `3m`."""
    return f"{seconds / 60:.0f}m" if seconds >= 120 and not seconds % 60 else f"{seconds:.0f}s"
