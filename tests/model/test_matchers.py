"""Each matcher beside the answer that it must refuse."""

from datetime import UTC, datetime

import pytest

from drillbook.model import Absent, AlertState, Answer, Matcher, matchers

QUIET = AlertState(firing=False, pending=False, listed=False)
LOUD = AlertState(firing=True, pending=False, listed=True)
UNLISTED = AlertState(firing=True, pending=False, listed=False)
SINCE = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("matcher", "good", "bad"),
    [
        (matchers.any_equals("OOMKilled"), "Error OOMKilled", "OOMKilledNot"),
        (matchers.equals("driver-oom"), " driver-oom\n", "driver-oom too"),
        (matchers.contains("Module"), "x\nModuleNotFound", "nothing"),
        (matchers.at_least(2), "0 3", "1 1"),
        (matchers.after_last_change(), str(SINCE.timestamp() + 1), str(SINCE.timestamp())),
        (matchers.firing(), LOUD, UNLISTED),
        (matchers.silent(), QUIET, UNLISTED),
        (matchers.gone(), Absent("pod"), "still here"),
    ],
)
def test_holds_for_the_good_only(matcher: Matcher, good: Answer, bad: Answer) -> None:
    assert matcher.holds(good, SINCE)
    assert not matcher.holds(bad, SINCE)
    assert matcher.describe()


@pytest.mark.parametrize(
    "matcher",
    [
        matchers.any_equals("x"),
        matchers.equals("x"),
        matchers.contains(""),
        matchers.at_least(0),
        matchers.after_last_change(),
        matchers.firing(),
    ],
)
def test_absent_makes_ordinary_matchers_false(matcher: Matcher) -> None:
    assert not matcher.holds(Absent("it"), SINCE)
    assert matchers.silent().holds(Absent("it"), SINCE)
    assert not any(matchers.at_least(0).holds(text, None) for text in ("NaN", "inf", "-inf", ""))
