"""A refused drill's record says who refused it, and that nothing is to be undone."""

from datetime import UTC, datetime, timedelta

import runbook_examples as examples

from drillbook.drill.refusal import record_of_refusal
from drillbook.evidence import records
from drillbook.model import Control, Injection, Phase, Undo, Verdict
from drillbook.model.errors import Refused

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def refusal(words: str) -> records.Drill:
    return record_of_refusal(
        Refused(words),
        runbook=examples.runbook().runbook,
        cause="oom",
        control=Control.PLAIN,
        run="r",
        commit="abc",
        until=Phase.PREVENTION,
        started=NOW,
        ended=NOW + timedelta(seconds=2),
    )


def test_it_is_refused_and_changed_nothing() -> None:
    drill = refusal("cluster/node/2 is held by drill-b of run s")
    assert (drill.refused, drill.verdict, drill.injection, drill.undo, drill.valid) == (
        *(True, Verdict.ERROR, Injection.REFUSED),
        *(Undo.NOT_NEEDED, False),
    )
    assert drill.reason == "cluster/node/2 is held by drill-b of run s"
    assert drill.cost.wall_s == 2
    assert records.exit_code([drill]) == 3
    assert drill.name == "RB-APP-001--oom--plain--1", "which the dispatcher looks for"
    login = refusal("refused: https://me:hunter2hunter2@10.0.0.1/ did not take us")
    assert "hunter2hunter2" not in login.reason
