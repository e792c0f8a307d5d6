"""The rules that Prometheus loads, judged by promtool, in every environment; and mutants of each
clause of a rule, which the tests of its own file must kill."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from drillbook.book import promtool as own_promtool
from drillbook.book.monitoring import rendered_rules
from drillbook.cluster.settings import embedded_cluster

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "monitoring/tests"

pytestmark = pytest.mark.cluster  # promtool is of the staging cluster's cache

MUTANTS = {
    "spark.yaml": [
        ('{container="spark-driver"}) >= 2', '{container="spark-driver"}) >= 1'),
        ('{container="spark-driver"}) >= 2', '{container="spark-driver"}) >= 3'),
        ('total{container="spark-driver"})', "total)"),
        ('reason{container="spark-driver", ', "reason{"),
        ('reason="CrashLoopBackOff"}) == 1', 'reason="Error"}) == 1'),
        ('started{container="spark-driver"}) < 600', 'started{container="spark-driver"}) < 1e9'),
        ('started{container="spark-driver"}) < 600', 'started{container="spark-driver"}) < 1'),
        ("    < 2\n", "    < 0\n"),
        ("    < 2\n", "    < 3\n"),
        (
            "max by (namespace, pod) (kube_pod_container_status_restarts",
            "max by (pod) (kube_pod_container_status_restarts",
        ),
        ("unless on (namespace, pod)", "and on (namespace, pod)"),
        ("offset 1h", "offset 1d"),
    ],
}
"""Rule file -> clauses and what stands in their place."""


@pytest.fixture
def promtool() -> str:
    path = os.pathsep.join((embedded_cluster().get("tool_path", ""), os.environ["PATH"]))
    found = shutil.which("promtool", path=path)
    assert found, "no promtool: run `drillbook staging up`, or install Debian's `prometheus`"
    return found


def own_tests(folder: Path, environment: str, file: str) -> list[str]:
    """`spark.yaml` holds everywhere, `spark.staging.yaml` in staging only."""
    stem = file.removesuffix(".yaml")
    return [n for n in (file, f"{stem}.{environment}.yaml") if (folder / n).is_file()]


def judged(
    promtool: str, root: Path, rules: dict[str, str], files: Iterable[str]
) -> tuple[bool, str]:
    """Whether the tests of these names pass on these rules, and what promtool says."""
    folder = root / "laid-out"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "rendered").mkdir(parents=True)
    for name, text in rules.items():
        (folder / "rendered" / name).write_text(text)
    shutil.copytree(root / "tests", folder / "tests")
    done = subprocess.run(
        [promtool, "test", "rules", *files],
        cwd=folder / "tests",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode == 0, done.stdout + done.stderr


def survivors(
    promtool: str, root: Path, rules: dict[str, str], file: str, mutants: Iterable[tuple[str, str]]
) -> list[tuple[str, str]]:
    """The mutants that a file's own tests do not find. Raises AssertionError where these fail
    without any mutant, and for a mutant that is no valid rule."""
    tests, found = own_tests(root / "tests", "staging", file), []
    assert tests, f"{file} has no tests"
    well, said = judged(promtool, root, rules, tests)
    assert well, f"the tests of {file} fail without any mutant: {said}"
    for clause, mutant in mutants:
        assert clause in rules[file]
        changed = {**rules, file: rules[file].replace(clause, mutant)}
        survives, said = judged(promtool, root, changed, tests)
        assert survives or "exp:" in said, f"{mutant} is no valid rule: {said}"
        found += [(clause, mutant)] if survives else []
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "monitoring", tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_rules_do_what_their_tests_say(root: Path, promtool: str, environment: str) -> None:
    rules = rendered_rules(ROOT, environment)
    files = [test for file in rules for test in own_tests(TESTS, environment, file)]
    well, said = judged(promtool, root, rules, files)
    assert well, said


def test_every_rule_file_has_tests_and_mutants() -> None:
    files = {path.name for path in (ROOT / "monitoring/alerts").glob("*.yaml")}
    assert files <= {path.name for path in TESTS.glob("*.yaml")}
    assert files == set(MUTANTS)


@pytest.mark.parametrize("file", MUTANTS)
def test_every_mutant_is_killed(root: Path, promtool: str, file: str) -> None:
    rules = rendered_rules(ROOT, "staging")
    assert survivors(promtool, root, rules, file, MUTANTS[file]) == []


SECOND = """\
rule_files: [../rendered/second.yaml]
evaluation_interval: 5s
tests:
  - interval: 5s
    input_series: [{series: 'late{namespace="shop"}', values: 5x9}]
    promql_expr_test:
      - expr: ALERTS
        eval_time: 40s
        exp_samples:
          - {labels: 'ALERTS{alertname="Late", alertstate="firing", namespace="shop"}', value: 1}
"""
RULE = "groups: [{name: second, rules: [{alert: Late, expr: late > 4}]}]\n"


def test_a_second_file_is_judged_by_its_own_tests(root: Path, promtool: str) -> None:
    (root / "tests/second.yaml").write_text(SECOND)
    rules = {**rendered_rules(ROOT, "staging"), "second.yaml": RULE}
    mutants = [("> 4", "> 5"), ("> 4", "> 3")]
    assert survivors(promtool, root, rules, "second.yaml", mutants) == mutants[1:]
    assert survivors(promtool, root, rules, "spark.yaml", MUTANTS["spark.yaml"][:1]) == []
    with pytest.raises(AssertionError, match="no valid rule"):
        survivors(promtool, root, rules, "second.yaml", [("late > 4", "late >")])
    with pytest.raises(AssertionError, match=r"second.yaml fail without any mutant"):
        survivors(promtool, root, {"spark.yaml": "", "second.yaml": ""}, "second.yaml", mutants)


def test_promtool_names_what_a_parser_of_expressions_cannot_know(root: Path, promtool: str) -> None:
    home = root / "home"
    shutil.copytree(ROOT / "monitoring", home / "monitoring")
    assert own_promtool.check(promtool, home, "staging") == []
    path = home / "monitoring/alerts/spark.yaml"
    path.write_text(path.read_text().replace("{{ $value }}", "{{ nosuch $value }}"))
    (problem,) = own_promtool.check(promtool, home, "staging")
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "- alert:" in text)
    assert (problem.path, problem.line) == ("monitoring/alerts/spark.yaml", line)
    assert 'function "nosuch" not defined' in problem.what
