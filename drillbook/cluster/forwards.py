"""Ways to a component's ports: `kubectl port-forward`, to a local port that the system chooses. A
forward is opened when it is first read through, and again when its pod went."""

from __future__ import annotations

import ctypes
import re
import select
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from drillbook.model import Absent
from drillbook.model.errors import CouldNotTell

OPENED_WITHIN_S = 10.0
_ADDRESS = re.compile(r"Forwarding from (127\.0\.0\.1:\d+) ")
_UNKNOWN = re.compile(r"nable to connect|nauthorized|orbidden|refused|timeout|no such host", re.I)
"""What kubectl says when it could not ask; anything else means that nothing ready is behind it."""


@dataclass
class Forwards:
    """One drill's forwards, by variable. `close` must be called."""

    _open: dict[str, tuple[subprocess.Popen[str], str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def address(
        self, name: str, words: Sequence[str], environment: Mapping[str, str], again: bool = False
    ) -> str | Absent:
        """`127.0.0.1:PORT`, or Absent when no ready pod is behind it. `again`: whatever stands, as
        its pod may have been replaced. Raises CouldNotTell."""
        with self._lock:
            process, address = self._open.get(name, (None, ""))
            if process is not None and process.poll() is None and not again:
                return address
            if process is not None:
                _end(process)
                del self._open[name]
            found = _opened(words, environment)
            if isinstance(found, Absent):
                return found
            self._open[name] = found
            return found[1]

    def close(self) -> None:
        with self._lock:
            for process, _ in self._open.values():
                _end(process)
            self._open.clear()


def _opened(
    words: Sequence[str], environment: Mapping[str, str]
) -> tuple[subprocess.Popen[str], str] | Absent:
    process = subprocess.Popen(
        words,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=_with_its_parent,
    )
    line = _first_line(process)
    if found := _ADDRESS.match(line):
        return process, found[1]
    _end(process)
    said = " ".join(line.split()) or f"nothing in {OPENED_WITHIN_S:g} s"
    if not line or _UNKNOWN.search(said):
        raise CouldNotTell(f"{' '.join(words)}: {said}")
    return Absent(said)


def _first_line(process: subprocess.Popen[str]) -> str:
    if process.stdout is None:
        return ""
    ready, _, _ = select.select([process.stdout], [], [], OPENED_WITHIN_S)
    return process.stdout.readline() if ready else ""


def _with_its_parent() -> None:
    """A drill that is killed leaves no forward behind (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
