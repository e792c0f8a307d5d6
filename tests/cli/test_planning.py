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
from tests.cli.test_cli import checkout, drillbook

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


def test_without_a_cluster_nobody_is_asked(checkout: Path) -> None:
    code, text = drillbook(checkout, "plan", "RB-SPARK-001")
    assert (code, "no cluster was asked: `kubeconfig` is not set" in text) == (0, True), text


def test_offline_asks_nobody_even_if_it_could(checkout: Path) -> None:
    (checkout / "drillbook.toml").write_text('kubeconfig = "/nowhere"\n')
    code, text = drillbook(checkout, "plan", "RB-SPARK-001", "--offline")
    assert (code, "no cluster was asked: --offline" in text) == (0, True), text
    code, text = drillbook(checkout, "plan", "RB-SPARK-001")
    assert (code, "/nowhere" in text) == (2, True), text


def test_over_a_cap_is_a_refusal_without_any_cluster(checkout: Path) -> None:
    (checkout / "drillbook.toml").write_text('max_drill = "5m"\n')
    code, text = drillbook(checkout, "plan", "RB-SPARK-001", "--offline")
    assert code == 3, text
    assert "`max_drill` is 5m" in text
    assert "creates  Deployment/orders" in text


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
    code, text = drillbook(checkout, *words)
    assert code == 4, text
    assert text.index("creates  Deployment/orders") < text.index("now, on the cluster")
    assert "Traceback" not in text
