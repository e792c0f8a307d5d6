"""The responder's own shell: one line of the closed list, a port that is open for a moment."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from drillbook.model import Command
from drillbook.model.errors import CouldNotTell, beginning
from drillbook.model.reading import why_not

WITHIN_S: Final = 4.0
"""How long one line may take: a diagnosis is asked for in an incident."""
_PORT: Final = re.compile(r"Forwarding from (127\.0\.0\.1:\d+)")
"""kubectl's word for it: an error, too, may name a port of this machine."""


class Shell(ExitStack):
    """`environment`: the responder's own, and what was found. Leaving it ends the forwards."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        super().__init__()
        self.environment = dict(environment)
        self.folder = folder
        self._opened: dict[str, subprocess.Popen[bytes]] = {}

    def ask(self, line: Command, values: Mapping[str, str] | None = None) -> str:
        """What a line printed. Raises CouldNotTell, also for a line that may change something,
        which is not run."""
        if why := why_not(line):
            raise CouldNotTell(f"not run, because {why}")
        return self.run(str(line), values or {})

    def run(self, line: str, values: Mapping[str, str], within_s: float = WITHIN_S) -> str:
        """A line that `ask` does not judge: the engine's own, or a change that a person has said
        yes to. Raises CouldNotTell."""
        child = subprocess.Popen(
            ["bash", "-eu", "-c", line],
            env={**self.environment, **values},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            said, wrong = child.communicate(timeout=within_s)
        except subprocess.TimeoutExpired as error:
            raise CouldNotTell(f"no answer in {within_s:g} s") from error
        finally:
            if child.returncode is None:
                _end(child)
        if child.returncode != 0:
            last = wrong.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
            raise CouldNotTell(f"it ends with exit code {child.returncode}: {beginning(last[0])}")
        return said.decode("utf-8", "replace").strip()

    def forward(self, line: Command, values: Mapping[str, str]) -> str:
        """Run a `kubectl port-forward` until this shell is left; the `127.0.0.1:PORT` it opened."""
        out = self.enter_context(TemporaryFile())  # noqa: SIM115 - this shell closes it
        child = subprocess.Popen(
            ["bash", "-eu", "-c", f"exec {line}"],
            env={**self.environment, **values},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        self.callback(_end, child)
        until, ended = time.monotonic() + WITHIN_S, False
        while True:
            said = os.pread(out.fileno(), 4096, 0).decode("utf-8", "replace").strip()
            if found := _PORT.search(said):
                self._opened[found[1]] = child
                return found[1]
            if ended or time.monotonic() > until:
                last = said.splitlines()[-1:] or ["no message"]
                raise CouldNotTell(f"{line}: no port was opened: {beginning(last[0])}")
            ended = child.poll() is not None
            time.sleep(0.05)

    def close_port(self, address: str) -> None:
        """End the forward that opened an address."""
        if child := self._opened.pop(address, None):
            _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    # Once it was waited for, its number may be another process's.
    if child.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for stream in (child.stdout, child.stderr):
        if stream is not None:
            stream.close()
