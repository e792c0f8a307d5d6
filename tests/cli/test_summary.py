"""How long a run will take, and what is said of it at its end."""

import json
from pathlib import Path

import pytest

from drillbook.cli import estimate
from drillbook.cli.selection import select
from drillbook.cli.summary import counts, failures
from drillbook.evidence.records import Drill
from drillbook.model import Control, Injection, Phase, Undo, Verdict
from tests import runbook_examples as examples
from tests.cli.test_selection import RUNBOOK

GOOD = examples.drill("oom")


BAD = {"verdict": Verdict.FAILED, "expected": "firing within 30s", "observed": "all\n\ninactive"}


def failed_in(phase: Phase) -> Drill:
    found = examples.failed_in(phase)
    scenarios = tuple(
        one.model_copy(update={"steps": tuple(s.model_copy(update=BAD) for s in one.steps)})
        if one.phase is phase
        else one
        for one in found.scenarios
    )
    return found.model_copy(update={"scenarios": scenarios})


@pytest.mark.parametrize(
    ("one", "likely"),
    [
        (failed_in(Phase.DETECTION), "the alert: its expression"),
        (failed_in(Phase.REMEDIATION), "the runbook: its remediation"),
        (GOOD.model_copy(update={"undo": Undo.FAILED}), "an undo failed"),
        (GOOD.model_copy(update={"refused": True, "verdict": Verdict.ERROR}), "refused it"),
        (GOOD.model_copy(update={"injection": Injection.NO_EFFECT}), "the fault: it does nothing"),
        (GOOD.model_copy(update={"verdict": Verdict.ERROR}), "could not be told"),
    ],
)
def test_a_failure_says_what_was_seen_and_how_to_repeat_it(one: Drill, likely: str) -> None:
    lines = list(failures([GOOD, one], Path("reports/runs/r")))
    assert sum(line.startswith("\n") for line in lines) == 1
    (said,) = (line for line in lines if line.startswith("  likely"))
    assert likely in said
    assert f"  record    reports/runs/r/{one.name}.json" in lines
    assert lines[-1] == f"  again     drillbook drill {one.path} --cause oom --control plain"
    if one.verdict is Verdict.FAILED:
        assert "  expected  firing within 30s" in lines
        assert "  saw       inactive" in lines


def test_a_run_is_estimated_by_the_last_time(tmp_path: Path) -> None:
    selected = select([RUNBOOK], [], [Control.PLAIN])
    one, two = selected
    for folder, seconds in (("proof/2026-11-02", 100.0), ("runs/2026-11-03", 200.0)):
        path = tmp_path / folder / one.record
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"cost": {"wall_s": seconds}}))
    drills = [GOOD, GOOD, failed_in(Phase.DETECTION)]
    said = "4 drills in 6 min 12 s: 2 PASSED, 1 FAILED, 1 without a record"
    assert counts(drills, 4, 372) == said
    (tmp_path / "runs/2026-11-04").mkdir()
    (tmp_path / "runs/2026-11-04" / two.record).write_text("{torn")
    known = estimate.last_durations(selected, (tmp_path / "proof", tmp_path / "runs"))
    assert known == {one.node: 200.0}
    assert estimate.expected_s(selected, known, jobs=1) == 200 + estimate.UNKNOWN_S
    assert estimate.expected_s(selected, known, jobs=8) == 200
    said = estimate.words(selected, known, jobs=1)
    assert said == (
        "2 drills, at most 1 at once: about 5 min by the last time; "
        "1 never drilled, 120 s assumed each"
    )
