"""Progress lines: one line each, redacted before they are cut."""

import io

from drillbook.drill.progress import Progress, one_line
from drillbook.evidence.redactor import WITHHELD, Redactor
from drillbook.model.clock import SystemClock
from drillbook.model.errors import CouldNotTell

SECRET = "hunter2-correct-horse"  # noqa: S105 - of nothing


def progress() -> tuple[Progress, io.StringIO]:
    stream, redactor = io.StringIO(), Redactor({})
    redactor.learn([SECRET])
    return Progress(SystemClock(), every_s=0, stream=stream, redactor=redactor), stream


def test_a_wait_shows_the_last_line_it_saw_without_a_half_secret() -> None:
    one, stream = progress()
    one.waiting("kubectl", f"first\n{'x ' * 64}{SECRET} y\n\n")
    assert SECRET[:8] not in stream.getvalue()
    assert "... kubectl: x x" in stream.getvalue()
    assert "first" not in stream.getvalue()
    one.say(f"PASSED the log says {SECRET}\nand more")
    assert stream.getvalue().endswith("PASSED the log says [redacted]\n")
    assert [one_line(text) for text in ("a\nb\n \n", "")] == ["b", ""]


def test_while_nothing_can_be_told_a_wait_says_so_and_the_drill_is_still_heard() -> None:
    one, stream = progress()

    def cut_off() -> list[str]:
        raise CouldNotTell("HTTP 403.")

    one.redactor._read = cut_off
    one.waiting("kubectl", "a log line")
    one.say("undone, verified: the namespace is gone")
    assert "a log line" not in stream.getvalue()
    assert WITHHELD in stream.getvalue()
    assert "undone, verified: the namespace is gone" in stream.getvalue()
