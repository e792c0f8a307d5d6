"""Runs one command line on a leash: it ends when its holder says so, dies, or falls silent.

`python3 -I leash.py WORD...`: standard input carries the moments (seconds of CLOCK_MONOTONIC, one
a line) until which the command may run. When the last one has passed, or when nobody holds the
other end any more, the command and everything that it started is killed. A drill that is killed or
paused in the middle of an Action therefore changes nothing after its lease has gone.

A program of its own that imports nothing of ours: it starts in a hundredth of a second, and it
must outlive whoever started it.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

CUT = 125
"""The exit code when the leash ended the command."""
TICK_S = 0.1


def main() -> int:
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    # Those are for whoever holds the leash: it decides what becomes of the command.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        return _watch(child)
    finally:
        # Also what the line left in the background: it was started under a lease.
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


def _watch(child: subprocess.Popen[bytes]) -> int:
    until, rest = time.monotonic() + TICK_S * 20, b""
    while True:
        code = child.poll()
        if code is not None:
            return code if code >= 0 else 128 - code
        ready, _, _ = select.select([0], [], [], TICK_S)
        if ready:
            read = os.read(0, 4096)
            if not read:
                return CUT
            *lines, rest = (rest + read).split(b"\n")
            until = max([until, *(float(line) for line in lines if line)])
        if time.monotonic() > until:
            return CUT


if __name__ == "__main__":
    sys.exit(main())
