"""`drillbook diagnose` beside programs that stand in for kubectl, curl and a tool."""

import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drillbook.cli.commands.diagnose import responding
from drillbook.cluster.settings import Settings
from drillbook.model import Endpoint, Var, Workload, command
from drillbook.model.errors import CouldNotTell
from drillbook.respond.diagnose import CauseFound, Incident, LineFound, Outcome
from drillbook.respond.shell import Shell
from drillbook.respond.variables import Place
from tests import runbook_examples as examples
from tests.bad_input.command_line import Answer, copied, drillbook

KUBECTL = """#!/bin/bash
echo "$*" >> "$ASKED"
case "$*" in
  "config current-context") echo lab ;;
  *port-forward*) [ -z "$NO_PORT" ] || { echo no pod >&2; exit 1; }
    echo "Forwarding from 127.0.0.1:4 -> 9093"; exec sleep 60 ;;
  *" get pod "*) echo orders ;;
  *" get deployments "*) echo 1 ;;
  *" get pods "*) if [ -n "$FORBIDDEN" ]; then echo Forbidden >&2; exit 1; fi; echo "$REASON" ;;
  *" --previous "*) [ -n "$ENDED" ] || exit 1; echo "$ENDED" ;;
  *" logs "*) echo "$LOG" ;;
  *) exit 9 ;;
esac
"""
CURL = """#!/bin/bash
echo "$*" >> "$ASKED"
[ -n "$ALERTS" ] || { echo refused >&2; exit 7; }
echo "$ALERTS"
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copied(tmp_path_factory.mktemp("diagnose") / "checkout")
    shutil.copytree(ROOT / "features/operations", folder / "features/operations")
    (folder / "bin").mkdir()
    for name, text in (("kubectl", KUBECTL), ("curl", CURL)):
        (folder / "bin" / name).write_text(text)
        (folder / "bin" / name).chmod(0o755)
    return folder


def alert(pod: str = "orders-1", **labels: str) -> dict[str, Any]:
    named = {"alertname": "SparkDriverCrashLoop", "namespace": "shop", "pod": pod}
    return {"labels": {**named, **labels}}


def diagnose(checkout: Path, *words: str, alerts: Any = "", **said: str) -> Answer:
    (checkout / "asked").write_text("")
    world = {
        "PATH": f"{checkout}/bin{os.pathsep}{os.environ['PATH']}",
        "ASKED": f"{checkout}/asked",
        "ALERTS": json.dumps(alerts) if alerts != "" else "",
        **{"FORBIDDEN": "", "NO_PORT": "", "REASON": "", "LOG": "", "ENDED": "", **said},
    }
    return drillbook(checkout, "diagnose", *words, **world)


OOM = {"REASON": "OOMKilled", "LOG": "x"}
ROOT = Path(__file__).parents[2]
HERE = ("RB-SPARK-001", "--set", "NAMESPACE=shop", "--set", "APP=orders")
PLAN = ("RB-OPS-002", "--set", "NAMESPACE=shop")
PLANNED = "features/operations/rollback.feature"
NEEDED = "holds: curl -sS --max-time 5 -o /dev/null"


@pytest.mark.parametrize(
    ("words", "alerts", "said", "code", "part"),
    [
        (("RB-SPARK-001",), [alert()], OOM, 0, "driver-crash-loop.md#cause-driver-oom"),
        (("--alert", "SparkDriverCrashLoop"), [alert()], OOM, 0, "one cause holds"),
        ((), [alert(), {"labels": {"alertname": "Other"}}], OOM, 0, "APP=orders"),
        (HERE, "", OOM, 0, "one cause holds"),
        (HERE, "", {"REASON": "Error", "LOG": "x"}, 1, "no cause holds"),
        ((), [], OOM, 1, "no alert fires"),
        (("RB-SPARK-001",), [], OOM, 4, "hand: --set NAMESPACE=... --set POD=...\n"),
        (("RB-SPARK-001", *HERE[3:]), [], OOM, 4, "by hand: --set NAMESPACE=...\n"),
        (("RB-SPARK-001",), "", OOM, 4, "exit code 7: refused"),
        (("RB-SPARK-001",), {"status": "error"}, OOM, 4, "without a list of alerts"),
        (HERE, "", {**OOM, "FORBIDDEN": "1"}, 4, "exit code 1: Forbidden"),
        (HERE, "", {}, 4, "every line printed nothing"),
        (HERE, "", {"REASON": "OOMKilled", "LOG": "ModuleNotFoundError"}, 1, "several causes hold"),
        (("RB-SPARK-001",), [alert("--all-namespaces")], OOM, 4, "which is no name"),
        (("RB-SPARK-001",), [alert("$(touch x)")], OOM, 4, "which is no name"),
        (("RB-SPARK-001",), [{"labels": {"alertname": "SparkDriverCrashLoop"}}], OOM, 4, "label"),
        (PLAN, "", {}, 4, "APP: the name of the registry service"),
        ((*PLAN, "--set", "APP=registry"), 500, {}, 1, NEEDED),
        (
            (*PLAN, "--set", "APP=registry"),
            200,
            {},
            1,
            f"does not {NEEDED.replace('holds', 'hold')}",
        ),
        (("--alert", "Nobodys"), "", OOM, 2, "no runbook here is for it"),
        (("RB-SPARK-001", "--set", "APP"), "", OOM, 2, "write NAME=VALUE"),
    ],
)
def test_what_holds(
    checkout: Path,
    words: tuple[str, ...],
    alerts: Any,
    said: dict[str, str],
    code: int,
    part: str,
) -> None:
    answer = diagnose(checkout, *words, alerts=alerts, **said)
    assert (answer.code, part in answer.said) == (code, True), answer.said
    assert "all-namespaces" not in (checkout / "asked").read_text()


def test_a_component_s_port_is_asked_as_its_page_asks_it(checkout: Path) -> None:
    diagnose(checkout, *PLAN, "--set", "APP=registry", alerts=500)
    asked = (checkout / "asked").read_text()
    assert " http://127.0.0.1:4/models\n" in asked
    assert " http://127.0.0.1:4/api/v1/query " in asked


def test_a_port_without_a_pod_is_no_reason_to_ask_nothing(checkout: Path) -> None:
    answer = diagnose(checkout, *PLAN, "--set", "APP=registry", alerts=500, NO_PORT="1")
    assert "no port was opened: no pod" in answer.said
    assert " get deployments " in (checkout / "asked").read_text()


@pytest.mark.parametrize(
    ("alerts", "words", "verdict"),
    [
        ([alert()], (), "one cause holds"),
        # Nothing says that it ended lately: what ended it then is no cause of today.
        ("", HERE, "no cause holds"),
    ],
)
def test_a_container_that_was_just_restarted_is_told_by_the_run_that_ended(
    checkout: Path, alerts: Any, words: tuple[str, ...], verdict: str
) -> None:
    said = {"REASON": "Error", "LOG": "starting", "ENDED": "ModuleNotFoundError: pricing"}
    answer = diagnose(checkout, *words, alerts=alerts, **said)
    assert verdict in answer.said


@pytest.mark.parametrize(
    ("broken", "part"),
    [("features/spark/driver-crash-loop.feature", "not asked"), (PLANNED, "one cause holds")],
)
def test_a_runbook_that_cannot_be_read_is_said_and_the_others_are_asked(
    checkout: Path, broken: str, part: str
) -> None:
    path = checkout / broken
    text = path.read_text("utf-8")
    path.write_text(text.replace("Then ", "Then nobody knows that ", 1), "utf-8")
    answer = diagnose(checkout, alerts=[alert()], **OOM)
    path.write_text(text, "utf-8")
    assert (answer.code, part in answer.said, broken in answer.said) == (4, True, True), answer.said
    assert "no alert fires" not in answer.said


def test_two_alerts_at_once_are_two_incidents(checkout: Path) -> None:
    answer = diagnose(checkout, "--json", alerts=[alert(), alert(), alert("orders-2")], **OOM)
    found = json.loads(answer.said)
    assert [one["values"]["POD"] for one in found] == ["orders-1", "orders-2"]
    assert {one["verdict"] for one in found} == {"one cause holds"}
    assert answer.code == 0


def test_the_name_of_an_earlier_incident_is_not_asked_again(checkout: Path) -> None:
    """A page's block exports it, and the shell is still open when the next alert comes."""
    answer = diagnose(checkout, alerts=[alert()], APP="payments", **OOM)
    assert "APP=orders" in answer.said


def test_a_context_that_was_exported_is_the_responders(checkout: Path) -> None:
    diagnose(checkout, *HERE, CONTEXT="other", **OOM)
    assert set((checkout / "asked").read_text().split("\n")[0].split()[:2]) == {
        "--context",
        "other",
    }


def test_a_kubeconfig_is_the_one_that_the_responder_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", f"lab.yaml{os.pathsep}/etc/other")
    with responding(Settings(root=ROOT), {"CONTEXT": "lab"}) as shell:
        said = shell.run('echo "$KUBECONFIG"', {})
    assert said == f"{tmp_path}/lab.yaml{os.pathsep}/etc/other"


def test_a_terminal_that_is_closed_leaves_no_port_open(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    forward = f"echo $$ > {note}; echo 'Forwarding from 127.0.0.1:4 -> 80'; exec sleep 60"
    before = signal.getsignal(signal.SIGHUP)
    shell = responding(Settings(root=ROOT), {"CONTEXT": "lab"})
    shell.forward(command("bash", "-c", forward), {})
    with pytest.raises(KeyboardInterrupt), shell:
        signal.raise_signal(signal.SIGHUP)
    assert not Path(f"/proc/{note.read_text().strip()}").exists()
    assert signal.getsignal(signal.SIGHUP) is before


def test_a_line_that_may_change_something_is_not_run(tmp_path: Path) -> None:
    with Shell(os.environ, tmp_path) as shell, pytest.raises(CouldNotTell, match="not run"):
        shell.ask(command("touch", "x"))
    assert not (tmp_path / "x").exists()


def test_a_port_that_nobody_opens_is_said(tmp_path: Path) -> None:
    with Shell(os.environ, tmp_path) as shell, pytest.raises(CouldNotTell, match="no port"):
        # The API server's own port is none that was opened.
        shell.forward(command("bash", "-c", "echo 127.0.0.1:9 was refused; exit 1"), {})


def test_a_port_is_closed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    kill = os.killpg

    def noted(group: int, number: int) -> None:
        ended.append(group)
        kill(group, number)

    monkeypatch.setattr(os, "killpg", noted)
    with Shell(os.environ, tmp_path) as shell:
        forward = "echo 'Forwarding from 127.0.0.1:4 -> 80'; exec sleep 60"
        shell.close_port(shell.forward(command("bash", "-c", forward), {}))
    assert len(ended) == 1


def test_the_port_of_a_replaced_pod_is_opened_anew(tmp_path: Path) -> None:
    note = tmp_path / "opened"
    forward = f"echo $$ >> {note}; echo 'Forwarding from 127.0.0.1:4 -> 80'; exec sleep 60"
    endpoint = Endpoint(var=Var("PORT"), service="shop", port=80)
    load = Workload((replace(examples.component(), endpoints=(endpoint,)),))
    bound = examples.runbook(examples.cause(load=load))
    program = tmp_path / "kubectl"
    program.write_text(f"#!/bin/bash\n{forward}\n")
    program.chmod(0o755)
    world = {"PATH": f"{tmp_path}:/usr/bin:/bin", "CONTEXT": "c"}
    with Shell(world, tmp_path) as shell:
        place = Place(bound, shell, lambda _: None, {"NAMESPACE": "n"})
        for _ in range(2):
            place.fill([command("curl", Var("PORT"))])
            place.look_again()
        first, second = note.read_text().split()
        assert first != second
        assert not Path("/proc", second).exists()


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ((("holds",), ("does not hold",)), "one cause holds"),
        ((("holds", "holds"), ("holds",)), "several causes hold"),
        ((("holds",), ("holds",), ("could not tell",)), "several causes hold"),
        ((("holds",), ("could not tell",)), "could not tell"),
        ((("does not hold", "could not tell"), ("does not hold",)), "no cause holds"),
        (((), ("does not hold",)), "could not tell"),
        ((), "could not tell"),
    ],
)
def test_a_verdict_is_of_all_causes(outcomes: tuple[tuple[str, ...], ...], verdict: str) -> None:
    lines = [
        tuple(LineFound(command="x", expect="y", outcome=Outcome(one)) for one in cause)
        for cause in outcomes
    ]
    causes = tuple(CauseFound(id="c", name="c", fix="", lines=one) for one in lines)
    found = Incident(runbook="R", title="t", alert="a", values={}, causes=causes)
    assert found.verdict == verdict
