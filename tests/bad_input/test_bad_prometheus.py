"""Prometheus down, empty, NaN, stale; the alert already firing before the fault: ERROR or invalid;
never "detected"."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drillbook.drill.injection import Opening
from drillbook.drill.perform import Performer
from drillbook.drill.progress import Progress
from drillbook.drill.recorder import Recorder
from drillbook.model import Duration, Fault, Probe, Verdict
from drillbook.model.clock import CountingClock, SystemClock
from drillbook.model.errors import CouldNotTell, InvalidDrill
from drillbook.model.matchers import after_last_change, at_least, equals, firing, silent
from drillbook.sources import FiringAlert, Http, Series
from tests.bad_input.servers import Bad, serving
from tests.sources.test_answers import everything

CHANGED = datetime.now(UTC) - timedelta(minutes=5)
NOW, OLD = datetime.now(UTC), CHANGED - timedelta(seconds=1)
SERIES = Series(metric="batch", labels=(("app", "x"),))
Answer = Callable[[str], Bad]


def performer(root: Path, url: str) -> Performer:
    clients = everything(root, url)
    clients.since = CHANGED
    quick = clients.settings.model_copy(update={"poll_s": 0.05, "scrape_s": 0.1})
    return Performer(clients=clients, settings=quick, clock=SystemClock())


def data(found: Any) -> Bad:
    return Bad(body=json.dumps({"status": "success", "data": found}))


# --------------------------------------------------------------------------- a series


def series(*samples: tuple[datetime, str], known: bool = True) -> Answer:
    values = [[at.timestamp(), value] for at, value in samples]
    result = [{"metric": {}, "values": values}] if values else []

    def answer(path: str) -> Bad:
        if "/label/" in path:
            return data(["batch"] if known else [])
        return data({"resultType": "matrix", "result": result})

    return answer


def batch(at: datetime) -> str:
    return f"{at.timestamp():.3f}"


SERIES_ANSWERS = {
    "good": (series((NOW, batch(NOW))), Verdict.PASSED),
    "empty, the metric unknown": (series(known=False), Verdict.ERROR),
    "empty, the metric known": (series(), Verdict.FAILED),
    "NaN": (series((NOW, "NaN")), Verdict.ERROR),
    "infinite": (series((NOW, "+Inf")), Verdict.ERROR),
    "no number": (series((NOW, "many")), Verdict.ERROR),
    "stale": (series((OLD, batch(NOW))), Verdict.FAILED),
    "of before the change": (series((NOW, batch(OLD))), Verdict.FAILED),
}


@pytest.mark.parametrize("name", SERIES_ANSWERS)
def test_a_series(tmp_path: Path, name: str) -> None:
    answer, verdict = SERIES_ANSWERS[name]
    with serving(answer) as server:
        probe = Probe(source=SERIES, expect=after_last_change())
        found = performer(tmp_path, server.url).probe(probe, Duration("200ms"))
    assert found.verdict is verdict, found


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf"])
def test_what_is_no_number_reaches_no_threshold(tmp_path: Path, value: str) -> None:
    with serving(series((NOW, value))) as server:
        probe = Probe(source=SERIES, expect=at_least(-1e308))
        found = performer(tmp_path, server.url).probe(probe, Duration("200ms"))
    assert found.verdict is Verdict.ERROR


# --------------------------------------------------------------------------- an alert


def alert(
    state: str = "", at: datetime = NOW, health: str = "ok", rules: int = 1, listed: bool = False
) -> Answer:
    held = [{"state": state, "labels": {"namespace": "drill-x"}}] if state else []
    rule = {
        "name": "AppDown",
        "health": health,
        "lastError": "bad",
        "lastEvaluation": at.isoformat().replace("+00:00", "Z"),
        "alerts": held,
    }

    def answer(path: str) -> Bad:
        if path.startswith("/api/v2/alerts"):
            return Bad(body=json.dumps([{"annotations": {}}] if listed else []))
        return data({"groups": [{"rules": [rule] * rules}]})

    return answer


ALERT_ANSWERS = {
    "good": (alert("firing", listed=True), Verdict.PASSED),
    "silent": (alert(), Verdict.FAILED),
    "pending": (alert("pending"), Verdict.FAILED),
    "firing, but nobody would be paged": (alert("firing"), Verdict.FAILED),
    "no rule": (alert(rules=0), Verdict.ERROR),
    "two rules": (alert("firing", rules=2, listed=True), Verdict.ERROR),
    "a rule that fails": (alert("firing", health="err", listed=True), Verdict.ERROR),
    "not evaluated since the fault": (alert("firing", at=OLD, listed=True), Verdict.ERROR),
    "empty": (lambda path: data({"groups": []}), Verdict.ERROR),
}


@pytest.mark.parametrize("name", ALERT_ANSWERS)
def test_an_alert(tmp_path: Path, name: str) -> None:
    answer, verdict = ALERT_ANSWERS[name]
    with serving(answer) as server:
        probe = Probe(source=FiringAlert(alert="AppDown"), expect=firing())
        found = performer(tmp_path, server.url).probe(probe, Duration("200ms"))
    assert found.verdict is verdict, found


@pytest.mark.parametrize("name", [*ALERT_ANSWERS])
def test_no_silence_is_believed_before_a_sound(tmp_path: Path, name: str) -> None:
    with serving(ALERT_ANSWERS[name][0]) as server:
        probe = Probe(source=FiringAlert(alert="AppDown"), expect=silent())
        found = performer(tmp_path, server.url).probe(probe, Duration("200ms"))
    assert found.verdict is Verdict.ERROR


# --------------------------------------------------------------------------- before the fault


def evaluated_after(seconds: float, then: Answer) -> Answer:
    """Silent by an evaluation from before the workload; so many seconds later evaluated anew."""
    begin = datetime.now(UTC)

    def answer(path: str) -> Bad:
        passed = (datetime.now(UTC) - begin).total_seconds()
        return then(path) if passed >= seconds else alert(at=begin)(path)

    return answer


LATER = NOW + timedelta(hours=1)
BEFORE_THE_FAULT = {
    "firing": (alert("firing", at=LATER), r"already firing.* Nothing was injected"),
    "pending": (alert("pending", at=LATER), "already firing"),
    "still listed": (alert(at=LATER, listed=True), "already firing"),
    "firing, but not evaluated yet": (
        evaluated_after(0.15, alert("firing", at=LATER)),
        "already firing",
    ),
    "never evaluated": (evaluated_after(60, alert()), "did not evaluate"),
    "quiet": (evaluated_after(0.15, alert(at=LATER)), ""),
}


@pytest.mark.parametrize("name", BEFORE_THE_FAULT)
def test_before_the_fault_every_rule_was_evaluated_and_is_quiet(tmp_path: Path, name: str) -> None:
    answer, refused = BEFORE_THE_FAULT[name]
    with serving(answer) as server:
        one = performer(tmp_path, server.url)
        one.settings = one.settings.model_copy(update={"evaluation_s": 0.1})
        untouched: Any = None  # nothing is injected here
        clock = SystemClock()
        opening = Opening(
            one, Recorder(CountingClock(clock)), untouched, Progress(clock, stream=io.StringIO())
        )
        effect = Probe(source=Http(url=server.url), expect=equals("no status"))
        fault = Fault(title="f", changes=(), effect=effect)
        alerts = (FiringAlert(alert="AppDown"),)
        if not refused:
            opening.refuse_early(fault, alerts)
            return
        with pytest.raises((InvalidDrill, CouldNotTell), match=refused):
            opening.refuse_early(fault, alerts)
