"""Every other cause on the Background is asked, and for how long."""

import io
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any

import pytest
import runbook_examples as examples
from test_live_drill import order_of
from test_perform import Script, says

from drillbook.cluster.clients import Connections
from drillbook.cluster.settings import Settings
from drillbook.drill.backgrounds import neighbours_of
from drillbook.drill.cross_checks import CrossChecks
from drillbook.drill.perform import Performer
from drillbook.drill.progress import Progress
from drillbook.drill.recorder import Recorder, question_records
from drillbook.model import BoundCause, BoundRunbook, Control, Duration, Fault, Phase, Probe
from drillbook.model.clock import CountingClock, SystemClock
from drillbook.model.errors import InvalidDrill
from drillbook.model.matchers import equals


@dataclass(frozen=True)
class LooksBack(Script):
    window: str = "1m"


NO, YES = (Probe(source=says(word), expect=equals("yes")) for word in ("no", "yes"))


def asking(name: str, probe: Probe, effect: Probe = NO) -> BoundCause:
    """A cause whose detection and diagnosis are this one probe."""
    scenarios = tuple(
        examples.scenario(phase, f"{phase} of {name}", examples.step(f"{name} is seen", probe))
        for phase in (Phase.DETECTION, Phase.DIAGNOSIS)
    )
    fault = Fault(title=name, changes=(), effect=effect)
    return examples.cause(name, scenarios=scenarios, fault=fault)


OWN = examples.runbook(asking("own", YES), asking("sibling", NO))
NEIGHBOUR = examples.runbook(asking("other", NO), tags=(("id", "RB-APP-002"),))


def checks(tmp_path: Path, *neighbours: BoundRunbook, **changed: Any) -> CrossChecks:
    settings = Settings(root=tmp_path, kubeconfig=tmp_path / "none", poll_s=0.01, scrape_s=0.02)
    clock = SystemClock()
    performer = Performer(Connections(settings, {}), settings, clock)
    given = {"neighbours": neighbours, "hashes": {("RB-APP-002", "other"): "h"}, **changed}
    order = order_of(**{"bound": OWN, "cause": "own", **given})
    recorder = Recorder(CountingClock(clock))
    return CrossChecks(order, performer, recorder, Progress(clock, stream=io.StringIO()))


def test_a_neighbour_is_another_runbook_on_an_equal_background() -> None:
    elsewhere = replace(asking("x", NO), workload=examples.workload("payments"))
    far = examples.runbook(elsewhere, tags=(("id", "RB-APP-003"),))
    book = (far, NEIGHBOUR, OWN)
    assert neighbours_of(OWN, book) == (NEIGHBOUR,)
    assert neighbours_of(far, book) == ()


def test_every_other_cause_is_asked_and_recorded_by_its_hash(tmp_path: Path) -> None:
    one = checks(tmp_path, NEIGHBOUR)
    one.ask_others()
    one.hear_others()
    asked = question_records(one.asked, one.order.hashes)
    assert [(q.runbook, q.cause, q.hash, q.held) for q in asked] == [
        ("RB-APP-001", "sibling", "", False),
        ("RB-APP-002", "other", "h", False),
    ]
    assert one.recorder.siblings_s > 0
    assert "counts in no time to recover" in one.recorder.notes[-1]


PROBE = Probe(source=says("no"), expect=equals("yes"), within=Duration("90s"))
BACK = replace(PROBE, source=LooksBack(()))


@pytest.mark.parametrize(
    ("probe", "begin", "diagnosed", "thorough", "at"),
    [
        (PROBE, 95.0, inf, False, inf),
        (PROBE, 95.0, 100.0, False, 110.0),
        (PROBE, 105.0, 100.0, False, 115.0),
        (replace(PROBE, throughout=Duration("20s")), 95.0, 100.0, False, 130.0),
        (BACK, 95.0, 100.0, False, 120.0),
        (BACK, 95.0, 150.0, False, 160.0),
        (PROBE, 95.0, 100.0, True, 185.0),
    ],
)
def test_no_is_said_after_two_fresh_scrapes_and_what_the_read_looks_back(
    tmp_path: Path, probe: Probe, begin: float, diagnosed: float, thorough: bool, at: float
) -> None:
    one = checks(tmp_path, thorough=thorough)
    one.performer.settings = one.performer.settings.model_copy(update={"scrape_s": 5.0})
    one._fault_s, one._diagnosed_s = 60.0, diagnosed
    assert one.says_no_at(probe, begin) == at


HEALTHY = {"cause": "all", "control": Control.HEALTHY}


def test_a_healthy_system_is_asked_for_all_that_stands_on_it(tmp_path: Path) -> None:
    detected = {("RB-APP-001", "own"): 0.1, ("RB-APP-001", "sibling"): 0.2}
    quiet = examples.runbook(asking("own", NO), asking("sibling", NO))
    known = {**detected, ("RB-APP-002", "other"): 0.05}
    one = checks(tmp_path, NEIGHBOUR, bound=quiet, detected_s=known, **HEALTHY)
    one.ask_of_healthy()
    assert len(one.asked) == 6
    assert {a.held for a in one.asked} == {False}
    assert "(RB-APP-001 sibling, when it was drilled) and 2 scrapes" in one.recorder.notes[-1]


def test_a_cause_that_was_never_accepted_is_asked_for_its_whole_within(tmp_path: Path) -> None:
    one = checks(tmp_path, detected_s={("RB-APP-001", "own"): 3.0}, **HEALTHY)
    assert one._healthy_s() == pytest.approx(30.04)
    assert "RB-APP-001 sibling, at most" in one.recorder.notes[-1]


def test_an_effect_without_its_fault_is_no_healthy_system(tmp_path: Path) -> None:
    sick = examples.runbook(asking("own", NO, effect=YES))
    one = checks(tmp_path, bound=sick, detected_s={("RB-APP-001", "own"): 0.1}, **HEALTHY)
    with pytest.raises(InvalidDrill, match="effect is there"):
        one.ask_of_healthy()
