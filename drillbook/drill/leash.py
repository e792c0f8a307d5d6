"""Runs one command line on a leash: it ends when its holder says so, dies, or falls silent.

`python3 -I leash.py UNTIL WORD...`: the command may run until that moment (seconds since boot);
standard input carries later ones, one a line. When the last one has passed, or when nobody holds
the other end any more, the command and everything that it started is killed, in whatever session
or group it is: what loses its parent becomes a child of this process (prctl(2),
PR_SET_CHILD_SUBREAPER). A drill that is killed or paused in the middle of an Action therefore
changes nothing after its lease has gone.

A program of its own that imports nothing of ours: it starts in a hundredth of a second, and it
must outlive whoever started it.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

CUT = signal.SIGUSR1
"""The signal that ends the leash when it ended the command: every exit code may be the line's."""
TICK_S = 0.1
PR_SET_CHILD_SUBREAPER = 36


def main() -> int | None:
    """The command's exit code; None when the leash ended it."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    until, words = float(sys.argv[1]), sys.argv[2:]
    if now() >= until:
        return None
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True)
    # Those are for whoever holds the leash: it decides what becomes of the command.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        return _watch(child, until)
    finally:
        # Also what the line left in the background: it was started under a lease.
        while _kill_children():
            time.sleep(TICK_S / 10)


def now() -> float:
    """Seconds since boot, which go on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _kill_children() -> bool:
    """SIGKILL to every child there is; theirs become ours and are killed next. False when there
    was none."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    for child in map(int, children):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(child, 0)
    return bool(children)


def _watch(child: subprocess.Popen[bytes], until: float) -> int | None:
    rest = b""
    while True:
        code = child.poll()
        if code is not None:
            return code if code >= 0 else 128 - code
        ready, _, _ = select.select([0], [], [], TICK_S)
        if ready:
            read = os.read(0, 4096)
            if not read:
                return None
            *lines, rest = (rest + read).split(b"\n")
            until = max([until, *(float(line) for line in lines if line)])
        if now() > until:
            return None


if __name__ == "__main__":
    ended = main()
    if ended is None:
        signal.signal(CUT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {CUT})
        signal.raise_signal(CUT)
    sys.exit(ended)
