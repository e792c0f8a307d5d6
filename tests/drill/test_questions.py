"""Phases that should not hold, asked side by side."""

import threading
from datetime import UTC, datetime, timedelta

from drillbook.drill.questions import Questions
from drillbook.drill.recorder import question_records
from drillbook.model import (
    Advice,
    BoundScenario,
    BoundStep,
    Evidence,
    Phase,
    Probe,
    Scenario,
    Step,
    Tag,
    Verdict,
)
from drillbook.model.matchers import equals
from drillbook.sources import Http


def evidence(verdict: Verdict) -> Evidence:
    return Evidence(
        verdict=verdict,
        command="",
        expected="",
        observed="",
        started=datetime(2026, 11, 21, tzinfo=UTC),
        took=timedelta(),
    )


class Answers:
    """Answers each probe by its URL, and counts how often it was asked."""

    def __init__(self, **verdicts: Verdict) -> None:
        self.verdicts, self.asked, self._lock = verdicts, list[str](), threading.Lock()

    def probe(self, probe: Probe) -> Evidence:
        assert isinstance(probe.source, Http)
        with self._lock:
            self.asked.append(str(probe.source.url))
        return evidence(self.verdicts[str(probe.source.url)])

    def advice(self, advice: Advice) -> Evidence:
        return evidence(Verdict.MANUAL)


def scenario(*urls: str, phase: Phase = Phase.DIAGNOSIS) -> BoundScenario:
    steps = tuple(
        BoundStep(
            step=Step(keyword="then", text=url, line=number),
            value=Probe(source=Http(url=url), expect=equals("200")),
        )
        for number, url in enumerate(urls)
    )
    return BoundScenario(
        scenario=Scenario(name="s", line=1, tags=(Tag(name=phase, value="", line=1),), steps=()),
        steps=steps,
    )


def held(answers: Answers, *scenarios: BoundScenario) -> bool | None:
    questions = Questions(answers)
    questions.ask("RB-X-001", "one", scenarios)
    (question,) = question_records(questions.answers(), {("RB-X-001", "one"): "h"})
    return question.held


def test_a_phase_holds_when_all_its_scenarios_hold() -> None:
    answers = Answers(a=Verdict.PASSED, b=Verdict.PASSED)
    assert held(answers, scenario("a"), scenario("b")) is True


def test_one_failed_scenario_is_enough_not_to_hold() -> None:
    answers = Answers(a=Verdict.PASSED, b=Verdict.FAILED)
    assert held(answers, scenario("a"), scenario("b")) is False


def test_an_error_is_never_evidence() -> None:
    answers = Answers(a=Verdict.PASSED, b=Verdict.ERROR)
    assert held(answers, scenario("a"), scenario("b")) is None


def test_a_shared_probe_is_asked_once() -> None:
    answers = Answers(a=Verdict.FAILED)
    questions = Questions(answers)
    questions.ask("RB-X-001", "one", [scenario("a")])
    questions.ask("RB-X-001", "two", [scenario("a")])
    assert [one.held for one in questions.answers()] == [False, False]
    assert answers.asked == ["a"]


def test_steps_after_a_failed_one_are_not_asked() -> None:
    answers = Answers(a=Verdict.FAILED, b=Verdict.PASSED)
    assert held(answers, scenario("a", "b")) is False
    assert answers.asked == ["a"]
