"""One drill's process: started in a session of its own, followed, and ended by its own undo."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drillbook.drill.signals import DISPATCHED


@dataclass
class Child:
    """A process that drills. What it prints goes to `log`, its live lines to `lines`."""

    process: subprocess.Popen[bytes]
    log: Path
    lines: Path
    _read: int = 0
    """Bytes of `lines` that were told."""

    def interrupt(self) -> None:
        """All signals take the same path in a drill: undo, record, end."""
        self.process.send_signal(signal.SIGTERM)

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def news(self) -> list[str]:
        """The live lines since the last call; a line that is still being written comes later,
        unless the child has ended."""
        ended = self.ended  # asked first: what an ended child wrote is all there
        with self.lines.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        whole = new if ended else new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        return whole.decode("utf-8", "replace").splitlines()

    def tail(self, lines: int = 25) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])


def start(command: Sequence[str], cwd: Path, stem: Path, environment: Mapping[str, str]) -> Child:
    """Start a drill. `stem`: its log's path without an ending.

    To be called by the main thread: a drill undoes itself when the *thread* that started it ends.
    """
    log, lines = stem.with_name(f"{stem.name}.log"), stem.with_name(f"{stem.name}.lines")
    with log.open("wb") as out, lines.open("wb") as err:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            # A file, not a pipe: nobody has to read it, so it never holds up a drill or its undo.
            stderr=err,
            env={**os.environ, **environment, DISPATCHED: str(os.getpid())},
            start_new_session=True,
        )
    return Child(process, log, lines)
