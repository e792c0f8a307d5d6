"""Waiting for facts, with a clock that a test turns by hand."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drillbook.cluster.clients import Connections
from drillbook.cluster.settings import Settings
from drillbook.drill.perform import Performer
from drillbook.model import (
    Absent,
    Action,
    AlertState,
    Answer,
    Command,
    Duration,
    Probe,
    Reading,
    Var,
    Verdict,
    command,
    join,
)
from drillbook.model.errors import CouldNotTell
from drillbook.model.matchers import at_least, contains, firing, silent
from drillbook.sources import FiringAlert

BEGIN = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@dataclass
class HandClock:
    """Sleeping moves it on; nothing really waits."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass(frozen=True)
class Script:
    """A source that answers from a list, the last answer for ever."""

    answers: tuple[Reading | str, ...]
    asked: list[int] = field(default_factory=list, compare=False)

    def read(self, clients: Connections) -> Reading:
        self.asked.append(1)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, str):
            raise CouldNotTell(answer)
        return answer

    def command(self) -> Command:
        return command("ask")

    def parse(self, text: str) -> Answer:
        return text


def performer(root: Path, clock: HandClock | None = None) -> Performer:
    settings = Settings(root=root, kubeconfig=root / "none")
    return Performer(Connections(settings, {}), settings, clock or HandClock())


def says(*answers: Answer) -> Script:
    return Script(tuple(Reading(answer=answer) for answer in answers))


@pytest.mark.parametrize(
    ("source", "verdict", "observed", "seconds"),
    [
        (says("0", "1", "2"), Verdict.PASSED, "2", 2.0),
        (says("0", "1"), Verdict.FAILED, "1", 5.0),
        (Script(("unreachable",)), Verdict.ERROR, "unreachable", 5.0),
        (Script(("unreachable", Reading(answer="2"))), Verdict.PASSED, "2", 1.0),
        (says(Absent("it")), Verdict.FAILED, "it", 5.0),
    ],
)
def test_it_waits_until_it_holds_and_says_what_it_saw_last(
    tmp_path: Path, source: Script, verdict: Verdict, observed: str, seconds: float
) -> None:
    clock, heard = HandClock(), list[str]()
    runner = performer(tmp_path, clock)
    runner.waiting = lambda probe, seen: heard.append(seen)
    probe = Probe(source=source, expect=at_least(2), within=Duration("5s"))
    evidence = runner.probe(probe)
    assert (evidence.verdict, observed in evidence.observed) == (verdict, True)
    assert (clock.seconds, len(heard)) == (seconds, int(seconds)), "no wait is silent"


@dataclass(frozen=True)
class Slow(Script):
    """Every read takes three seconds."""

    clock: HandClock = field(default_factory=HandClock, compare=False)

    def read(self, clients: Connections) -> Reading:
        self.clock.seconds += 3
        return super().read(clients)


def test_what_a_read_takes_was_not_waited(tmp_path: Path) -> None:
    clock = HandClock()
    source = Slow((Reading(answer="0"), Reading(answer="2")), clock=clock)
    evidence = performer(tmp_path, clock).probe(Probe(source=source, expect=at_least(2)))
    assert (evidence.took, evidence.waited) == (timedelta(seconds=7), timedelta(seconds=1))


def test_what_is_seen_without_the_lease_proves_nothing(tmp_path: Path) -> None:
    """By then the fault may have been undone, and by another than the responder."""
    clock = HandClock()
    runner = performer(tmp_path, clock)
    runner.held_for_s = lambda: 25 - clock.seconds
    probe = Probe(source=says("2"), expect=at_least(2))
    clock.seconds = 24.9
    assert runner.probe(probe).verdict is Verdict.PASSED
    clock.seconds = 25.0
    evidence = runner.probe(probe)
    assert evidence.verdict is Verdict.ERROR
    assert evidence.observed == (
        "seen after the drill's lease was lost (it could not be renewed in time): 2"
    )


def test_what_is_older_than_the_last_change_does_not_count(tmp_path: Path) -> None:
    runner = performer(tmp_path)
    runner.clients.since = BEGIN
    old = Script((Reading(answer="9", dated=BEGIN - timedelta(seconds=1)),))
    new = Script((Reading(answer="9", dated=BEGIN + timedelta(seconds=1)),))
    within = Duration("2s")
    stale = runner.probe(Probe(source=old, expect=at_least(1), within=within))
    assert stale.verdict is Verdict.FAILED
    assert "older than the last change" in stale.observed
    fresh = runner.probe(Probe(source=new, expect=at_least(1), within=within))
    assert fresh.verdict is Verdict.PASSED
    runner = performer(tmp_path)
    runner.clients.since, runner.skew = BEGIN, timedelta(seconds=30)
    behind = Script((Reading(answer="9", dated=BEGIN + timedelta(seconds=10)),))
    probe = Probe(source=behind, expect=at_least(1), within=Duration("2s"))
    assert runner.probe(probe).verdict is Verdict.FAILED


OLD = Reading(answer="0", dated=BEGIN - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ((OLD,), Verdict.ERROR),
        ((OLD, Reading(answer=Absent("no sample"))), Verdict.ERROR),
        ((OLD, Reading(answer="0", dated=BEGIN + timedelta(seconds=1))), Verdict.FAILED),
        # Current by construction: a restartCount of the API server's.
        ((Reading(answer="0"),), Verdict.FAILED),
    ],
)
def test_no_effect_needs_an_answer_from_after_the_injection(
    tmp_path: Path, answers: tuple[Reading, ...], verdict: Verdict
) -> None:
    runner = performer(tmp_path)
    runner.clients.since = BEGIN
    probe = Probe(source=Script(answers), expect=at_least(2))
    assert runner.probe(probe, Duration("3s"), anew=True).verdict is verdict


def test_evidence_of_a_long_log_is_the_line_that_made_it_hold(tmp_path: Path) -> None:
    log = "first\nModuleNotFoundError: no pricing\n" + "noise\n" * 5000
    evidence = performer(tmp_path).probe(Probe(source=says(log), expect=contains("NotFoundError")))
    assert evidence.observed == "ModuleNotFoundError: no pricing"


def test_throughout_must_hold_at_every_read(tmp_path: Path) -> None:
    times = {"within": Duration("9s"), "throughout": Duration("5s")}
    for answers, verdict in (("2", Verdict.PASSED), ("220" * 9, Verdict.FAILED)):
        probe = Probe(source=says(*answers), expect=at_least(2), **times)
        assert performer(tmp_path).probe(probe).verdict is verdict


@dataclass(frozen=True)
class FakeAlert(FiringAlert):
    """The alert's protocol with given states in the servers' place."""

    states: tuple[AlertState, ...] = ()

    def read(self, clients: Connections) -> Reading:
        return Reading(answer=self.states[0])


QUIET = AlertState(firing=False, pending=False, listed=False)
LOUD = AlertState(firing=True, pending=False, listed=True)


def test_silence_counts_only_after_sound(tmp_path: Path) -> None:
    runner = performer(tmp_path)
    quiet = Probe(
        source=FakeAlert(alert="Down", states=(QUIET,)), expect=silent(), within=Duration("2s")
    )
    loud = Probe(source=FakeAlert(alert="Down", states=(LOUD,)), expect=firing())
    before = runner.probe(quiet)
    assert before.verdict is Verdict.ERROR
    assert "never seen firing" in before.observed
    assert runner.probe(loud).verdict is Verdict.PASSED
    assert runner.probe(quiet).verdict is Verdict.PASSED


def test_an_action_is_the_printed_line_with_variables_in_its_environment(tmp_path: Path) -> None:
    runner = performer(tmp_path)
    runner.clients.values["APP"] = "o'r $(id)"
    evidence = runner.action(Action(command=command("printf", "%s", join("x-", Var("APP")))))
    assert (evidence.verdict, evidence.observed) == (Verdict.PASSED, "x-o'r $(id)")
    assert evidence.command == 'printf %s x-"$APP" && export CHANGED_AT="$(date +%s)"'


@pytest.mark.parametrize(
    ("line", "observed"),
    [
        (("false",), "exit 1"),
        (("printf", "%s", Var("MISSING")), "MISSING: unbound variable"),
        (("sleep", "30"), "still running"),
    ],
)
def test_a_failed_action(tmp_path: Path, line: tuple[str | Var, ...], observed: str) -> None:
    action = Action(command=command(*line), within=Duration("300ms"))
    evidence = performer(tmp_path).action(action)
    assert evidence.verdict is Verdict.FAILED
    assert observed in evidence.observed
