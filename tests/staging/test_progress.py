"""Progress without a terminal: what runs, how long it took, and that it is still at work."""

import io
import threading
from collections.abc import Iterator

import pytest
from rich.console import Console

from drillbook_staging.progress import Progress


def progress(seconds: Iterator[float]) -> tuple[Progress, io.StringIO]:
    written = io.StringIO()
    return Progress(Console(file=written, soft_wrap=True), lambda: next(seconds)), written


def test_a_stage_is_announced_and_timed() -> None:
    shown, written = progress(iter([0.0, 1.0, 3.5]))
    with shown.stage("nodes"):
        pass
    assert written.getvalue().splitlines() == ["           nodes ...", "     2.5 s  nodes"]
    assert shown.seconds == {"nodes": 2.5}


def test_a_stage_that_fails_is_not_told_as_done() -> None:
    shown, written = progress(iter([0.0, 1.0, 3.5]))
    with pytest.raises(KeyError), shown.stage("nodes"):
        raise KeyError
    assert written.getvalue().splitlines() == ["           nodes ..."]
    assert shown.seconds == {}


def test_a_long_stage_says_that_it_is_still_at_work() -> None:
    said = threading.Event()

    class Watched(io.StringIO):
        def write(self, text: str) -> int:
            if "still at work" in text:
                said.set()
            return super().write(text)

    shown = Progress(Console(file=Watched(), soft_wrap=True), every_s=0.01)
    with shown.stage("build"):
        assert said.wait(30)
