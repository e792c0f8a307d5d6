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
        (matchers.at_most(2), "0 2", "0 3"),
        (matchers.at_most(2), "0", "no number"),
        (matchers.present(), "0", "\n"),
        (matchers.is_not(matchers.equals("False")), "True", "False"),
        (matchers.is_not(matchers.contains("refused")), "ready", "ready\nrefused"),
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
        matchers.at_most(0),
        matchers.present(),
        matchers.is_not(matchers.any_equals("x")),
        matchers.after_last_change(),
        matchers.firing(),
    ],
)
def test_absent_makes_ordinary_matchers_false(matcher: Matcher) -> None:
    assert not matcher.holds(Absent("it"), SINCE)
    assert matchers.silent().holds(Absent("it"), SINCE)
    assert not any(matchers.at_least(0).holds(text, None) for text in ("NaN", "inf", "-inf", ""))


@pytest.mark.parametrize("one", [matchers.at_least(1), matchers.gone(), matchers.firing()])
def test_only_a_text_is_negated(one: Matcher) -> None:
    with pytest.raises(ValueError, match="opposite of its own"):
        matchers.is_not(one)  # type: ignore[arg-type]
