"""What `plan` prints of the files, and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from drillbook.cli.commands.planning import change_words, planned, refuse, told
from drillbook.cluster.settings import Settings
from drillbook.drill.refusals import Finding
from drillbook.model import Change, Create, KillNode, Patch, Restart, Target, Var
from drillbook.model.errors import CouldNotTell, DrillbookError, Refused
from tests import runbook_examples as examples
from tests.bad_input.command_line import drillbook
from tests.bad_input.conftest import checkout

__all__ = ["checkout"]

APP = Target(api_version="apps/v1", kind="Deployment", name=Var("APP"))
MANIFEST = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            Patch(target=APP, patch={"spec": {"images": [{"name": "x"}], "paused": True}}),
            'target: Deployment/"$APP"\npatch:\n  spec:\n    images:\n    - name: x'
            "\n    paused: true",
        ),
        (
            Restart(target=Target(api_version="v1", kind="Pod", selector="a=b")),
            "target: Pod -l a=b",
        ),
        (
            Create(manifest=MANIFEST),
            "manifest:\n  apiVersion: v1\n  kind: Secret\n  metadata:\n    name: s",
        ),
        (KillNode(node=Var("NODE")), "node: '\"$NODE\"'"),
    ],
)
def test_a_change_is_told_as_yaml(change: Change, words: str) -> None:
    assert change_words(change) == words


def test_each_cause_is_told_with_its_blast_radius() -> None:
    lines = list(planned(Settings(max_pods=7), examples.runbook()))
    assert sum("1 of at most 7 pods" in line for line in lines) == 2
    assert sum("creates  Deployment/orders" in line for line in lines) == 2


NO_REAPER = Refused("refused: there is none.")
OTHER_RULE = CouldNotTell("another expression is loaded.")


@pytest.mark.parametrize(
    ("errors", "code"), [([], 0), ([NO_REAPER, OTHER_RULE], 3), ([OTHER_RULE, NO_REAPER], 4)]
)
def test_it_ends_as_the_drill_would_with_the_words_of_all(
    errors: list[DrillbookError], code: int
) -> None:
    wrong = [Finding("x", str(error), error) for error in errors]
    if not wrong:
        refuse(examples.runbook(), wrong)
        return
    with pytest.raises(DrillbookError, match="there is none") as refusal:
        refuse(examples.runbook(), wrong)
    assert "another expression" in str(refusal.value)
    assert refusal.value.exit_code == code
    assert told(wrong[0]).startswith("  NO   x: ")
    assert told(Finding("reaper", "alive")) == "  yes  reaper: alive"


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
