"""One command line: run under the drill's lease, and killed when the lease is lost."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from drillbook.drill import leash
from drillbook.model.clock import since_boot

TICK_S = 0.2


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What came of it. `code` is None when it was still running at the end of its budget."""

    code: int | None
    said: str
    cut: str = ""
    """Why it was ended before it was done; empty when it ended by itself or by its budget."""


def run(
    line: str,
    *,
    environment: Mapping[str, str],
    folder: Path,
    within_s: float,
    held_for_s: Callable[[], float],
    lost: Callable[[], str],
    errors: int = subprocess.STDOUT,
) -> Ran:
    """`bash -eu -c LINE`. `held_for_s`: seconds for which the lease is certain; `lost`: why it is
    not held any more, or empty; `errors`: where standard error goes."""
    left_s = held_for_s()
    if lost() or left_s <= 0:
        return Ran(code=None, said="", cut=lost() or "the drill's lease ran out before it began")
    with TemporaryFile() as out:
        until = f"{since_boot() + left_s:.3f}"
        words = (sys.executable, "-I", leash.__file__, until, "bash", "-eu", "-c", line)
        child = subprocess.Popen(
            words,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=errors,
            start_new_session=True,
        )
        begin, code, cut = since_boot(), None, ""
        try:
            while code is None and not cut and since_boot() - begin < within_s:
                _pay_out(child, since_boot() + held_for_s())
                with suppress(subprocess.TimeoutExpired):
                    code = child.wait(TICK_S)
                cut = "" if code is not None else lost()
        finally:
            with suppress(BrokenPipeError):
                _pipe(child).close()  # the leash kills what is still running
            child.wait()
        out.seek(0)
        said = out.read().decode("utf-8", "replace").strip()
    if code == -leash.CUT:
        cut, code = cut or lost() or "the drill's lease ran out", None
    return Ran(code=code, said=said, cut=cut)


def _pay_out(child: subprocess.Popen[bytes], until: float) -> None:
    """Let it run until that moment (seconds since boot)."""
    with suppress(BrokenPipeError):
        _pipe(child).write(f"{until:.3f}\n".encode())
        _pipe(child).flush()


def _pipe(child: subprocess.Popen[bytes]) -> IO[bytes]:
    if child.stdin is None:
        raise RuntimeError("the leash was started without a pipe")
    return child.stdin
