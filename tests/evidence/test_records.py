"""Records: what is valid, what falsifies, which exit code follows, and the published schema."""

from pathlib import Path
from typing import Any

import pytest

from drillbook.evidence import records
from drillbook.evidence.records import Cost, Drill, Question, Times, exit_code
from drillbook.model import Control, Injection, Phase, Undo, Verdict
from drillbook.model.errors import UsageError
from tests import runbook_examples as examples


def drill(**changed: Any) -> Drill:
    fields: dict[str, Any] = {
        "runbook": "RB-X-001",
        "times": Times(t1=30, t4=40, t5=42, t6=60, t7=80, siblings_s=15, floor_s=10),
        "cost": Cost(wall_s=100, waiting_s=90, commands_s=6),
    }
    return examples.drill("driver-oom", **{**fields, **changed})


def question(held: bool | None) -> Question:
    return Question(cause="other", phase=Phase.DIAGNOSIS, held=held, scenarios=())


def test_the_derived_times() -> None:
    times = drill().times
    assert (times.ttd_s, times.ttl_s, times.ttr_s, times.fix_s) == (40, 2, 65, 20)
    assert times.detection_overhead_s == 0
    assert Times().ttr_s is None
    planned = examples.PLANNED
    assert (planned.ttd_s, planned.ttl_s, planned.ttr_s, planned.fix_s) == (None, None, 36, 25)
    assert planned.ttr_words == "36 s (39 s, of which 3 s asking other causes)"
    assert drill().cost.overhead_share == pytest.approx(0.04)


@pytest.mark.parametrize(
    "changed",
    [
        {"partial": True},
        {"interrupted": True},
        {"injection": Injection.NO_EFFECT},
        {"undo": Undo.FAILED},
        {"undo": Undo.KEPT},
        {"scenarios": ()},
        {"control": Control.HEALTHY},
    ],
)
def test_what_proves_nothing_is_not_valid(changed: dict[str, Any]) -> None:
    assert drill().valid
    assert not drill(**changed).valid


@pytest.mark.parametrize(
    ("drills", "code"),
    [
        ([], 2),
        ([drill()], 0),
        ([drill(), drill(verdict=Verdict.FAILED)], 1),
        ([drill(verdict=Verdict.FAILED), drill(verdict=Verdict.ERROR)], 1),
        ([drill(verdict=Verdict.ERROR)], 4),
        ([drill(verdict=Verdict.NOT_RUN)], 4),
        ([drill(injection=Injection.NO_EFFECT)], 4),
        ([drill(questions=(question(True),))], 1),
        ([drill(questions=(question(None),))], 4),
        ([drill(questions=(question(False),))], 0),
        ([drill(interrupted=True), drill(verdict=Verdict.FAILED)], 130),
        ([drill(undo=Undo.FAILED), drill(interrupted=True)], 5),
        ([drill(partial=True)], 0),
        ([drill(refused=True, verdict=Verdict.ERROR), drill(verdict=Verdict.FAILED)], 3),
        ([drill(refused=True, verdict=Verdict.ERROR), drill(interrupted=True)], 130),
        ([drill(undo=Undo.KEPT, partial=True)], 0),
    ],
)
def test_the_exit_code_is_the_first_that_applies(drills: list[Drill], code: int) -> None:
    assert exit_code(drills) == code


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    path = records.write(drill(), tmp_path)
    assert path.name == "RB-X-001--driver-oom--plain--1.json"
    assert records.read(path) == drill()
    assert records.read_run(tmp_path) == (drill(),)


def test_what_is_no_record_is_named(tmp_path: Path) -> None:
    path = tmp_path / "RB-X.json"
    path.write_text('{"schema_version": 2}')
    with pytest.raises(UsageError, match="not a drill record of schema 1"):
        records.read(path)


def test_the_published_schema_is_the_models(request: pytest.FixtureRequest) -> None:
    published = request.config.rootpath / "docs" / "schema" / "drill.v1.json"
    assert published.read_text() == records.schema_text()
