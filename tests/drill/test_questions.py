"""Phases that should not hold, asked side by side."""

import threading

import pytest

from drillbook.drill.questions import Questions
from drillbook.drill.recorder import question_records
from drillbook.model import Advice, BoundScenario, Evidence, Phase, Probe, Verdict
from drillbook.model.matchers import equals
from drillbook.sources import Http
from tests import runbook_examples as examples


class Answers:
    """Answers each probe by its URL, and counts how often it was asked."""

    def __init__(self, **verdicts: Verdict) -> None:
        self.verdicts, self.asked, self._lock = verdicts, list[str](), threading.Lock()

    def probe(self, probe: Probe) -> Evidence:
        assert isinstance(probe.source, Http)
        with self._lock:
            self.asked.append(str(probe.source.url))
        return examples.evidence(self.verdicts[str(probe.source.url)])

    def advice(self, advice: Advice) -> Evidence:
        return examples.evidence(Verdict.MANUAL)


def scenario(*urls: str) -> BoundScenario:
    steps = (examples.step(url, Probe(source=Http(url=url), expect=equals("200"))) for url in urls)
    return examples.scenario(Phase.DIAGNOSIS, "s", *steps)


def held(answers: Answers, *scenarios: BoundScenario) -> bool | None:
    questions = Questions(answers)
    questions.ask("RB-X-001", "one", scenarios)
    (question,) = question_records(questions.answers(), {("RB-X-001", "one"): "h"})
    return question.held


@pytest.mark.parametrize(
    ("second", "holds"), [(Verdict.PASSED, True), (Verdict.FAILED, False), (Verdict.ERROR, None)]
)
def test_a_phase_holds_when_all_its_scenarios_do_and_an_error_is_no_evidence(
    second: Verdict, holds: bool | None
) -> None:
    answers = Answers(a=Verdict.PASSED, b=second)
    assert held(answers, scenario("a"), scenario("b")) is holds


def test_a_shared_probe_is_asked_once_and_none_after_a_failed_one() -> None:
    answers = Answers(a=Verdict.FAILED)
    questions = Questions(answers)
    questions.ask("RB-X-001", "one", [scenario("a")])
    questions.ask("RB-X-001", "two", [scenario("a")])
    assert [one.held for one in questions.answers()] == [False, False]
    assert answers.asked == ["a"]
    answers = Answers(a=Verdict.FAILED, b=Verdict.PASSED)
    assert held(answers, scenario("a", "b")) is False
    assert answers.asked == ["a"]
