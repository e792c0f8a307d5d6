"""The rules that Prometheus loads, judged by promtool with their cases and mutants."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from drillbook.book import promtool as own_promtool
from drillbook.book import rule_cases, rule_mutants
from drillbook.book.rule_files import read_rules
from drillbook.cli.commands import rules
from drillbook.cluster.settings import Settings, embedded_cluster
from drillbook.model.errors import RunbookProblem, UsageError

ROOT = Path(__file__).parents[2]

RULE = """\
groups:
  - name: second
    rules:
      - {record: "ns:late", expr: "max by (namespace, pod) (late{app=\\"a\\"})"}
      - alert: Late
        expr: ns:late > 4
        labels: {severity: P2}
        annotations: {summary: "{{ $labels.pod }} is {{ $value }} late", runbook_url: runbooks/a.md}
"""
CASES = """\
every: 5s
incident:
  series: {'late{namespace="shop", pod="a", app="a"}': 4x3 5x60}
  labels: {namespace: shop, pod: a}
  value: "5"
  silent: 15s
  fires: 2m
cases:
  - name: another application
    series: {'late{namespace="shop", pod="a", app="b"}': 9x60}
    silent: 2m
  - name: much later
    series: {'late{namespace="shop", pod="a", app="a"}': 5x60}
    labels: {namespace: shop, pod: a}
    fires: 2m
"""


@pytest.fixture
def promtool() -> str:
    path = os.pathsep.join((embedded_cluster().get("tool_path", ""), os.environ["PATH"]))
    found = shutil.which("promtool", path=path)
    assert found, "no promtool: run `drillbook staging up`, or install Debian's `prometheus`"
    return found


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    for name, text in {
        "alerts/second.yaml": RULE,
        "values/staging.yaml": "for: {Late: 0s}\n",
        "cases/Late.yaml": CASES,
    }.items():
        path = tmp_path / "monitoring" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.cluster  # promtool is of the staging cluster's cache
@pytest.mark.parametrize("alert", sorted(read_rules(ROOT).names))
def test_every_alert_does_what_its_cases_say(promtool: str, alert: str) -> None:
    judged = list(own_promtool.judge_everywhere(promtool, ROOT, alert))
    assert [one.problems for one in judged] == [(), ()]
    assert judged[0].mutants > 5


@pytest.mark.cluster
def test_an_environment_has_windows_and_times_of_its_own(root: Path, promtool: str) -> None:
    for name, text in {
        "alerts/second.yaml": RULE.replace("ns:late > 4", "increase(ns:late[$late]) > 4"),
        "values/production.yaml": "for: {Late: 0s}\nwindows: {late: 1h}\n",
        "values/staging.yaml": "for: {Late: 0s}\nwindows: {late: 1m}\n",
        "cases/Late.yaml": """\
every: 1m
shorter: {staging: 60}
incident:
  series: {'late{namespace="shop", pod="a", app="a"}': 0x60 0+1x120}
  labels: {namespace: shop, pod: a}
  silent: 1h
  fires: [1h8m, 2h30m]
cases:
  - {name: slow, series: {'late{namespace="shop", pod="a", app="a"}': 0+0.05x200}, silent: 3h}
""",
    }.items():
        (root / "monitoring" / name).write_text(text)
    production, staging = own_promtool.judge_everywhere(promtool, root, "Late")
    assert "does not do" not in str((production.problems, staging.problems))
    assert production.mutants
    assert staging.mutants


@pytest.mark.cluster
@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("", "", ""),
        ("5x60}\n    labels", "9x60}\n    labels", ""),  # 5 is in the incident too
        ('app="b"', 'app="a"', "does not do what its cases say"),
        ("fires: 2m\ncases", "fires: 10s\ncases", "does not do what its cases say"),
        ('value: "5"', 'value: "6"', "does not do what its cases say"),
        ("every: 5s", "every: 5s\nequivalent: {ns:late > 4 -> 2: no}", "no such mutant"),
        ("4x3 5x60", "1x3 5x60", "no case of Late tells the rule from `ns:late > 4 -> 2`"),
    ],
)
def test_cases_find_a_wrong_rule_and_mutants_find_poor_cases(
    root: Path, promtool: str, old: str, new: str, what: str
) -> None:
    path = root / "monitoring/cases/Late.yaml"
    path.write_text(path.read_text().replace(old, new))
    judged = own_promtool.judge(promtool, root, "staging", "Late")
    said = "\n".join(map(str, judged.problems))
    assert what in said if what else not said, said


@pytest.mark.cluster
def test_a_failed_case_fails_and_is_no_wrong_usage(root: Path, promtool: str) -> None:
    path = root / "monitoring/cases/Late.yaml"
    path.write_text(path.read_text().replace('app="b"', 'app="a"'))
    settings = Settings(root=root, tool_path=str(Path(promtool).parent))
    with pytest.raises(RunbookProblem, match="does not do what its cases say"):
        rules.test(settings, [], Console(quiet=True))


@pytest.mark.cluster
def test_promtool_names_what_a_parser_of_expressions_cannot_know(root: Path, promtool: str) -> None:
    assert own_promtool.check(promtool, root, "staging") == []
    path = root / "monitoring/alerts/second.yaml"
    path.write_text(path.read_text().replace("{{ $value }}", "{{ nosuch $value }}"))
    (problem,) = own_promtool.check(promtool, root, "staging")
    assert (problem.path, problem.line) == ("monitoring/alerts/second.yaml", 5)
    assert 'function "nosuch" not defined' in problem.what


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("every: 5s", "every: soon", "'soon' is not a duration"),
        ("4x3 5x60", "four", "'four' is no sample"),
        ("  silent: 15s\n", "", "the incident needs both"),
        ("value", "valeu", "'valeu', which is not known"),
        ("  - name: another application\n    series", "  - series", "needs a `name`"),
        ("    silent: 2m\n", "", "needs a time"),
        ("incident:", "incident: []\nother:", "'other', which is not known"),
    ],
)
def test_a_file_of_cases_is_read_strictly(root: Path, old: str, new: str, what: str) -> None:
    path = root / "monitoring/cases/Late.yaml"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(UsageError, match=what):
        rule_cases.read(root, "Late", "staging")


def test_an_alert_without_cases_says_where_they_go(root: Path) -> None:
    with pytest.raises(UsageError, match=r"monitoring/cases/Never\.yaml: the alert Never has no"):
        rule_cases.read(root, "Never", "staging")


def test_samples_are_counted_as_promtool_counts_them() -> None:
    assert rule_cases.samples("0x2 _ 1+1x2 _x2 stale") == [
        *("0", "0", "0", "_", "1", "2", "3", "_", "_", "stale")
    ]


def test_mutants_change_one_place_each_and_are_valid_rules() -> None:
    found = dict(rule_mutants.of('sum by (a, b) (rate(x{c="d", e="f"}[5m])) > 2 and y'))
    assert set(found.values()) == {
        'sum by (a, b) (rate(x{c="d", e="f"}[5m])) <= 2 and y',
        'sum by (a, b) (rate(x{c="d", e="f"}[5m])) > 2 unless y',
        'sum by (a, b) (rate(x{c="d", e="f"}[50m])) > 2 and y',
        'sum by (a, b) (rate(x{c="d", e="f"}[5m])) > 4 and y',
        'sum by (a, b) (rate(x{c="d", e="f"}[5m])) > 1 and y',
        'sum by (a, b) (rate(x{e="f"}[5m])) > 2 and y',
        'sum by (a, b) (rate(x{c="d"}[5m])) > 2 and y',
        'sum by (b) (rate(x{c="d", e="f"}[5m])) > 2 and y',
        'sum by (a) (rate(x{c="d", e="f"}[5m])) > 2 and y',
    }
