"""What `plan` prints of the files, and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from drillbook.cli.commands.planning import change_words, planned, refuse, told
from drillbook.cluster.settings import Settings
from drillbook.drill.forecast import Finding
from drillbook.model import (
    Change,
    Cordon,
    Create,
    CutNode,
    Delete,
    KillNode,
    Patch,
    Restart,
    Scale,
    Target,
    Var,
)
from drillbook.model.errors import Refused
from tests import runbook_examples as examples
from tests.bad_input.command_line import drillbook
from tests.bad_input.conftest import checkout

__all__ = ["checkout"]

POD = Target(api_version="v1", kind="Pod", name=Var("POD"))
MANIFEST = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Patch(target=POD, patch={"a": 1}), """patches Pod/"$POD": {'a': 1}"""),
        (
            Restart(target=Target(api_version="v1", kind="Pod", selector="a=b")),
            "deletes pods to be made anew: a=b",
        ),
        (Scale(target=POD, replicas=0), 'scales Pod/"$POD" to 0'),
        (Create(manifest=MANIFEST), "creates Secret/s"),
        (Delete(target=POD), 'deletes Pod/"$POD", to be made again'),
        (Cordon(node="node2"), "cordons the node node2"),
        (KillNode(node="node2"), "kills the node node2, which the host's agent starts again"),
        (CutNode(node="node2"), "cuts the node node2 off, which the host's agent takes back"),
    ],
)
def test_every_change_is_told(change: Change, words: str) -> None:
    assert change_words(change) == words


def test_each_cause_is_told_with_its_blast_radius() -> None:
    lines = list(planned(Settings(max_pods=7), examples.runbook()))
    assert sum("1 of at most 7 pods" in line for line in lines) == 2
    assert sum("creates  Deployment/orders" in line for line in lines) == 2


def test_good_and_bad_are_told_apart() -> None:
    assert told(Finding("reaper", "alive")) == "  yes  reaper: alive"
    assert told(Finding("reaper", "gone", wrong=True)) == "  NO   reaper: gone"


def test_everything_wrong_is_told_at_the_end() -> None:
    refuse(examples.runbook(), [])
    wrong = [Finding("reaper", "gone", wrong=True), Finding("node", "away", wrong=True)]
    with pytest.raises(Refused, match=r"RB-APP-001(.|\n)*reaper: gone\n.*node: away") as refusal:
        refuse(examples.runbook(), wrong)
    assert refusal.value.exit_code == 3


# --------------------------------------------------------------------------- the command


@pytest.mark.parametrize(
    ("setting", "words", "code", "part"),
    [
        ("", (), 4, "no cluster was asked: no cluster was named"),
        ('kubeconfig = "/nowhere"', ("--offline",), 0, "no cluster was asked: --offline"),
        ('kubeconfig = "/nowhere"', (), 2, "/nowhere: the kubeconfig is missing"),
        ("", ("--kubeconfig", "/a:/b"), 2, "/a:/b: these are several files"),
        ('max_drill = "5m"', ("--offline",), 3, "`max_drill` is 5m"),
    ],
)
def test_what_the_files_say_is_told_first(
    checkout: Path, setting: str, words: tuple[str, ...], code: int, part: str
) -> None:
    (checkout / "drillbook.toml").write_text(f"{setting}\n")
    answer = drillbook(checkout, "plan", "RB-SPARK-001", *words, KUBECONFIG="/a:/b")
    assert (answer.code, part in answer.said) == (code, True), answer.said
    assert "creates  Deployment/orders" in answer.said


def test_a_cluster_that_does_not_answer_is_told_after_what_the_files_say(checkout: Path) -> None:
    (checkout / "kubeconfig").write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: dead\n"
        "clusters: [{name: dead, cluster: {server: 'http://127.0.0.1:9'}}]\n"
        "users: [{name: dead, user: {token: x}}]\n"
        "contexts: [{name: dead, context: {cluster: dead, user: dead}}]\n"
    )
    words = ("plan", "RB-SPARK-001", "--kubeconfig", str(checkout / "kubeconfig"))
    (checkout / "drillbook.toml").write_text(
        'allowed_hosts = ["127.0.0.1:9"]\nallowed_clusters = ["u"]\n'
    )
    answer = drillbook(checkout, *words)
    assert answer.code == 4, answer.said
    assert answer.said.index("creates  Deployment/orders") < answer.said.index(
        "now, on the cluster"
    )
