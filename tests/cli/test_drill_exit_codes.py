"""The exit code of a whole run, and what a child is told of the cluster."""

from pathlib import Path
from typing import Any

import pytest

from drillbook.cli.commands.drill import counting, exit_code, unanswered
from drillbook.cli.dispatch import Dispatcher
from drillbook.cli.selection import select
from drillbook.model import Injection, Undo, Verdict
from tests.cli.test_selection import RUNBOOK
from tests.evidence.test_records import drill

PASSED, FAILED, UNDONE = drill(), drill(verdict=Verdict.FAILED), drill(undo=Undo.FAILED)


@pytest.mark.parametrize(
    ("drills", "missing", "interrupted", "left_behind", "code"),
    [
        ([PASSED], False, False, False, 0),
        ([], True, False, False, 4),
        ([], True, False, True, 5),
        ([PASSED], True, False, False, 4),
        ([FAILED], True, False, False, 1),
        ([FAILED], False, True, False, 130),
        ([UNDONE], False, True, False, 5),
        ([], True, True, False, 130),
    ],
)
def test_the_exit_code_of_a_run(
    drills: list[object], missing: bool, interrupted: bool, left_behind: bool, code: int
) -> None:
    assert exit_code(drills, missing, interrupted, left_behind) == code  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ({"verdict": Verdict.ERROR}, True),
        ({"injection": Injection.NO_EFFECT}, True),
        ({}, False),
        ({"verdict": Verdict.FAILED}, False),
        ({"verdict": Verdict.ERROR, "undo": Undo.FAILED}, False),
        ({"verdict": Verdict.ERROR, "interrupted": True}, False),
        ({"verdict": Verdict.ERROR, "refused": True}, False),
    ],
)
def test_what_could_not_tell_is_drilled_once_more_and_then_counts(
    changed: dict[str, Any], again: bool
) -> None:
    (one,) = select([RUNBOOK], ["one"], [])
    named = {"path": str(RUNBOOK.path), "cause": "one", "control": one.control}
    first = drill(**changed).model_copy(update=named)
    found = unanswered([one], [first])
    assert [each.attempt for each in found] == [2] * again
    assert all(each.record.endswith("--2.json") for each in found)
    second = drill(attempt=2).model_copy(update=named)
    assert counting([second, first]) == [second]


def test_a_child_drills_the_cluster_that_was_admitted(tmp_path: Path) -> None:
    """A stand-in for pytest writes down its environment."""
    dispatcher = Dispatcher(
        root=tmp_path,
        folder=tmp_path / "run",
        environment={"DRILLBOOK_KUBECONFIG": "/own/kubeconfig"},
    )
    selected = select([RUNBOOK], ["one"], [])
    dispatcher.begin(selected, "abc")
    (tmp_path / "pytest.py").write_text("import os; print(os.environ['DRILLBOOK_KUBECONFIG'])")
    assert dispatcher.run(selected) == []
    (log,) = (tmp_path / "run" / "logs").glob("*.log")
    assert log.read_text().strip() == "/own/kubeconfig"
