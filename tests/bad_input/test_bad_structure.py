"""Duplicate scenario names or runbook ids; unbound or ambiguous step; missing phase; unknown tag;
RTO absent, negative, `10`, `NaN`: exit 1 from lint, all at once, before any cluster contact."""

from pathlib import Path

import pytest

from drillbook.book.lint import TAGS
from tests.bad_input.command_line import FEATURE, drillbook, replace
from tests.bad_input.servers import Bad, serving
from tests.cluster.test_kubeconfig import kubeconfig

AMBIGUOUS = """

@then("the driver of {string} was last {word} with reason {string}")
def another(where: Where, app: Word, how: str, reason: str) -> Probe:
    return driver_was_terminated(where, app, reason)
"""

SCENARIO = "Scenario: The driver was killed for memory"


def first_scenarios(checkout: Path) -> list[str]:
    lines = (checkout / FEATURE).read_text("utf-8").splitlines()
    return [line.strip() for line in lines if line.strip().startswith("Scenario:")]


def everything_wrong(checkout: Path) -> tuple[str, ...]:
    """Break the checkout in every way of the row; returns the rule ids that must be told."""
    one, other, *_ = first_scenarios(checkout)
    replace(checkout, FEATURE, one, other)
    replace(checkout, FEATURE, "@rto:15m", "@rto:-15m")
    replace(checkout, FEATURE, "@severity:", "@sverity:x @severity:")
    replace(checkout, FEATURE, "    @prevention\n", "    @remediation\n")
    replace(checkout, FEATURE, "completes a batch within", "finishes a batch within")
    with (checkout / "steps/spark.py").open("a") as file:
        file.write(AMBIGUOUS)
    text = (checkout / FEATURE).read_text("utf-8")
    (checkout / FEATURE).with_stem("copy").write_text(text, "utf-8")
    return (
        *("duplicate-scenario", "tag-value", "unknown-tag", "missing-phase"),
        *("unbound-step", "ambiguous-step", "duplicate-id"),
    )


def test_all_at_once(checkout: Path) -> None:
    rules = everything_wrong(checkout)
    answer = drillbook(checkout, "lint")
    assert answer.code == 1, answer.said
    assert [rule for rule in rules if f"[{rule}]" not in answer.said] == []


def test_a_drill_asks_no_cluster_before_they_are_mended(checkout: Path, tmp_path: Path) -> None:
    everything_wrong(checkout)
    with serving(lambda path: Bad(500)) as server:
        clusters = [{"name": "c", "cluster": {"server": server.url}}]
        path = kubeconfig(tmp_path, {"token": "t"}, clusters=clusters)
        answer = drillbook(
            checkout, "drill", "--kubeconfig", str(path), DRILLBOOK_PROMETHEUS_URL=server.url
        )
        assert server.asked == []
    assert answer.code == 1, answer.said
    assert "Nothing is drilled before these are mended" in answer.said


@pytest.mark.parametrize("rto", ["", "-15m", "10", "NaN", "0s", "inf"])
def test_a_recovery_time_that_is_none(rto: str) -> None:
    assert not TAGS["rto"].accepts(rto)
    assert TAGS["rto"].accepts("15m")
    assert TAGS["rto"].required


def test_where_exit_1_and_2_meet_2_wins(checkout: Path) -> None:
    everything_wrong(checkout)
    (checkout / "features/spark/torn.feature").write_text("no feature\n")
    answer = drillbook(checkout, "drill")
    assert answer.code == 2, answer.said
    assert "[duplicate-id]" in answer.said
