"""The gate: what a change needs, in a git repository of its own."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from drillbook.book import checkout as book
from drillbook.book.rule_files import read_rules
from drillbook.cli import gate
from drillbook.cli.commands import gate as command
from drillbook.cli.commands import offline
from drillbook.cli.selection import select
from drillbook.cluster.settings import Settings
from drillbook.model import Control, Problem
from drillbook.model.errors import CouldNotTell, UsageError
from tests import runbook_examples as examples
from tests.forked import ROOT

FEATURE = "features/spark/driver-crash-loop.feature"


@pytest.fixture
def repository(checkout: Path) -> Path:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "base"]):
        subprocess.run(["git", *words], cwd=checkout, check=True, capture_output=True)
    return checkout


@pytest.mark.parametrize(
    ("file", "old", "new", "stale", "wrong"),
    [
        ("README.md", "", "A word\n", False, False),
        (FEATURE, "within 3m", "within 170s", True, True),
        (FEATURE, "old data", "data of old", False, False),
        ("monitoring/alerts/spark.yaml", ">= 2", ">= 1", True, False),
        ("fixtures/faults/spark.py", "", "# A word\n", False, False),
    ],
)
def test_what_a_change_makes_stale_and_whether_it_asks_for_a_version(
    repository: Path, file: str, old: str, new: str, stale: bool, wrong: bool
) -> None:
    path = repository / file
    before = path.read_text("utf-8") if path.exists() else ""
    assert old in before
    path.write_text(before.replace(old, new, 1) if old else before + new, "utf-8")
    found = command.needs(Settings(root=repository), "HEAD")
    assert bool(found.stale) is stale
    assert [(one.path, one.rule) for one in found.wrong] == [(FEATURE, "version")] * wrong
    if wrong:
        path.write_text(re.sub(r"(@version:\d+\.\d+)\.\d+", r"\1.99", path.read_text("utf-8")))
        assert command.needs(Settings(root=repository), "HEAD").wrong == ()


def test_the_rules_that_a_change_touches_are_tested() -> None:
    rules = read_rules(ROOT)
    for file, alerts in {
        "monitoring/alerts/pods.yaml": ["PodCrashLoop"],
        "monitoring/cases/PodCrashLoop.yaml": ["PodCrashLoop"],
        "monitoring/values/production.yaml": sorted(rules.names),
        "monitoring/cases/Gone.yaml": [],
        "README.md": [],
    }.items():
        assert gate.alerts_of([file], rules) == alerts, file


def test_a_base_that_is_none(repository: Path) -> None:
    assert gate.base_of(repository, "") == "", "a first commit has no parent"
    # Nobody knows what it changed, so all that it holds is judged.
    assert command.needs(Settings(root=repository), "").alerts == ("SparkDriverCrashLoop",)
    with pytest.raises(UsageError, match="not a commit of this checkout"):
        gate.base_of(repository, "nowhere")


def test_without_git_nobody_knows_what_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CouldNotTell, match="git is not on your PATH"):
        gate.base_of(tmp_path, "")


def test_the_sample_fits_into_the_budget_and_differs_from_commit_to_commit() -> None:
    every = select([examples.runbook().runbook], [], [Control.PLAIN])
    known = {one.node: 100.0 for one in every}
    assert gate.sample(every, "a", known, jobs=1, budget_s=99) == []
    assert gate.sample(every, "a", known, jobs=2, budget_s=100) in (every, every[::-1])
    firsts = {gate.sample(every, f"{n}", known, 1, 100)[0].cause for n in range(20)}
    assert firsts == {"oom", "config"}


def test_a_problem_on_its_line() -> None:
    one = Problem(path="a,b.feature", line=3, rule="x", what="50 % of\nit:", fix="Mend.")
    told = "::error file=a%2Cb.feature,line=3,title=x::50 %25 of%0Ait: Mend."
    assert gate.annotation(one) == told


def test_a_gate_that_found_proven_causes_and_drilled_none_could_not_tell(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(root=repository)
    every = tuple(select(book.runbooks(settings, [])[0], [], []))
    found = replace(command.needs(settings, "HEAD"), proven=every)
    monkeypatch.setattr(command, "needs", lambda *_: found)
    monkeypatch.setattr(offline, "lint", lambda *_: None)
    monkeypatch.setattr(offline, "render_pages", lambda *_, **__: None)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.setenv(name, "")
    asked = command.Asked(base="HEAD", budget_s=1, summary=repository / "summary.md")
    with pytest.raises(CouldNotTell, match="and none was drilled"):
        command.run(settings, asked, Console(quiet=True))
    assert "No proof" in (repository / "summary.md").read_text("utf-8")
    assert command.run(settings, replace(asked, plan=True), Console(quiet=True)) == 0
    with pytest.raises(CouldNotTell, match=r"--summary .*: cannot be written: Is a directory"):
        command.run(settings, replace(asked, summary=repository), Console(quiet=True))
