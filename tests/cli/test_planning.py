"""What `plan` prints of the files, and how it ends."""

from pathlib import Path

import pytest

from drillbook.cli.commands.planning import change_words, planned, refuse, told
from drillbook.cluster.settings import Settings
from drillbook.drill.refusals import Finding
from drillbook.model import Change, Duration, KillNode, Patch, Refusal, Run, Target, Var
from drillbook.model.errors import CouldNotTell, DrillbookError, Refused
from tests import runbook_examples as examples
from tests.bad_input.command_line import drillbook
from tests.cluster.test_kubeconfig import kubeconfig_of

APP = Target(api_version="apps/v1", kind="Deployment", name=Var("APP"))
DEAD = "127.0.0.1:9"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            Patch(target=APP, patch={"spec": {"images": [{"name": "x"}], "paused": True}}),
            'target: Deployment/"$APP"\npatch:\n  spec:\n    images:\n    - name: x'
            "\n    paused: true",
        ),
        (KillNode(node=Var("NODE")), "node: '\"$NODE\"'"),
        (
            Run(
                target=Target(api_version="v1", kind="Pod", selector="app=db"),
                container="db",
                words=("psql", "-c", "DROP TABLE orders"),
                within=Duration("10s"),
                refused_by=Refusal.OBJECT_LOCK,
            ),
            "target: Pod -l app=db\ncontainer: db\nwords:\n- psql\n- -c\n- DROP TABLE orders\n"
            "within: 10s\nrefused_by: object lock",
        ),
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
def test_it_ends_as_the_drill_with_all_words(errors: list[DrillbookError], code: int) -> None:
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


@pytest.mark.parametrize(
    ("settings", "options", "code", "part"),
    [
        ("", (), 4, "no cluster was asked, so whether a drill could begin is not known"),
        ('kubeconfig = "/nowhere"\n', ("--offline",), 4, "--offline was given"),
        ('kubeconfig = "/nowhere"\n', (), 2, "/nowhere"),
        ("", ("--kubeconfig", "/a:/b"), 2, "/a:/b: these are several files"),
        ('max_drill = "5m"\n', ("--offline",), 3, "`max_drill` is 5m"),
        (f'allowed_hosts = ["{DEAD}"]\nkubeconfig = "dead"\n', (), 4, "NO   cluster: no usable"),
    ],
)
def test_without_a_yes_of_the_cluster_it_does_not_end_well(
    checkout: Path, settings: str, options: tuple[str, ...], code: int, part: str
) -> None:
    (checkout / "drillbook.toml").write_text(settings)
    kubeconfig_of(checkout, f"http://{DEAD}").rename(checkout / "dead")
    answer = drillbook(checkout, "plan", "rb-spark-001", *options)
    assert (answer.code, part in answer.said) == (code, True), answer.said
    assert "creates  Deployment/orders" in answer.said
