"""A recovery that was there before the remediation is not the remediation's."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from drillbook.drill.attribution import TRIES, NotAttributable, refuse_self_healed
from drillbook.model import Absent, Action, BoundStep, Probe, Reading, Step, command
from drillbook.model.errors import CouldNotTell
from drillbook.model.matchers import after_last_change, any_equals, silent
from drillbook.sources import FiringAlert
from tests.drill.test_perform import BEGIN, HandClock, Script, performer


def step(value: Any) -> BoundStep:
    return BoundStep(step=Step(keyword="then", text="it runs", line=1), value=value)


def check(*answers: Any, expect: Any = None) -> BoundStep:
    """`str`: an answer. Reading: a dated one. CouldNotTell: none."""
    told = [str(one) if isinstance(one, CouldNotTell) else one for one in answers]
    given = [
        one if isinstance(said, (CouldNotTell, Reading)) else Reading(answer=said)
        for one, said in zip(told, answers, strict=True)
    ]
    return step(Probe(source=Script(tuple(given)), expect=expect or any_equals("up")))


def asked(root: Path, *steps: BoundStep, skew_s: float = 0) -> None:
    runner = performer(root, HandClock(60.0))
    runner.skew = timedelta(seconds=skew_s)
    mend = step(Action(command=command("mend")))
    refuse_self_healed([mend, *steps], runner, BEGIN)


def test_a_system_that_healed_itself_proves_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotAttributable, match=r"had recovered before .*'it runs' holds already"):
        asked(tmp_path, check("up"))
    with pytest.raises(NotAttributable):
        asked(tmp_path, check("up"), check("up"))
    asked(tmp_path, check("down"))
    asked(tmp_path, check(Absent("pods")))
    asked(tmp_path, check("up"), check("down"))
    alert = step(Probe(source=FiringAlert(alert="Down"), expect=silent()))
    asked(tmp_path, alert, check("down"))
    with pytest.raises(NotAttributable):
        asked(tmp_path, check("up"), alert)


def test_an_answer_from_before_the_effect_says_nothing(tmp_path: Path) -> None:
    before, after = (BEGIN + timedelta(seconds=s) for s in (-1, 1))
    asked(tmp_path, check(Reading(answer="up", dated=before)))
    with pytest.raises(NotAttributable):
        asked(tmp_path, check(Reading(answer="up", dated=after)))
    asked(tmp_path, check(Reading(answer="up", dated=after)), skew_s=2)

    def batch(seconds: int) -> BoundStep:
        at = BEGIN.timestamp() + seconds
        return check(f"{at:.3f}", expect=after_last_change())

    asked(tmp_path, batch(-1))
    with pytest.raises(NotAttributable):
        asked(tmp_path, batch(1))


def test_what_cannot_be_told_is_an_error_after_some_tries(tmp_path: Path) -> None:
    asked(tmp_path, check(CouldNotTell("no answer"), "down"))
    lost = check(CouldNotTell("no answer"))
    with pytest.raises(CouldNotTell, match="before the remediation began could not be told"):
        asked(tmp_path, lost)
    assert len(lost.value.source.asked) == TRIES  # type: ignore[union-attr]
