"""What helps to write a runbook: the sentences there are, a skeleton, completion."""

from pathlib import Path

import pytest

from drillbook.book import skeleton
from drillbook.cli import completion
from drillbook.cli.document import PAGE
from tests.bad_input.command_line import ROOT, drillbook, replace

ALERT = "monitoring/alerts/complete-outage.yaml"


def test_a_skeleton_lints_and_its_rule_is_tested(checkout: Path) -> None:
    before = {path for path in checkout.rglob("*.*") if path.is_file()}
    made = drillbook(checkout, "new", "runbook", "incidents/complete-outage", "--on", "redis")
    assert made.code == 0, made.said
    new = {str(p.relative_to(checkout)) for p in checkout.rglob("*.*") if p.is_file()}
    new -= {str(path.relative_to(checkout)) for path in before}
    assert {path for path in new if path[:2] not in ("__", "st", "ca")} >= {
        "features/incidents/complete-outage.feature",
        "runbooks/incidents/complete-outage.md",
        "monitoring/cases/CompleteOutage.yaml",
        ALERT,
    }
    assert "next: drillbook lint; drillbook rules test CompleteOutage" in made.said
    linted = drillbook(checkout, "lint")
    assert (linted.code, "a skeleton: TODO stands in" in linted.said) == (0, True), linted.said
    assert drillbook(checkout, "render", "--check").code == 0
    assert "never-run" in drillbook(checkout, "list").said
    again = drillbook(checkout, "new", "runbook", "incidents/complete-outage")
    assert again.code == 2
    assert "complete-outage.feature: is there already. Nothing was written" in again.said


def test_all_files_are_written_or_none(checkout: Path) -> None:
    values = checkout / "monitoring/values/staging.yaml"
    before = values.read_text("utf-8")
    (checkout / "monitoring/cases").rename(checkout / "monitoring/old")
    (checkout / "monitoring/cases").write_text("no folder")
    answer = drillbook(checkout, "new", "runbook", "incidents/complete-outage")
    assert (answer.code, "Nothing was written" in answer.said) == (4, True), answer.said
    assert values.read_text("utf-8") == before
    assert not (checkout / "features/incidents/complete-outage.feature").exists()
    assert not (checkout / ALERT).exists()


def test_an_operation_has_no_alert(checkout: Path) -> None:
    made = drillbook(checkout, "new", "runbook", "operations/scaling")
    assert (made.code, "monitoring" in made.said) == (0, False), made.said
    assert drillbook(checkout, "lint").code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("incidents/complete-outag", "Did you mean incidents/complete-outage?"),
        ("nowhere/zz", "Write it there, below its area"),
        ("incidents/complete-outage --on kafka", "There is: a PostgreSQL server"),
    ],
)
def test_what_is_no_new_runbook(checkout: Path, words: str, said: str) -> None:
    answer = drillbook(checkout, "new", "runbook", *words.split())
    assert (answer.code, said in answer.said) == (2, True), answer.said
    assert not (checkout / "features/incidents").exists()


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ("for:\n  B: 1m\n", "for:\n  A: 0s\n  B: 1m\n"),
        ("# x\nfor:\n  # y\n  A0: 1m\nkeep_firing_for:\n", "  # y\n  A: 0s\n  A0: 1m\nkeep"),
        ("for:\n", "for:\n  A: 0s\n"),
    ],
)
def test_an_alert_waits_in_its_place(values: str, wanted: str) -> None:
    assert wanted in skeleton.with_wait(values, "A", "0s")
    with pytest.raises(ValueError, match="no line"):
        skeleton.with_wait(values.replace("for:", "four:"), "A", "0s")


def test_sentences_are_found_with_their_lines(checkout: Path) -> None:
    found = drillbook(checkout, "steps", "LOG", "contains")
    assert found.code == 0
    assert 'Then the log of the <part> of "<name>" contains "<text>"' in found.said
    assert "steps/kubernetes.py:" in found.said
    assert '$ kubectl --context "$CONTEXT" -n "$NAMESPACE" logs -l app="$NAME"' in found.said
    assert "matcher at_most(threshold)" in drillbook(checkout, "steps", "matcher", "most").said
    assert "source Sql(endpoint" in drillbook(checkout, "steps", "source", "psql").said
    assert drillbook(checkout, "steps", "zzz").code == 2


def test_the_tables_of_the_page_are_those_that_are(checkout: Path) -> None:
    for name in ("docs", "staging"):
        (checkout / name).symlink_to(ROOT / name)
    assert drillbook(checkout, "steps", "--check").code == 0
    (checkout / "docs").unlink()
    (checkout / "docs").mkdir()
    (checkout / PAGE).write_text((ROOT / PAGE).read_text("utf-8"), "utf-8")
    replace(checkout, "steps/redis.py", "a Redis server {string}", "a Valkey server {string}")
    assert drillbook(checkout, "steps", "--check").code == 1
    assert drillbook(checkout, "steps", "--document").code == 0
    assert "a Valkey server" in (checkout / PAGE).read_text("utf-8")
    assert drillbook(checkout, "steps", "--check").code == 0


def test_a_shell_is_offered_what_there_is(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)
    assert completion.runbooks("RB-") == ["RB-SPARK-001"]
    assert completion.alerts("Spark") == ["SparkDriverCrashLoop"]
    assert completion.causes("driver") == ["driver-oom"]
    assert "spark/oom-kill" in completion.unwritten("spark/")
    assert "spark/driver-crash-loop" not in completion.unwritten("")
    assert completion.runs("") == []
    (checkout / "features/spark/driver-crash-loop.feature").write_text("nonsense", "utf-8")
    assert completion.runbooks("") == []
