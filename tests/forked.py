"""A program as a process of its own, without the seconds of starting Python and importing again.

A child that is forked from the tests has its own folder, environment, arguments and streams, its
own exit code and its own bill; the engine and its libraries it finds imported. The checkout's
modules (`steps`, `fixtures`, `scripts`) it imports itself. What is about the start of a process,
or needs a process that is not one of the tests', is tested with a real one.
"""

import atexit
import importlib
import os
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

ROOT = Path(__file__).parents[1]
OF_A_CHECKOUT = ("steps", "fixtures", "scripts")
LIMIT_S = 120


@dataclass(frozen=True)
class Ended:
    """What a process said and cost."""

    code: int
    """Negative: the signal that ended it."""
    out: str
    err: str
    cpu_s: float
    """Of the processor: what else this machine does at the time is not the program's."""
    peak_kb: int
    """The most memory that it held, with what it shares with the tests."""


def forked(
    program: Callable[[], object],
    words: tuple[str, ...],
    folder: Path,
    environment: Mapping[str, str],
    *,
    together: bool = False,
    given: str = "",
) -> Ended:
    """Run `program` in `folder` with `words` as its command line. `together`: stderr goes where
    stdout goes; `given`: what stands in stdin."""
    file = tempfile.TemporaryFile
    with file("w+b") as into, file("w+b") as out, file("w+b") as err:
        into.write(given.encode())
        into.seek(0)
        child = os.fork()
        if child == 0:
            _be(program, words, folder, environment, (into, out, out if together else err))
        _, status, used = os.wait4(child, 0)
        out.seek(0)
        err.seek(0)
        return Ended(
            code=os.waitstatus_to_exitcode(status),
            out=out.read().decode(),
            err=err.read().decode(),
            cpu_s=used.ru_utime + used.ru_stime,
            peak_kb=used.ru_maxrss,
        )


def _be(
    program: Callable[[], object],
    words: tuple[str, ...],
    folder: Path,
    environment: Mapping[str, str],
    streams: tuple[IO[bytes], IO[bytes], IO[bytes]],
) -> NoReturn:
    """In the child: nothing of pytest's is left that the program could notice."""
    code = 1
    try:
        signal.alarm(LIMIT_S)
        for number, file in enumerate(streams):
            os.dup2(file.fileno(), number)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        tempfile.tempdir = None
        atexit._clear()
        _forget_the_checkout()
        warnings.resetwarnings()
        sys.argv = list(words)
        program()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter would
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _forget_the_checkout() -> None:
    """Its modules, and that pytest would import them in its own way."""
    from drillbook.book.sentences import DEFINITIONS

    DEFINITIONS.clear()
    for name in [one for one in sys.modules if one.partition(".")[0] in OF_A_CHECKOUT]:
        del sys.modules[name]
    sys.path[:] = [one for one in sys.path if one not in ("", ".", str(ROOT))]
    sys.meta_path[:] = [one for one in sys.meta_path if not _is_pytests(one)]
    importlib.invalidate_caches()


def _is_pytests(finder: object) -> bool:
    return type(finder).__module__.partition(".")[0] == "_pytest"
