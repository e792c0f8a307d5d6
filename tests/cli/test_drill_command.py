"""The command `drill` from its guards to its last line, with a stand-in for pytest and servers."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from drillbook.evidence.records import Drill
from drillbook.model import Verdict
from tests import runbook_examples as examples
from tests.bad_input.command_line import FEATURE, Answer, copied, drillbook
from tests.bad_input.servers import serving
from tests.cluster.test_kubeconfig import kubeconfig_of
from tests.drill.test_guard import UID
from tests.drill.test_refusals import answering, data

CAUSES = ("driver-oom", "missing-module", "refused-configuration")
STAND_IN = """
import json, sys
from pathlib import Path
run = Path(next(w for w in sys.argv if w.startswith("--drill-run=")).partition("=")[2])
cause, control = sys.argv[1].rpartition("::")[2].split("--")
for phase, at in (("fault", 2.0), ("undo", 5.0)):
    print("\\x02" + json.dumps({"phase": phase, "at": at}), file=sys.stderr, flush=True)
record = json.loads(Path(f"{cause}.json").read_text())
record["run"] = run.name
(run / f"RB-SPARK-001--{cause}--{control}--1.json").write_text(json.dumps(record))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose drills all pass."""
    made = copied(tmp_path / "checkout")
    (made / "pytest.py").write_text(STAND_IN)
    for cause in CAUSES:
        leave(made, examples.drill(cause))
    leave(made, examples.healthy(*CAUSES))
    return made


def leave(checkout: Path, drill: Drill) -> None:
    fields = {"runbook": "RB-SPARK-001", "path": FEATURE}
    (checkout / f"{drill.cause}.json").write_text(drill.model_copy(update=fields).model_dump_json())


def run(checkout: Path, *words: str) -> Answer:
    rule: Any = {
        "name": "SparkDriverCrashLoop",
        "query": "up",
        "duration": 0,
        "labels": {"severity": "P1"},
    }
    rules = data({"groups": [{"name": "g", "interval": 5, "rules": [rule]}]})
    with serving(answering({"/api/v1/rules": rules})) as server:
        settings = {
            "kubeconfig": str(kubeconfig_of(checkout, server.url)),
            "allowed_clusters": [UID],
            "allowed_hosts": [urlsplit(server.url).netloc],
            "prometheus_url": f"{server.url}/prometheus",
            "alertmanager_url": f"{server.url}/alertmanager",
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        text = "\n".join([*lines, "allow_cluster_admin = true", ""])
        (checkout / "drillbook.toml").write_text(text)
        return drillbook(checkout, "drill", *words)


def test_a_run_is_estimated_told_by_phases_and_counted(checkout: Path) -> None:
    done = run(checkout)
    assert done.code == 0, done.said
    assert "4 never drilled, 120 s assumed each" in done.said
    assert "] driver-oom--plain: set-up 2 s" in done.said
    assert "PASSED in 0 s (set-up 2 s, fault 3 s, undo 120 s)" in done.said.replace(
        " in 1 s", " in 0 s"
    )
    assert done.said.splitlines()[-1].endswith(": 4 PASSED")
    again = run(checkout, "-j", "2")
    assert "4 drills, at most 2 at once: about 4 min by the last time\n" in again.said


def test_a_failure_is_told_with_how_to_repeat_it(checkout: Path) -> None:
    leave(checkout, examples.drill("driver-oom", verdict=Verdict.ERROR, reason="no answer"))
    done = run(checkout, "--control", "plain", "-v")
    assert done.code == 4, done.said
    assert f"drillbook drill {FEATURE} --cause driver-oom --control plain" in done.said
    assert "  because   no answer" in done.said
    assert done.said.splitlines()[-1].endswith(": 1 ERROR, 2 PASSED")
    assert "no drill matches" in run(checkout, "--cause", "typo").said
