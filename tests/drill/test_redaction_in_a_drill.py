"""What a drill writes when its namespace's Secrets become unreadable, or appear, on the way."""

import io
from typing import Any

import pytest
from test_live_drill import Namespace, incident, order

from drillbook.drill.order import DrillOrder
from drillbook.evidence import records
from drillbook.evidence.redactor import WITHHELD
from drillbook.model import Verdict
from drillbook.model.errors import CouldNotTell, DrillbookError

__all__ = ["order"]

SECRET = "hunter2-correct-horse"  # noqa: S105 - of nothing


class Secretive(Namespace):
    """Its Secrets as they are each time that they are read."""

    def __init__(self, *times: Any, **raises: BaseException) -> None:
        super().__init__(**raises)
        self._times = [*times]

    def secret_values(self) -> tuple[str, ...]:
        self.asked.append("secret_values")
        now = self._times.pop(0) if len(self._times) > 1 else self._times[0]
        if isinstance(now, BaseException):
            raise now
        found: tuple[str, ...] = now
        return found


def drilled(order: DrillOrder, namespace: Namespace) -> tuple[records.Drill, str]:
    """A drill that does not get far, as a record and as what it said."""
    terminal = io.StringIO()
    one = incident(order, namespace, stream=terminal)
    with pytest.raises(DrillbookError):
        one.begin()
    return one.end(), terminal.getvalue()


@pytest.mark.parametrize("times", [((SECRET,),), ((), (SECRET,))], ids=["known", "late"])
def test_a_secret_in_an_error_is_in_no_record(order: DrillOrder, times: tuple[Any, ...]) -> None:
    apply = CouldNotTell(f"the server said {SECRET}")
    record, said = drilled(order, Secretive(*times, apply=apply))
    assert "the server said [redacted]" in record.reason
    assert SECRET not in record.model_dump_json()
    assert SECRET not in said


def test_what_was_seen_is_withheld_while_they_cannot_be_read(order: DrillOrder) -> None:
    apply = CouldNotTell("the server said an ordinary thing")
    record, said = drilled(order, Secretive((), CouldNotTell("HTTP 403 Forbidden."), apply=apply))
    assert record.reason == f"{WITHHELD} HTTP 403 Forbidden."
    assert (record.verdict, records.exit_code([record])) == (Verdict.ERROR, 4)
    assert "ordinary thing" not in record.model_dump_json()
    # The undo is heard all the same.
    assert "undone" in said


def test_after_the_undo_nobody_asks_for_them(order: DrillOrder) -> None:
    namespace = Secretive((), apply=CouldNotTell("no"))
    drilled(order, namespace)
    assert "secret_values" not in namespace.asked[namespace.asked.index("close") :]
