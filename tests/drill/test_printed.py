"""The printed line beside a read: it must say the same, and it may take a moment."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from test_perform import Script, says

from drillbook.cluster.clients import Connections
from drillbook.cluster.settings import Settings
from drillbook.drill.perform import Performer
from drillbook.drill.printed import LINES, WIDTH, PrintedLines, Shown
from drillbook.model import Command, Matcher, Probe, Var, Verdict, command
from drillbook.model.clock import SystemClock
from drillbook.model.matchers import at_least, contains


@dataclass(frozen=True)
class Printing(Script):
    """A read that answers from a list, beside a real line of bash."""

    line: str = "true"

    def command(self) -> Command:
        return command("bash", "-euc", self.line, "", Var("ANSWER"))


def printed_lines(root: Path, scrape_s: float = 30.0) -> PrintedLines:
    settings = Settings(root=root, kubeconfig=root / "none", poll_s=0.01, scrape_s=scrape_s)
    return PrintedLines(Performer(Connections(settings, {"ANSWER": "2"}), settings, SystemClock()))


TWO = at_least(2)


def shown(
    root: Path, line: str, answer: str, scrape_s: float = 30.0, expect: Matcher = TWO
) -> Shown:
    lines = printed_lines(root, scrape_s)
    lines.run(7, Probe(source=Printing(says(answer).answers, line=line), expect=expect))
    found = lines.settle()[7]
    lines.end()
    return found


TWICE = "if [ -e seen ]; then echo 2; else touch seen; echo 1; fi"


@pytest.mark.parametrize(
    ("line", "read", "verdict", "printed"),
    [
        ('echo "$1"', "2", Verdict.PASSED, "2"),
        ("echo 3; echo no >&2", "2", Verdict.PASSED, "3"),
        (TWICE, "2", Verdict.PASSED, "2"),
        ("echo 1", "2", Verdict.FAILED, "1"),
        ("echo 2; exit 3", "2", Verdict.FAILED, "2"),
        ("echo 1", "1", Verdict.ERROR, "1"),
    ],
)
def test_a_printed_line_is_compared_with_the_read(
    tmp_path: Path, line: str, read: str, verdict: Verdict, printed: str
) -> None:
    found = shown(tmp_path, line, read, 30.0 if verdict is Verdict.PASSED else 0.05)
    assert (found.verdict, found.printed) == (verdict, printed)
    assert bool(found.why) is (verdict is not Verdict.PASSED)


def test_what_is_kept_fits_on_a_page(tmp_path: Path) -> None:
    found = shown(tmp_path, "for i in $(seq 20); do printf '%0300d\\n' $i; done", "2")
    assert [len(line) for line in found.printed.splitlines()] == [WIDTH + 3] * LINES
    found = shown(tmp_path, "seq 100; echo why; seq 100", "why", expect=contains("why"))
    assert found.printed == "why", "of a log the lines that were looked for"


def test_a_line_ends_with_the_drill(tmp_path: Path) -> None:
    lines = printed_lines(tmp_path)
    lines.run(1, Probe(source=Printing((), line="sleep 60"), expect=at_least(2)))
    lines.end()
    assert lines.settle()[1].verdict is Verdict.ERROR
