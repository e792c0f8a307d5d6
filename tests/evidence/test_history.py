"""The last drills, the newest first, and never too many."""

import runbook_examples as examples

from drillbook.evidence.history import shown
from drillbook.model import Undo, Verdict


def test_rows_are_the_newest_first_and_folded_after_ten() -> None:
    found = shown([examples.drill(days=n) for n in range(60)])
    assert (len(found.rows), len(found.folded), found.left_out) == (10, 40, 10)
    assert found.rows[0].when > found.rows[-1].when > found.folded[0].when


def test_a_drill_that_is_not_counted_says_why_in_its_cell() -> None:
    fields = {"undo": Undo.FAILED, "verdict": Verdict.ERROR, "commit": "abc1234def56+dirty"}
    bad = examples.drill(**fields, reason="a | b\n# c" + "x" * 300)
    (row,) = shown([bad]).rows
    assert row.verdict.startswith(r"ERROR, not counted (the undo is failed: a \| b # c")
    assert (len(row.verdict) < 220, row.commit) == (True, "abc1234+")
    assert (shown([]).rows, str(shown([]).passed)) == ((), "0 of 0 (no data)")


def test_the_trend_and_the_share_count_judged_plain_drills() -> None:
    failed = examples.drill(days=1, verdict=Verdict.FAILED)
    found = shown(
        [examples.drill(), failed, examples.drill(days=2, partial=True), examples.healthy()]
    )
    assert str(found.passed) == "1 of 2 (50 %)"
    assert found.trend == (("oom", "not recovered, 1 min 17 s"),)
    times = examples.TIMES.model_copy(update={"t7": None})
    assert shown([examples.drill(times=times)]).trend == (("oom", "not recovered"),)
