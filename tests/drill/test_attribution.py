"""A recovery that was there before the remediation is not the remediation's."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drillbook.cluster.clients import Connections
from drillbook.cluster.settings import Settings
from drillbook.drill.attribution import TRIES, NotAttributable, refuse_self_healed
from drillbook.drill.perform import Performer
from drillbook.model import Absent, Action, BoundStep, Command, Probe, Reading, Step, command
from drillbook.model.errors import CouldNotTell
from drillbook.model.matchers import after_last_change, any_equals, silent
from drillbook.sources import FiringAlert

AFFECTED = datetime(2026, 11, 21, 3, tzinfo=UTC)


@dataclass
class Told:
    """A source that answers what it was told to."""

    answers: list[Any]
    asked: int = field(default=0)

    def command(self) -> Command:
        return command("told")

    def parse(self, text: str) -> str:
        return text

    def read(self, clients: Connections) -> Reading:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Reading) else Reading(answer=answer)


class NoWaiting:
    def now(self) -> datetime:
        return AFFECTED + timedelta(minutes=1)

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        """At once."""


def step(value: Any) -> BoundStep:
    return BoundStep(step=Step(keyword="then", text="it runs", line=1), value=value)


def check(*answers: Any, expect: Any = None) -> BoundStep:
    return step(Probe(source=Told([*answers]), expect=expect or any_equals("up")))


def asked(root: Path, *steps: BoundStep, skew_s: float = 0) -> None:
    settings = Settings(root=root)
    performer = Performer(
        clients=Connections(settings, {}),
        settings=settings,
        clock=NoWaiting(),
        skew=timedelta(seconds=skew_s),
    )
    mend = step(Action(command=command("mend")))
    refuse_self_healed([mend, *steps], performer, AFFECTED)


def test_a_system_that_is_still_down_is_mended(tmp_path: Path) -> None:
    asked(tmp_path, check("down"))
    asked(tmp_path, check(Absent("pods")))
    asked(tmp_path, check("up"), check("down"))


def test_a_system_that_healed_itself_proves_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotAttributable, match=r"had recovered before .*'it runs' holds already"):
        asked(tmp_path, check("up"))
    with pytest.raises(NotAttributable):
        asked(tmp_path, check("up"), check("up"))


def test_an_answer_from_before_the_effect_says_nothing(tmp_path: Path) -> None:
    before, after = (AFFECTED + timedelta(seconds=s) for s in (-1, 1))
    asked(tmp_path, check(Reading(answer="up", dated=before)))
    with pytest.raises(NotAttributable):
        asked(tmp_path, check(Reading(answer="up", dated=after)))
    asked(tmp_path, check(Reading(answer="up", dated=after)), skew_s=2)


def test_a_batch_from_before_the_effect_is_no_recovery(tmp_path: Path) -> None:
    def batch(seconds: int) -> BoundStep:
        at = AFFECTED.timestamp() + seconds
        return check(f"{at:.3f}", expect=after_last_change())

    asked(tmp_path, batch(-1))
    with pytest.raises(NotAttributable):
        asked(tmp_path, batch(1))


def test_what_cannot_be_told_is_an_error_after_some_tries(tmp_path: Path) -> None:
    asked(tmp_path, check(CouldNotTell("no answer"), "down"))
    lost = check(CouldNotTell("no answer"))
    with pytest.raises(CouldNotTell, match="before the remediation began could not be told"):
        asked(tmp_path, lost)
    assert lost.value.source.asked == TRIES  # type: ignore[union-attr]


def test_an_alert_s_silence_is_not_asked(tmp_path: Path) -> None:
    alert = step(Probe(source=FiringAlert(alert="Down"), expect=silent()))
    asked(tmp_path, alert, check("down"))
    with pytest.raises(NotAttributable):
        asked(tmp_path, check("up"), alert)
