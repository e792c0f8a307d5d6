"""A page's state is its worst cause's; a cause is verified only when everything speaks for it."""

from datetime import date
from typing import Any

import pytest
import runbook_examples as examples

from drillbook.evidence.accept import by_key
from drillbook.evidence.proof_state import Standing, State, standings, worst
from drillbook.evidence.records import Drill, Question
from drillbook.model import Control, Injection, Phase, Verdict

BOUND = examples.runbook()
HASHES = {cause: "0" * 64 for cause in ("oom", "config", "all")}


CONFIG = examples.drill("config", questions=(examples.question("oom"),))
GOOD = (examples.drill(), CONFIG, examples.healthy())


def oom(*drills: Drill, **changed: str) -> Standing:
    return standings(BOUND, by_key(drills), HASHES | changed)[0]


def test_a_verified_cause_and_its_witnesses() -> None:
    found = oom(*GOOD)
    assert (found.state, found.why) == (State.VERIFIED, "")
    assert [d.cause for d in found.witnesses] == ["oom", "config", "all"]
    assert [(a.drill.cause, a.phase, a.held) for a in found.controls] == [
        ("config", Phase.DIAGNOSIS, False),
        ("all", Phase.DETECTION, False),
        ("all", Phase.DIAGNOSIS, False),
    ]
    assert found.valid_until(31) == date(2026, 12, 21)
    older = oom(GOOD[0], CONFIG, examples.healthy(days=-5))
    assert older.valid_until(31) == date(2026, 12, 16), "the oldest witness ends it"
    others = [one.model_copy(update={"runbook": "RB-X-001"}) for one in GOOD]
    for none in (oom(), oom(*others)):
        assert (none.state, none.drill, none.valid_until(31)) == (State.NEVER_RUN, None, None)


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"injection": Injection.NO_EFFECT}, State.NEVER_RUN),
        ({"partial": True}, State.NEVER_RUN),
        ({"verdict": Verdict.ERROR}, State.NEVER_RUN),
        ({"verdict": Verdict.FAILED}, State.FAILING),
    ],
)
def test_a_drill_that_proves_nothing(fields: dict[str, Any], state: State) -> None:
    assert oom(examples.drill(**fields), *GOOD[1:]).state is state


def test_an_incident_that_may_be_another_causes_proves_nothing() -> None:
    unknown = examples.drill(questions=(examples.question("config", held=None),))
    found = oom(unknown, *GOOD[1:])
    assert (found.state, "config could not be told" in found.why) == (State.NEVER_RUN, True)


def test_the_newest_drill_that_says_yes_or_no_of_what_is_shown_counts() -> None:
    failed = examples.drill(days=1, verdict=Verdict.FAILED)
    mute = examples.drill(days=2, verdict=Verdict.ERROR)
    assert oom(*GOOD, failed, mute).state is State.FAILING
    assert oom(*GOOD, mute).state is State.VERIFIED
    assert oom(*GOOD, failed, examples.drill(days=3)).state is State.VERIFIED
    assert oom(*GOOD, oom="1" * 64).state is State.STALE
    assert oom(*GOOD, all="1" * 64).state is State.STALE
    assert oom(*GOOD, config="1" * 64).state is State.VERIFIED


def test_without_a_healthy_drill_that_said_no_nothing_is_verified() -> None:
    for healthy in ([], [examples.healthy("config")], [examples.healthy(held=None)]):
        found = oom(*GOOD[:2], *healthy)
        assert found.state is State.NEVER_RUN
        assert "healthy system" in found.why


def test_a_control_that_holds_falsifies() -> None:
    found = oom(*GOOD[:2], examples.healthy(held=True))
    assert found.state is State.FAILING
    assert found.why == "its detection also holds in a healthy system, where it should not"
    sibling = examples.drill("config", questions=(examples.question("oom", held=True),))
    assert "in the incident config" in oom(GOOD[0], sibling, GOOD[2]).why


def test_why_a_phase_is_not_proven() -> None:
    bound = examples.with_advice()
    drill = examples.drill(bound=bound, phase_verdicts={Phase.PREVENTION: Verdict.MANUAL})
    found = oom(drill, *GOOD[1:])
    assert found.state is State.NEVER_RUN
    assert found.why == "its prevention can be done by a person only"
    found = oom(examples.failed_in(Phase.REMEDIATION), *GOOD[1:])
    assert found.why == 'its remediation did not hold: the limit of "orders" is raised to 3Gi'


def neighbour(cause: str, held: bool = False, hash: str = "0" * 64) -> Drill:
    """A drill of another runbook on the same Background, which asked this one's `oom`."""
    control = {"control": Control.HEALTHY, "injection": Injection.NONE} if cause == "all" else {}
    asked = tuple(
        Question(runbook="RB-APP-001", cause="oom", hash=hash, phase=phase, held=held, scenarios=())
        for phase in (Phase.DETECTION, Phase.DIAGNOSIS)
    )
    given: dict[str, Any] = {"runbook": "RB-X-001", "cause": cause, "questions": asked, **control}
    return examples.drill().model_copy(update=given)


@pytest.mark.parametrize(
    ("drill", "state", "why"),
    [
        (neighbour("all"), State.VERIFIED, ""),
        (neighbour("all", hash="1" * 64), State.STALE, "another text"),
        (neighbour("all", held=True), State.FAILING, "also holds in a healthy system"),
        (neighbour("disk", held=True), State.FAILING, "also holds in the incident RB-X-001 disk"),
        (neighbour("disk"), State.NEVER_RUN, "healthy system"),
    ],
)
def test_what_another_runbook_s_drill_asked_counts(drill: Drill, state: State, why: str) -> None:
    found = oom(GOOD[0], drill)
    assert found.state is state
    assert why in found.why


@pytest.mark.parametrize(
    ("states", "want"),
    [
        ([State.VERIFIED, State.VERIFIED], State.VERIFIED),
        ([State.VERIFIED, State.STALE], State.STALE),
        ([State.NEVER_RUN, State.STALE], State.NEVER_RUN),
        ([State.FAILING, State.NEVER_RUN], State.FAILING),
    ],
)
def test_the_worst_of_its_causes(states: list[State], want: State) -> None:
    found = [Standing(cause="x", state=s, why="", drill=None, controls=()) for s in states]
    assert worst(found) is want
