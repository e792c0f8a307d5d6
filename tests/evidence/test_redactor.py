"""A redactor learns while it runs, and fails closed."""

from collections.abc import Iterable
from typing import Any

import pytest
import runbook_examples as examples

from drillbook.evidence import records, redactor
from drillbook.evidence.redactor import BROKEN, WITHHELD, Redactor
from drillbook.model import Verdict
from drillbook.model.errors import CouldNotTell

SECRET = "hunter2-correct-horse"  # noqa: S105 - of nothing


def cut_off() -> Iterable[str]:
    raise CouldNotTell("HTTP 403 Forbidden.")


class Namespace:
    """Its Secrets come one by one, as a workload makes them."""

    def __init__(self, *values: Any) -> None:
        self.coming = list(values)

    def read(self) -> Iterable[str]:
        now = self.coming.pop(0) if self.coming else ()
        if isinstance(now, Exception):
            raise now
        return now


def blind() -> Redactor:
    one = Redactor({})
    one.watch(Namespace((), CouldNotTell("HTTP 403 Forbidden.")).read)
    one.refresh()
    return one


@pytest.mark.parametrize(
    "value",
    [
        f'{{"auths": {{"registry": {{"username": "u", "password": "{SECRET}"}}}}}}',
        f"user=orders\nDB_PASSWORD={SECRET}\n",
        f"postgresql://orders:{SECRET}@db:5432/orders",
    ],
)
def test_the_password_inside_of_a_secret_s_value_counts(value: str) -> None:
    one = Redactor({})
    one.learn([value])
    assert one.text(f"login as orders with {SECRET} failed") == (
        "login as orders with [redacted] failed"
    )


@pytest.mark.parametrize(
    ("times", "seen"),
    [
        (((), (SECRET,), ()), "a log line, [redacted]"),
        # After the last reading a namespace that is gone changes nothing.
        (((), (SECRET,), CouldNotTell("HTTP 403.")), "a log line, [redacted]"),
        (((), CouldNotTell("HTTP 403."), ()), WITHHELD),
        (((), ValueError("not base64"), ()), WITHHELD),
    ],
)
def test_a_secret_that_comes_during_the_drill_counts(times: tuple[Any, ...], seen: str) -> None:
    one = Redactor({})
    one.watch(Namespace(*times).read)
    one.settle()
    assert one.seen(f"a log line, {SECRET}") == one.text(f"a log line, {SECRET}") == seen


def test_while_secrets_cannot_be_read_nothing_is_seen() -> None:
    with pytest.raises(CouldNotTell, match=r"HTTP 403 Forbidden\. Let the identity"):
        Redactor({}).watch(cut_off)
    one = blind()
    assert one.text("an ordinary log line") == WITHHELD
    assert one.seen("an ordinary log line") == "an ordinary log line"  # read again, and they could


def test_evidence_that_cannot_be_told_from_a_secret_is_an_error() -> None:
    one = Redactor({})
    one.watch(Namespace((), CouldNotTell("HTTP 403."), CouldNotTell("HTTP 403.")).read)
    for verdict in (Verdict.PASSED, Verdict.FAILED):
        found = one.evidence(examples.evidence(verdict, "an ordinary log line"))
        assert (found.verdict, found.observed) == (Verdict.ERROR, f"{WITHHELD} HTTP 403.")


def test_a_record_of_a_drill_whose_secrets_are_unknown_is_an_error_without_evidence() -> None:
    drill = examples.drill(observed="an ordinary log line", left=("namespace/drill-x",))
    assert records.exit_code([drill]) == 0
    found = blind().drill(drill)
    assert "an ordinary log line" not in found.model_dump_json()
    assert found.verdict is Verdict.ERROR
    assert WITHHELD in found.reason
    assert "HTTP 403 Forbidden" in found.reason
    assert records.exit_code([found]) == 4
    # What somebody has to remove by hand must stay readable.
    assert found.left == ("namespace/drill-x",)


def test_a_record_keeps_its_identity_and_loses_its_secrets() -> None:
    one, drill = Redactor({}), examples.drill(observed=f"token={SECRET}", reason=f"saw {SECRET}")
    assert one.drill(examples.drill()) == examples.drill()
    one.learn([SECRET, drill.run, drill.commit])
    found = one.drill(drill)
    assert SECRET not in found.model_dump_json()
    assert (found.run, found.commit, found.hash) == (drill.run, drill.commit, drill.hash)
    assert (found.verdict, found.times) == (Verdict.PASSED, drill.times)


def test_when_redaction_itself_fails_nothing_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*words: Any) -> str:
        raise RecursionError

    monkeypatch.setattr(redactor, "redact", breaks)
    assert Redactor({}).text(f"saw {SECRET}") == BROKEN
    assert SECRET not in Redactor({}).drill(examples.drill(observed=SECRET)).model_dump_json()
