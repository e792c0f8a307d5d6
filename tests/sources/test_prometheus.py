"""PromQL and FiringAlert: what a page prints, and what both faces make of an answer."""

import json
from datetime import UTC, datetime

import pytest

from drillbook.model import Absent, AlertState, Duration, Var
from drillbook.model.errors import CouldNotTell
from drillbook.sources import FiringAlert, Series
from drillbook.sources.prometheus import Expr, _stamp

BATCH = Series(metric="batch", labels=(("namespace", Var("NAMESPACE")), ("app", "x")))


def matrix(*values: tuple[float, str]) -> str:
    series = [{"metric": {}, "values": [list(v) for v in values]}] if values else []
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": series}})


def test_the_query_keeps_its_variables_as_one_argument() -> None:
    line = str(BATCH.command())
    assert line == (
        'curl -fsS --max-time 10 --get "$PROMETHEUS"/api/v1/query --data-urlencode '
        '\'query=batch{namespace="\'"$NAMESPACE"\'", app="x"}[1m]\''
    )


def test_the_newest_sample_answers_and_nothing_else() -> None:
    assert BATCH.parse(matrix((1.0, "4"), (6.0, "5"))) == "5"
    assert isinstance(BATCH.parse(matrix()), Absent)
    with pytest.raises(CouldNotTell, match="nan"):
        BATCH.parse(matrix((1.0, "NaN")))
    with pytest.raises(CouldNotTell, match="vector"):
        BATCH.parse(matrix().replace("matrix", "vector"))


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        ("batch", 60),
        ("rate(batch[1h30m])", 5400),
        ("rate(batch[1w])", 604800),
        ("rate(batch[ 10m ])", 600),
        ("rate(batch[300])", 300),
        ("rate(batch[5m] offset 10m)", 900),
        ("max_over_time(rate(batch[5m])[1h:30s])", 3900),
    ],
)
def test_how_far_an_expression_looks_back(query: str, seconds: int) -> None:
    assert Duration(Expr(query=query, reads=(BATCH,)).window).seconds == seconds


def test_alertmanagers_list_alone_answers_for_the_page() -> None:
    alert = FiringAlert(alert="Down")
    assert alert.parse("[]") == AlertState(firing=False, pending=False, listed=False)
    listed = alert.parse('[{"annotations": {"runbook_url": "runbooks/a.md"}}]')
    assert listed == AlertState(firing=True, pending=False, listed=True, pages=("runbooks/a.md",))


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("2026-11-21T03:00:01.123456789Z", datetime(2026, 11, 21, 3, 0, 1, 123456, UTC)),
        ("2026-11-21T03:00:01Z", datetime(2026, 11, 21, 3, 0, 1, 0, UTC)),
        ("2026-11-21T05:00:01.5+02:00", datetime(2026, 11, 21, 3, 0, 1, 500000, UTC)),
        ("2026-11-21T05:00:01+02:00", datetime(2026, 11, 21, 3, 0, 1, 0, UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_gos_stamps(text: str, stamp: datetime) -> None:
    assert _stamp(text) == stamp
