"""What is told of a drill while it runs, by what its own progress announces."""

import io

from drillbook.cli.follow import Followed
from drillbook.cli.terminal import Lasting, telling
from drillbook.drill.progress import MARK, Progress
from drillbook.evidence.redactor import Redactor
from tests.drill.test_perform import HandClock


def test_phases_and_the_sentence_with_its_budget() -> None:
    clock, stream, found = HandClock(), io.StringIO(), Followed()
    redactor = Redactor({})
    redactor.learn(["hunter2-correct-horse"])
    progress = Progress(clock, stream=stream, redactor=redactor, dispatched=True)

    def heard() -> list[str]:
        lines = stream.getvalue().splitlines()
        stream.seek(stream.truncate(0))
        return [found.hear(line) for line in lines if line.startswith(MARK)]

    assert (found.is_setting_up, found.moving(3.0)) == (True, "set-up (3 s)")
    clock.sleep(12)
    progress.enter("fault", "the driver needs more memory")
    assert (heard(), found.is_setting_up) == (["set-up 12 s"], False)
    clock.sleep(3)
    progress.enter("detection", "it fires")
    progress.doing('alert "A" of hunter2-correct-horse fires', 180)
    assert heard() == ["fault 3 s", ""]
    moving = 'set-up 12 s, fault 3 s | detection: alert "A" of [redacted] fires (41 s of 3m)'
    assert found.moving(12 + 3 + 41) == moving
    progress.enter("detection", "and again")
    clock.sleep(5)
    progress.enter("undo", "all of it")
    assert heard() == ["", "detection 5 s"]
    assert found.words() == "set-up 12 s, fault 3 s, detection 5 s"


def test_without_a_dispatcher_people_read_plain_lines_only() -> None:
    stream = io.StringIO()
    progress = Progress(HandClock(), stream=stream, dispatched=False)
    progress.enter("fault", "the driver needs more memory")
    progress.doing("a sentence", 3)
    assert stream.getvalue() == "     0.0 s  fault: the driver needs more memory\n"


class Gone(io.StringIO):
    """A reader that has closed its end."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_only_a_terminal_shows_what_moves() -> None:
    plain, shown = io.StringIO(), io.StringIO()
    with telling(Lasting(file=plain)) as (say, moving):
        say("[1/1] [bold] as it is")
        assert moving is None
    assert plain.getvalue() == "[1/1] [bold] as it is\n"
    with telling(Lasting(file=shown, force_terminal=True, width=40)) as (say, moving):
        assert moving is not None
        moving(["one: set-up (3 s)", "two: " + "x" * 80])
        say("ended")
    assert "one: set-up (3 s)" in shown.getvalue()
    assert "x" * 41 not in shown.getvalue()
    with telling(Lasting(file=Gone())) as (say, _):
        say("nobody reads this, and the drill goes on")
