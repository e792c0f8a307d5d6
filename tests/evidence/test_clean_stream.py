"""What a process prints is redacted line by line, and the stream is still a stream."""

import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from drillbook.evidence.clean_stream import LONGEST, TOO_LONG, CleanStream, under
from drillbook.evidence.redactor import WITHHELD, Redactor
from drillbook.model.errors import CouldNotTell

SECRET = "hunter2-correct-horse"  # noqa: S105 - of nothing


BEGIN, END = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"
BODY = "MIIEowIBAAKCAQEAwTabcdefgh" * 2


class Opened:
    """A clean stream and what came through it."""

    def __init__(self) -> None:
        self.below = io.StringIO()
        self.redactor = Redactor({})
        self.redactor.learn([SECRET])
        self.stream = CleanStream(self.below, self.redactor)

    def printed(self, *pieces: str) -> str:
        for piece in pieces:
            self.stream.write(piece)
        self.stream.finish()
        return self.below.getvalue()


@pytest.mark.parametrize(
    ("pieces", "through"),
    [
        (("plain\n",), "plain\n"),
        ((f"a {SECRET} b\n",), "a [redacted] b\n"),
        ((f"a {SECRET[:7]}", f"{SECRET[7:]} b\n"), "a [redacted] b\n"),
        ((f"{SECRET}\nplain\n{SECRET}",), "[redacted]\nplain\n[redacted]"),
        ((f"\x1b[31m{SECRET[:4]}\x1b[0m{SECRET[4:]}\n",), "[redacted]\n"),
        (("\x1b[31mred\x1b[0m\n",), "\x1b[31mred\x1b[0m\n"),
        (("", "\n"), "\n"),
        ((), ""),
        (("x" * LONGEST, "x", f"{SECRET}\nnext\n"), f"{TOO_LONG}\nnext\n"),
        (("x" * (LONGEST + 1),), TOO_LONG),
        ((f"before\n{BEGIN}\n{BODY}\nq83Z==\n{END}\nafter\n",), "before\n[redacted]\nafter\n"),
        # One that never ends does not swallow what follows.
        ((f"says {BEGIN} and no more\n", "it is kept\n"), "says [redacted]\nit is kept\n"),
    ],
)
def test_lines_come_through_without_secrets(pieces: tuple[str, ...], through: str) -> None:
    opened = Opened()
    opened.stream.write(SECRET[:9])
    opened.stream.flush()
    assert opened.below.getvalue() == ""  # an unfinished line waits for its end
    assert Opened().printed(*pieces) == through


def test_while_nothing_can_be_told_lines_are_withheld_and_our_own_words_are_not() -> None:
    opened = Opened()

    def cut_off() -> list[str]:
        raise CouldNotTell("HTTP 403.")

    with pytest.raises(CouldNotTell):
        opened.redactor.watch(cut_off)
    print("undone, verified", file=under(opened.stream))  # type: ignore[arg-type]
    assert opened.printed("a log line\nanother\n") == f"undone, verified\n{WITHHELD}\n"


def test_it_answers_as_the_stream_under_it() -> None:
    primary, secondary = pty.openpty()
    with open(secondary, "w", encoding="utf-8") as terminal, os.fdopen(primary, "rb"):
        stream = CleanStream(terminal, Redactor({}))
        assert stream.isatty()
        assert stream.fileno() == terminal.fileno()
        assert stream.encoding == "utf-8"
        assert stream.writable()
        assert not stream.readable()
        assert not hasattr(stream, "buffer")


PROGRAM = f"""
import sys
from drillbook.evidence.clean_stream import clean_output
from drillbook.evidence.redactor import Redactor
clean_output(Redactor())
clean_output(Redactor())
print("to the log", "{SECRET}")
sys.stderr.write("a part without an end {SECRET}")
def fails(secret):
    raise RuntimeError("could not log in with " + secret)
fails("{SECRET[:7]}" + "{SECRET[7:]}")
"""


def test_a_process_s_own_traceback_is_clean(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "ORDERS_DB_PASSWORD": SECRET},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == "to the log [redacted]\n"
    assert "Traceback" in done.stderr
    assert "could not log in with [redacted]" in done.stderr
    assert SECRET not in done.stderr
