"""The rules that Prometheus loads, judged by promtool, in every environment; and mutants of each
clause of a rule, which the tests of its own file must kill."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import yaml

from drillbook.book import promtool as own_promtool
from drillbook.book.monitoring import rendered_rules
from drillbook.cluster.settings import embedded_cluster

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "monitoring/tests"

pytestmark = pytest.mark.cluster  # promtool is of the staging cluster's cache

FLIPS = {
    **{">=": "<", "<=": ">", ">": "<=", "<": ">=", "==": "!=", "!=": "=="},
    **{"and": "unless", "unless": "and", "or": "and"},
}
CLAUSES = {
    "spark.yaml": [
        ('total{container="spark-driver"})', "total)"),
        ('reason{container="spark-driver", ', "reason{"),
        ('reason="CrashLoopBackOff"}) == 1', 'reason="Error"}) == 1'),
        (
            "max by (namespace, pod) (kube_pod_container_status_restarts",
            "max by (pod) (kube_pod_container_status_restarts",
        ),
    ]
}
"""What is not generated: rule file -> clauses and what stands in their place."""


def mutants_of(file: str, text: str) -> Iterator[tuple[str, str]]:
    """What is changed, and the rules with it: every comparison and set operator turned, every
    number doubled and halved, every length of time tenfold; and the file's CLAUSES."""
    document = yaml.safe_load(text)
    alerts = [r for group in document["groups"] for r in group["rules"] if "alert" in r]
    for rule in alerts:
        written = rule["expr"]
        for start, end, word in _changes(re.sub(r"\{[^}]*\}", lambda m: "_" * len(m[0]), written)):
            rule["expr"] = f"{written[:start]}{word}{written[end:]}"
            yield f"{written[:end][-60:]} -> {word}", yaml.safe_dump(document)
        rule["expr"] = written
    for clause, other in CLAUSES.get(file, ()):
        assert clause in text
        yield f"{clause} -> {other}", text.replace(clause, other)


def _changes(bare: str) -> Iterator[tuple[int, int, str]]:
    """`bare`: an expression without its matchers."""
    for found in re.finditer(r">=|<=|==|!=|[<>]|\b(?:and|or|unless)\b", bare):
        yield *found.span(), FLIPS[found[0]]
    for found in re.finditer(r"(?<![\w.:])(\d+(?:\.\d+)?)([smhdw]?)\b", bare):
        number = float(found[1])
        if found[2]:
            yield *found.span(), f"{number * 10:g}{found[2]}"
            continue
        for other in (number * 2 or 1, number // 2 if number > 1 else number - 1):
            yield *found.span(), f"{other:g}"


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
) -> list[str]:
    """The mutants that a file's own tests do not find. Raises AssertionError where these fail
    without any mutant, and for a mutant that is no valid rule."""
    tests, found = own_tests(root / "tests", "staging", file), []
    assert tests, f"{file} has no tests"
    well, said = judged(promtool, root, rules, tests)
    assert well, f"the tests of {file} fail without any mutant: {said}"
    for shown, mutant in mutants:
        survives, said = judged(promtool, root, {**rules, file: mutant}, tests)
        assert survives or "exp:" in said, f"{shown} is no valid rule: {said}"
        found += [shown] if survives else []
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


FILES = sorted(path.name for path in (ROOT / "monitoring/alerts").glob("*.yaml"))


def test_every_rule_file_has_tests() -> None:
    assert set(FILES) <= {path.name for path in TESTS.glob("*.yaml")}
    assert set(CLAUSES) <= set(FILES)


@pytest.mark.parametrize("file", FILES)
def test_every_mutant_is_killed(root: Path, promtool: str, file: str) -> None:
    rules = rendered_rules(ROOT, "staging")
    assert survivors(promtool, root, rules, file, mutants_of(file, rules[file])) == []


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
    found = survivors(promtool, root, rules, "second.yaml", mutants_of("second.yaml", RULE))
    assert found == ["late > 4 -> 2"]  # its tests know nothing between 2 and 5
    assert survivors(promtool, root, rules, "spark.yaml", [("none", rules["spark.yaml"])]) == [
        "none"
    ]
    with pytest.raises(AssertionError, match="no valid rule"):
        survivors(promtool, root, rules, "second.yaml", [("torn", RULE.replace("> 4", ">"))])
    with pytest.raises(AssertionError, match=r"second\.yaml fail without any mutant"):
        survivors(promtool, root, {**rules, "second.yaml": ""}, "second.yaml", ())


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
