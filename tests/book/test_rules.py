"""The rules that Prometheus loads, judged by promtool, in every environment; and mutants of each
clause of a rule, which its tests must kill."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from drillbook.book.monitoring import rendered_rules
from drillbook.cluster.settings import embedded_cluster

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "monitoring/tests"

pytestmark = pytest.mark.cluster  # promtool is of the staging cluster's cache


@pytest.fixture
def promtool() -> str:
    path = os.pathsep.join((embedded_cluster().get("tool_path", ""), os.environ["PATH"]))
    found = shutil.which("promtool", path=path)
    assert found, "no promtool: run `drillbook staging up`, or install Debian's `prometheus`"
    return found


def test_files(environment: str) -> list[str]:
    """`spark.yaml` holds everywhere, `spark.staging.yaml` in staging only."""
    names = sorted(path.name for path in TESTS.glob("*.yaml"))
    return [n for n in names if n.count(".") == 1 or n.endswith(f".{environment}.yaml")]


test_files.__test__ = False  # type: ignore[attr-defined]


def laid_out(folder: Path, rules: dict[str, str]) -> Path:
    """The tests beside the rendered rules, as the tests name them; answers the tests' folder."""
    (folder / "rendered").mkdir()
    for name, text in rules.items():
        (folder / "rendered" / name).write_text(text)
    return Path(shutil.copytree(TESTS, folder / "tests"))


def judged(promtool: str, folder: Path, files: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [promtool, "test", "rules", *files],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_rules_do_what_their_tests_say(tmp_path: Path, promtool: str, environment: str) -> None:
    folder = laid_out(tmp_path, rendered_rules(ROOT, environment))
    done = judged(promtool, folder, test_files(environment))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_file_has_tests() -> None:
    assert {path.name for path in (ROOT / "monitoring/alerts").glob("*.yaml")} <= {
        path.name for path in TESTS.glob("*.yaml")
    }


@pytest.mark.parametrize(
    ("clause", "mutant"),
    [
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
)
def test_a_mutant_of_the_crash_loop_rule_is_killed(
    tmp_path: Path, promtool: str, clause: str, mutant: str
) -> None:
    rules = rendered_rules(ROOT, "staging")
    assert clause in rules["spark.yaml"]
    changed = {"spark.yaml": rules["spark.yaml"].replace(clause, mutant)}
    folder = laid_out(tmp_path, changed)
    done = judged(promtool, folder, test_files("staging"))
    assert done.returncode == 1, f"survived: {clause} -> {mutant}"
    assert "exp:" in done.stderr + done.stdout, "the mutant is no valid rule"
