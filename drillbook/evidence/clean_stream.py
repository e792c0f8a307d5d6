"""A process's own output, redacted line by line before it reaches a terminal or a log."""

import atexit
import io
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO, cast

from drillbook.evidence.redactor import WITHHELD, Redactor

LONGEST: Final = 200_000
"""Characters of one line that are looked at. Nobody reads a longer one; it is withheld."""
TOO_LONG: Final = f"[withheld: a line of more than {LONGEST} characters]"
_BEGIN, _END = "-----BEGIN ", "-----END "
_KEY = "PRIVATE KEY-----"
_OF_A_KEY = re.compile(r"(?:^\W*(?:E\s+)?|\s)[A-Za-z0-9+/=]{16,}\W*$|^\W*\w*=*\W*$|-----END ")


class CleanStream(io.TextIOBase):
    """Writes whole lines, redacted, to the stream `under` it; what asks about the stream (isatty,
    fileno, encoding, flush) is answered by that one. A line is held back until it ends, and
    withheld while nothing can be told from a secret; what must be said all the same goes to
    `under`."""

    def __init__(self, under: TextIO, redactor: Redactor) -> None:
        self.under = under
        self.redactor = redactor
        self._part = ""
        self._too_long = False
        self._in_key = False
        self._withheld = False
        self.lost: OSError | None = None
        """Why something could not be written: a full disk, or a reader that has gone. It is noted,
        not raised: no such thing may end a drill or its undo. Whoever ends the process says it."""
        self._lock = threading.RLock()

    def write(self, text: str) -> int:
        with self._lock:
            *lines, rest = (self._part + text).split("\n")
            self._part = ""
            for line in lines:
                self._line(line, "\n")
            if len(rest) > LONGEST:
                self._too_long, rest = True, ""
            self._part = rest
        return len(text)

    def flush(self) -> None:
        with self._noted():
            self.under.flush()

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.lost = self.lost or error

    def finish(self) -> None:
        """Write what did not end with a newline, at the end of the process."""
        if self.under.closed:
            return
        with self._lock:
            part, self._part = self._part, ""
            if part or self._too_long:
                self._line(part, "")
        self.flush()

    def close(self) -> None:
        """The stream under it stays open: it is the process's."""
        self.finish()

    def _line(self, line: str, end: str) -> None:
        too_long, self._too_long = self._too_long, False
        if too_long or len(line) > LONGEST:
            self._put(f"{TOO_LONG}{end}")
            return
        # A private key that nobody has told us of, over several lines: what looks like the rest of
        # it goes with its first line.
        self._in_key = self._in_key and bool(_OF_A_KEY.search(line))
        if self._in_key:
            self._in_key = _END not in line
            return
        self._in_key = _BEGIN in line and _KEY in line and _END not in line
        clean = self.redactor.text(line)
        again = self._withheld and clean == WITHHELD
        self._withheld = clean == WITHHELD
        if not again:
            self._put(f"{clean}{end}")

    def _put(self, text: str) -> None:
        with self._noted():
            self.under.write(text)

    def isatty(self) -> bool:
        return self.under.isatty()

    def fileno(self) -> int:
        return self.under.fileno()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.under.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        return self.under.errors

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":
            raise AttributeError("buffer: bytes would go past the redaction; write text")
        return getattr(self.under, name)


def clean_output(redactor: Redactor) -> None:
    """From now on what this process prints is redacted; once is enough. What its terminal or file
    cannot encode is spelt out, as `\\u043f`."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            # Closed by whoever started us: the number must not become that of a file opened later.
            # What is written there fails, and is noted.
            closed = os.open(os.devnull, os.O_RDONLY)
            setattr(sys, name, os.fdopen(closed, "r" if name == "stdin" else "w"))
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, CleanStream):
            continue
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
        clean = CleanStream(stream, redactor)
        atexit.register(clean.finish)
        setattr(sys, name, cast(TextIO, clean))


def lost_output() -> OSError | None:
    """Why something that this process printed could not be written; None when all was, or its
    reader had enough (`| head`). Then nothing more is printed there."""
    found = None
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, CleanStream):
            stream.finish()
            if stream.lost is not None:
                if not isinstance(stream.lost, BrokenPipeError):
                    found = found or stream.lost
                with open(os.devnull, "w") as nowhere:
                    os.dup2(nowhere.fileno(), stream.fileno())
    return found


def under(stream: TextIO) -> TextIO:
    """The stream that words go to which are redacted already."""
    return stream.under if isinstance(stream, CleanStream) else stream
