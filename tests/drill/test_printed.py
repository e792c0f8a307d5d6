"""The printed line beside a read: it must say the same, and it may take a moment."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from test_perform import Script, says

from drillbook.cluster.clients import Connections
from drillbook.cluster.settings import Settings
from drillbook.drill.perform import Performer
from drillbook.drill.printed import LINES, WIDTH, PrintedLines, Shown
from drillbook.model import Command, Probe, Reading, Var, Verdict, command
from drillbook.model.clock import SystemClock
from drillbook.model.matchers import at_least, contains


@dataclass(frozen=True)
class Printing(Script):
    """A read that answers from a list, beside a real line of bash."""

    line: str = "true"

    def command(self) -> Command:
        return command("bash", "-euc", self.line, "", Var("ANSWER"))


def shown(tmp_path: Path, line: str, answer: str, scrape_s: float = 30.0) -> Shown:
    settings = Settings(root=tmp_path, kubeconfig=tmp_path / "none", poll_s=0.01, scrape_s=scrape_s)
    clients = Connections(settings, {"ANSWER": "2"})
    lines = PrintedLines(Performer(clients, settings, SystemClock()))
    source = Printing(says(answer).answers, line=line)
    try:
        lines.run(7, Probe(source=source, expect=at_least(2)))
        return lines.settle()[7]
    finally:
        lines.end()


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


def test_of_a_log_the_lines_that_were_looked_for_are_kept(tmp_path: Path) -> None:
    settings = Settings(root=tmp_path, kubeconfig=tmp_path / "none")
    clients = Connections(settings, {"ANSWER": ""})
    lines = PrintedLines(Performer(clients, settings, SystemClock()))
    source = Printing((Reading(answer="why"),), line="seq 100; echo why; seq 100")
    lines.run("log", Probe(source=source, expect=contains("why")))
    assert lines.settle()["log"].printed == "why"
    lines.end()


def test_a_line_ends_with_the_drill(tmp_path: Path) -> None:
    settings = Settings(root=tmp_path, kubeconfig=tmp_path / "none")
    lines = PrintedLines(Performer(Connections(settings, {}), settings, SystemClock()))
    lines.run(1, Probe(source=Printing((), line="sleep 60"), expect=at_least(2)))
    lines.end()
    assert lines.settle()[1].verdict is Verdict.ERROR
