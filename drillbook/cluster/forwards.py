"""Ways to a component's ports: `kubectl port-forward`, to a local port that the system chooses. A
forward is opened when it is first read through, and again when its pod went."""

import ctypes
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import IO

from drillbook.model import Absent
from drillbook.model.errors import CouldNotTell

OPENED_WITHIN_S = 10.0
_ADDRESS = re.compile(r"Forwarding from (127\.0\.0\.1:\d+) ")
_NOTHING = re.compile(
    r'pod is not running|\(NotFound\)|no pods|(?:services|pods) "[^"]*" not found'
)
"""What kubectl says when nothing ready is behind it; whatever else it says, it could not tell."""


@dataclass
class Forwards:
    """One drill's forwards, by variable. `close` must be called."""

    _open: dict[str, tuple[subprocess.Popen[bytes], str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    # What dies with its parent dies with the thread that started it, so one thread starts them all.
    _starter: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "forwards"))

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
            found = self._starter.submit(_opened, words, environment).result()
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
) -> tuple[subprocess.Popen[bytes], str] | Absent:
    # A file, as nobody reads on after the address: a pipe that is full would stop the forward.
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(
            words,
            env=dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=_with_its_parent,
        )
        said = _said(process, output)
    if found := _ADDRESS.search(said):
        return process, found[1]
    _end(process)
    said = " ".join(said.split()) or f"nothing in {OPENED_WITHIN_S:g} s"
    if _NOTHING.search(said):
        return Absent(said)
    raise CouldNotTell(f"{' '.join(words)}: {said}")


def _said(process: subprocess.Popen[bytes], output: IO[str]) -> str:
    """What it printed until the address stands in it, it ended, or its time is over. A warning of
    its may come first."""
    deadline = time.monotonic() + OPENED_WITHIN_S
    while True:
        ended = process.poll() is not None or time.monotonic() > deadline
        output.seek(0)
        if _ADDRESS.search(said := output.read()) or ended:
            return said
        time.sleep(0.02)


def _with_its_parent() -> None:
    """A drill that is killed leaves no forward behind (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
