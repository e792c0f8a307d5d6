"""The scorecard counts what was proven, over everything that should have been."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
import runbook_examples as examples

from drillbook.evidence import score
from drillbook.evidence.accept import by_key
from drillbook.evidence.records import Cost, Drill, Times
from drillbook.evidence.score import CauseResult, Scorecard, results, scorecard
from drillbook.model import Control, Injection, Phase, Undo, Verdict
from drillbook.model.errors import UsageError

GOOD = (
    examples.drill(questions=(examples.question("config"),)),
    examples.drill("config", questions=(examples.question("oom"),)),
    examples.healthy(),
)
NODES = tuple(f"features/app/app-down.feature::{d.cause}--{d.control}" for d in GOOD)


def card(*drills: Drill, others: Sequence[CauseResult] = (), **fields: Any) -> Scorecard:
    """Of the example's two causes, and of others."""
    hashes = dict.fromkeys(("oom", "config", "all"), "0" * 64)
    return scorecard(
        drills, (*results(examples.runbook(), by_key(drills), hashes), *others), **fields
    )


def missing(*drills: Drill, cause: str = "oom") -> str:
    """What the scorecard says is missing for a cause."""
    (found,) = (c.missing for c in card(*drills).causes if c.cause == cause)
    return found


def test_a_perfect_run_and_what_was_never_drilled() -> None:
    found = card(*GOOD, planned=NODES)
    assert str(found.accuracy) == "2 of 2 (100 %)"
    assert str(found.plain) == "2 of 2 (100 %)"
    assert found.falsified == found.exclusions == ()
    assert str(found.invalid) == "0 of 3 (0 %)"
    assert found.macro == 1.0
    assert found.by_runbook[0][0] == "RB-APP-001"
    assert [flow.control for flow in found.flow] == list(Control)
    assert card(*GOOD).flow[0].planned is None, "without a manifest"
    assert "| plain | not known | 2 |" in score.markdown(card(*GOOD))
    unwritten = CauseResult(runbook="RB-NEW-001", cause="main", missing="never", last_green=None)
    found = card(*GOOD, others=[unwritten])
    assert (str(found.accuracy), found.macro) == ("2 of 3 (67 %)", 0.5)
    with pytest.raises(UsageError, match="no records to score"):
        card()


def test_a_failed_drill_costs_accuracy_and_what_passed_later_counts() -> None:
    failed, later = examples.drill(verdict=Verdict.FAILED), examples.drill(days=1)
    assert missing(failed, *GOOD[1:]) == "failing: its last drill did not pass"
    assert str(card(failed, *GOOD[1:]).plain) == "1 of 2 (50 %)"
    assert missing(failed, later, *GOOD[1:]) == ""
    # A repetition in the same run does not.
    again = examples.drill(attempt=2)
    assert missing(failed, again, *GOOD[1:]) == "failing: its last drill did not pass"
    invalid = examples.drill(injection=Injection.NO_EFFECT, verdict=Verdict.ERROR)
    assert missing(invalid, again, *GOOD[1:]) == ""


def test_a_proof_whose_cause_is_gone_is_named() -> None:
    found = card(*GOOD, examples.drill("main", days=2))
    assert str(found.accuracy) == "2 of 2 (100 %)"
    assert found.lost[0].startswith("RB-APP-001 main: 1 drill, the last on 2026-11-22")
    assert "**Lost:** RB-APP-001 main" in score.markdown(found)


def test_what_a_control_falsifies_is_listed() -> None:
    falsified = (*GOOD[:2], examples.healthy("oom", held=True), examples.healthy("config", days=1))
    assert len(card(*falsified).falsified) == 2
    assert missing(*GOOD[:2], examples.healthy("oom", held=True)).startswith("failing: ")


def test_a_phase_of_nothing_but_advice_is_not_proven() -> None:
    bound = examples.with_advice()
    drill = examples.drill(bound=bound, phase_verdicts={Phase.PREVENTION: Verdict.MANUAL})
    assert "prevention can be done by a person only" in missing(drill, *GOOD[1:])
    assert str(card(drill).advice) == "1 of 5 (20 %)"


def test_the_flow_and_each_exclusion_with_its_reason() -> None:
    drills = (
        examples.drill(injection=Injection.NO_EFFECT, verdict=Verdict.ERROR, reason="no sign"),
        examples.drill("config", verdict=Verdict.ERROR, reason="Prometheus did not answer"),
        examples.healthy(partial=True),
    )
    found = card(*drills, planned=[*NODES, "features/app/x.feature::main--plain"])
    plain, healthy = found.flow
    assert (plain.planned, plain.started, plain.injected) == (3, 2, 2)
    assert (plain.confirmed, plain.judged) == (1, 0)
    assert (healthy.planned, healthy.injected, healthy.judged) == (1, None, 0)
    assert [one.reason for one in found.exclusions] == [
        "partial",
        "could not tell: Prometheus did not answer",
        "the fault had no effect: no sign",
        "planned, but it left no record",
    ]
    assert str(found.invalid) == "3 of 4 (75 %)"


def test_a_refused_drill_did_not_start_and_counts_among_the_refused() -> None:
    fields = {"refused": True, "verdict": Verdict.ERROR, "injection": Injection.REFUSED}
    why = "cluster/node/2 is held by another run"
    held = examples.drill("config", **fields, undo=Undo.NOT_NEEDED, reason=why)
    found = card(GOOD[0], held, GOOD[2], planned=NODES)
    assert (found.flow[0].planned, found.flow[0].started) == (2, 1)
    assert str(found.refused) == "1 of 3 (33 %)"
    assert [one.reason for one in found.exclusions] == [f"refused before it began: {why}"]


def test_a_tenth_of_invalid_drills_is_allowed_and_more_is_not() -> None:
    valid = [examples.drill(days=n) for n in range(9)]
    bad = [examples.drill(days=n, undo=Undo.FAILED) for n in (20, 21)]
    assert not card(*valid, bad[0]).over_cap
    assert card(*valid, *bad).over_cap
    assert "the figures below do not count" in score.markdown(card(*valid, *bad))
    assert "do not count" not in score.markdown(card(*valid, bad[0]))


def test_first_attempts_are_the_score_and_reruns_stand_beside() -> None:
    failed = examples.drill(verdict=Verdict.FAILED)
    found = card(failed, examples.drill(attempt=2))
    assert str(found.plain) == "0 of 1 (0 %)"
    assert found.reruns == 1
    assert str(found.flakes) == "1 of 1 (100 %)"
    assert str(card(failed, examples.drill(days=1, commit="0" * 12)).flakes) == "0 of 0 (no data)"


def test_clusters_are_never_pooled_but_a_remade_one_is_the_same() -> None:
    remade = examples.CLUSTER.model_copy(update={"uid": "uid-2"})
    other = examples.CLUSTER.model_copy(update={"uid": "uid-3", "name": "elsewhere"})
    assert len(card(GOOD[0], examples.drill(days=1, cluster=remade)).clusters) == 2
    with pytest.raises(UsageError, match="never pooled"):
        card(GOOD[0], examples.drill(days=1, cluster=other))


def test_detection_counts() -> None:
    silent = examples.failed_in(Phase.DETECTION, days=1)
    deaf = examples.failed_in(Phase.DETECTION, Verdict.ERROR, days=2)
    false_alarm = examples.healthy("oom", held=True, days=1)
    found = card(*GOOD, silent, deaf, false_alarm).detection
    assert (found.tp, found.fn, found.fp, found.tn, found.unknown) == (2, 1, 1, 2, 1)
    assert str(found.precision) == "2 of 3 (67 %)"
    assert str(found.recall) == "2 of 3 (67 %)"
    assert str(found.specificity) == "2 of 3 (67 %)"


def test_the_confusion_matrix_has_a_row_healthy_and_a_column_unknown() -> None:
    confused = examples.drill(questions=(examples.question("config", held=True),))
    other = {"cause_id": "config", "questions": (examples.question("oom"),)}
    blind = examples.failed_in(Phase.DIAGNOSIS, **other)
    mute = examples.failed_in(Phase.DIAGNOSIS, Verdict.ERROR, **other, days=1)
    (matrix,) = card(confused, blind, mute, examples.healthy()).matrices
    assert matrix.causes == ("oom", "config")
    rows = {r.fault: (r.drills, r.diagnosed, r.unknown, r.could_not_tell) for r in matrix.rows}
    assert rows == {
        "oom": (1, (1, 1), 0, 0),
        "config": (2, (0, 0), 1, 1),
        "healthy": (1, (0, 0), 1, 0),
    }


def test_times_overheads_and_the_recovery_objective() -> None:
    late = examples.drill("config", times=examples.TIMES.model_copy(update={"t7": 1203.0}))
    found = card(GOOD[0], late)
    assert found.ttr.median == (77.0 + 1200.0) / 2
    assert str(found.within_rto) == "1 of 2 (50 %)"
    assert found.ttd.values == (49.0, 49.0)
    assert found.ttl.values == (3.0, 3.0)
    assert sorted(found.fix.values) == [25.0, 1148.0]
    cost = Cost(wall_s=100.0, waiting_s=80.0, commands_s=10.0)
    found = card(examples.drill(cost=cost), examples.drill("config"))
    assert found.harness_overhead == pytest.approx((10.0 + 3.0) / 225.0)
    assert found.detection_overhead.values == (-1.0, -1.0)


def test_what_was_not_reached_and_what_did_not_last() -> None:
    found = card(examples.failed_in(Phase.REMEDIATION))
    assert (found.ttr.n, found.ttr.missed, found.ttr.median) == (1, 1, math.inf)
    assert str(found.within_rto) == "0 of 1 (0 %)"
    assert str(found.remediation) == "0 of 1 (0 %)"
    verdicts = {**dict.fromkeys(Phase, Verdict.NOT_RUN), Phase.DETECTION: Verdict.FAILED}
    fields = {"verdict": Verdict.FAILED, "phase_verdicts": verdicts, "times": Times(t1=4.0)}
    found = card(examples.drill(**fields))
    assert str(found.remediation) == "0 of 0 (no data)"
    assert (found.ttd.missed, found.ttl.n, found.fix.n) == (1, 0, 0)


def test_an_operation_is_measured_apart_as_nothing_detects_its_need() -> None:
    found = card(examples.drill(times=examples.PLANNED))
    assert (found.ttd.n, found.ttl.n, found.ttr.n) == (0, 0, 0)
    assert (found.operation.values, str(found.within_rto)) == ((36.0,), "1 of 1 (100 %)")
    assert "| operation: begun to done | 1 | 0 | 36 s | 36 s (maximum) |" in score.markdown(found)
    assert "operation" not in score.markdown(card(*GOOD))


def test_the_text_holds_the_interval_and_its_limits() -> None:
    text = score.markdown(card(*GOOD, planned=NODES))
    assert "**Accuracy: 2 of 2 (100 %; 95 % interval 34 % to 100 %)**" in text
    assert "35 of 35 would" in text
    assert "| detect (TTD): fault to alert | 2 | 0 | 49 s | 49 s (maximum) |" in text
    assert "median 1 s before it, the latest 1 s before it (n = 2)" in text
    assert "\n\n\n" not in text


def test_an_alert_is_before_or_after_its_latest_time() -> None:
    times = examples.TIMES.model_copy(update={"t1": 44.0})
    late = examples.drill("config", times=examples.TIMES.model_copy(update={"t1": 36.0}))
    text = score.markdown(card(examples.drill(times=times), late))
    assert "median 1 s before it, the latest 3 s after it (n = 2)" in text
    assert "8 s before it" not in text
    unseen = examples.drill(times=examples.TIMES.model_copy(update={"floor_s": None}))
    assert "allow after the symptom: no data" in score.markdown(card(unseen))


def test_nothing_is_never_printed_as_all() -> None:
    """A run in which nothing could be judged: no rate of it may read as a success."""
    text = score.markdown(scorecard([examples.drill(partial=True)], []))
    assert "**Accuracy: 0 of 0 (no data)**" in text
    assert "100 %" not in text.replace("1 of 1 (100 %)", "", 1).split("## 2.")[1]
    assert "0 of 0 (100 %" not in text


def test_a_reason_cannot_break_the_text() -> None:
    reason = "\x1b[31m# heading\n| a | <b> ``` {{ x }}"
    text = score.markdown(card(examples.drill(partial=True, reason=reason)))
    assert r"partial: # heading | a | &lt;b> \`\`\` { { x }}" in text
    assert "\x1b" not in text
