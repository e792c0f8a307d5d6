"""What was done about a live incident, step by step, written after each step, so that whoever takes
over finds it: `incident.json`, and `incident.md` for people. Redacted as records are."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from drillbook.evidence import templates
from drillbook.evidence.records import write_whole
from drillbook.model.errors import CouldNotTell


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One step, and what a person did about it."""

    at: str
    """UTC."""
    phase: str
    cause: str
    step: str
    line: str
    did: str
    """run, skipped or done."""
    outcome: str
    said: str
    decided_s: float
    """From the moment it was shown to the word to run it."""
    took_s: float


_OWN: Final = frozenset({"folder", "seen", "_start"})


@dataclass
class IncidentLog:
    """`seen`: the same values, fit to be written."""

    folder: Path
    seen: Callable[[Any], Any]
    runbook: str
    title: str
    version: str
    alert: str
    values: Mapping[str, str]
    rehearsal: str
    """The cause that was put in for it; empty for a real incident."""
    cause: str = ""
    """The one that the person went on with."""
    began: str = field(default_factory=lambda: _now())
    diagnosed_s: float | None = None
    """Seconds after the beginning, as the next two."""
    first_change_s: float | None = None
    over_s: float | None = None
    entries: list[Entry] = field(default_factory=list)
    _start: float = field(default_factory=time.monotonic, repr=False)

    @property
    def page(self) -> Path:
        return self.folder / "incident.md"

    def add(self, **seen: Any) -> None:
        entry = Entry(at=_now(), **seen)
        if entry.phase == "remediation" and entry.outcome == "changed":
            self.first_change_s = self.first_change_s or self._passed
        self.entries.append(entry)
        self.write()

    def chose(self, cause: str) -> None:
        self.cause, self.diagnosed_s = cause, self._passed
        self.write()

    def over(self) -> None:
        self.over_s = self._passed
        self.write()

    @property
    def _passed(self) -> float:
        return time.monotonic() - self._start

    def write(self) -> None:
        """Raises CouldNotTell when it cannot be written."""
        told = {name: value for name, value in vars(self).items() if name not in _OWN}
        plain = self.seen(told | {"entries": [asdict(one) for one in self.entries]})
        with writing(self.folder):
            write_whole(self.folder / "incident.json", json.dumps(plain, indent=2) + "\n")
            write_whole(self.page, templates.fill("incident.md.j2", **plain))


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """With the folder made. Raises CouldNotTell."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise CouldNotTell(
            f"{folder}: the incident's log cannot be written: {error.strerror}. Go on by "
            "the page, or name another folder: --log FOLDER."
        ) from error


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
