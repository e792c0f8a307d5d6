"""Every variable of a page's commands is exported, by a command that can find it."""

import json
import re
import subprocess
from dataclasses import replace

import pytest
import runbook_examples as examples

from drillbook.model import (
    Action,
    BoundRunbook,
    Credential,
    Endpoint,
    Finding,
    Phase,
    Tag,
    Var,
    Workload,
    command,
    join,
    name_of,
)
from drillbook.model.errors import RunbookProblem
from drillbook.model.words import setting
from drillbook.pages.variables import setup
from drillbook.sources import Http


def exported(bound: BoundRunbook) -> list[str]:
    return [
        line.removeprefix("export ").partition("=")[0]
        for line in setup(bound).exports
        if re.match(r"(?:export )?[A-Z_]+=", line)
    ]


def test_variables_are_found_by_their_own_commands_in_the_order_of_their_need() -> None:
    order = ["CONTEXT", "ALERTMANAGER", "NAMESPACE", "POD", "APP"]
    assert exported(examples.runbook()) == order
    lines = setup(examples.runbook()).exports
    find = 'kubectl --context "$CONTEXT" -n "$NAMESPACE" get pod "$POD" -o'
    assert f"APP=\"$({find} 'jsonpath={{.metadata.name}}')\" && export APP" in lines


def test_only_what_is_used_is_asked_for() -> None:
    action = Action(command=command("kubectl", "--context", Var("CONTEXT"), "get", "nodes"))
    nodes = examples.scenario(Phase.REMEDIATION, "x", examples.step("x", action, keyword="when"))
    quiet = examples.probe(source=Http(url="http://localhost/x"))
    load = Workload((replace(examples.component(), names=(), ready=(quiet,)),))
    fault = replace(examples.FAULT, effect=quiet)
    cause = examples.cause(scenarios=(nodes,), load=load, fault=fault)
    assert exported(examples.runbook(cause)) == ["CONTEXT"]
    # What the drill alone waits for asks a responder for nothing.
    assert setup(examples.runbook(cause)).tools == ("kubectl",)


def test_a_program_behind_its_settings_is_a_tool_too() -> None:
    secret = setting("AWS_SECRET_ACCESS_KEY", Var("APP"))
    line = command(secret, "timeout", "20", "aws", "s3api", "head-object", "--bucket=x", "--key=y")
    action = Action(command=line)
    one = examples.scenario(Phase.REMEDIATION, "x", examples.step("x", action, keyword="when"))
    found = setup(examples.runbook(examples.cause(scenarios=(one,))))
    assert "aws" in found.tools
    assert not {"timeout", ""} & {*found.tools}


def test_a_setting_without_a_variable_is_no_program() -> None:
    line = command(setting("PGPASSWORD", Var("APP")), "PGCONNECT_TIMEOUT=5", "psql", "-XAtqw")
    one = examples.step("x", Action(command=line), keyword="when")
    cause = examples.cause(scenarios=(examples.scenario(Phase.REMEDIATION, "x", one),))
    assert setup(examples.runbook(cause)).tools[-1] == "psql"


def test_every_port_that_the_block_opens_is_ended() -> None:
    endpoint = Endpoint(var=Var("AT"), service="shop", port=80)
    load = Workload((replace(examples.component(), endpoints=(endpoint,)),))
    asks = examples.step("x", examples.probe(source=Http(url="/x", endpoint=endpoint)))
    plain = examples.cause()
    scenario = examples.scenario(Phase.DIAGNOSIS, "x", asks)
    cause = examples.cause(scenarios=(*plain.scenarios, scenario), load=load)
    found = setup(examples.runbook(cause))
    assert sum(line.count("port-forward") for line in found.exports) == 2
    assert found.jobs == "%1 %2"


def test_programs_and_scripts_are_named_with_the_way_to_get_them() -> None:
    found = setup(examples.runbook())
    assert found.tools == ("kubectl", "curl", "python3")
    assert found.scripts == ("scripts/app/diagnose.py",)
    assert found.check == (
        "command -v kubectl && command -v curl && command -v python3 && "
        "python3 scripts/app/diagnose.py --help > /dev/null && echo complete"
    )
    assert dict(found.hints)["kubectl"] == "https://kubernetes.io/docs/tasks/tools/"


def test_a_value_that_a_change_keeps_is_known_beside_the_change_and_not_before() -> None:
    find = command("kubectl", "get", "configmap", Var("APP"))
    back = command("kubectl", "set", Var("QUOTA_BEFORE"))
    keeping = replace(
        examples.RAISE,
        reads=(*examples.RAISE.reads, Finding(var=Var("QUOTA_BEFORE"), command=find)),
        rollback=back,
    )
    bound = examples.changed(examples.runbook(), 3, keeping)
    assert "QUOTA_BEFORE" not in exported(bound)
    forgetting = replace(keeping, reads=examples.RAISE.reads)
    with pytest.raises(RunbookProblem, match="its commands use QUOTA_BEFORE"):
        setup(examples.changed(examples.runbook(), 3, forgetting))


def test_an_empty_value_is_an_error_and_not_the_default_namespace() -> None:
    last = setup(examples.runbook()).exports[-1]
    full = {name: "x" for name in ("CONTEXT", "NAMESPACE", "POD", "APP")}
    for missing in ("", *full):
        values = {name: value for name, value in full.items() if name != missing}
        done = subprocess.run(["bash", "-c", last], env=values, capture_output=True, check=False)
        assert (done.returncode == 0) == (missing == "")
        assert (f"{missing}: is empty" in done.stderr.decode()) == (missing != "")


@pytest.mark.parametrize(
    ("expr", "listed", "namespace"),
    [
        ("up == 0", {'pod!=""', 'namespace!=""'}, "api/v2/alerts"),
        ("sum by (pod) (up) == 0", {'pod!=""'}, "config view --minify"),
    ],
)
def test_an_alert_is_told_by_its_labels(expr: str, listed: set[str], namespace: str) -> None:
    rule = replace(examples.rule(expr=expr), labels={"severity": "P1"})
    lines = setup(examples.runbook(), [rule]).exports
    (pod,) = (line for line in lines if line.startswith("export POD="))
    assert set(re.findall(r"'filter=(.*?)'", pod)) == {
        *('alertname="AppDown"', 'severity="P1"'),
        *listed,
    }
    (where,) = (line for line in lines if line.startswith("export NAMESPACE="))
    assert namespace in where


def test_alerts_and_their_labels_give_the_variables_their_values() -> None:
    bound = examples.runbook()
    tags = (*bound.runbook.tags, Tag(name="alert", value="AppSlow", line=1))
    lines = setup(replace(bound, runbook=replace(bound.runbook, tags=tags))).exports
    assert any('alertname=~"AppDown|AppSlow"' in line for line in lines)
    with pytest.raises(RunbookProblem, match="its commands use POD"):
        setup(bound, [examples.rule(expr="sum by (namespace) (up) == 0")])


def test_the_newest_alert_counts_and_not_what_an_older_rule_left_behind() -> None:
    (line,) = (one for one in setup(examples.runbook()).exports if one.startswith("export POD="))
    program = line.partition("| ")[2].removesuffix(')"')
    listed = [
        {"labels": {"pod": name}, "updatedAt": f"2026-11-28T10:0{minute}:00.000Z"}
        for name, minute in (("stale", 1), ("firing", 4), ("firing-too", 4))
    ]
    done = subprocess.run(
        ["bash", "-c", program],
        input=json.dumps(listed),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "firing\n"


def operation(name: str) -> BoundRunbook:
    """An operation whose one name is found by way of `name`."""
    bound = examples.operation()
    find = command("kubectl", "--context", Var("CONTEXT"), "get", "pod", Var(name))
    one = replace(examples.component(), names=(name_of("orders", Var("APP"), find),))
    load = Workload((one,))
    return replace(bound, causes=tuple(replace(one, workload=load) for one in bound.causes))


def test_without_an_alert_the_namespace_is_kubectl_s_and_a_pod_cannot_be_known() -> None:
    found = setup(operation("NAMESPACE"))
    assert any("config view --minify" in line for line in found.exports)
    assert (found.asks, any(line.startswith('APP="$(') for line in found.exports)) == ((), True)
    bound = operation("POD")
    tags = tuple(tag for tag in bound.runbook.tags if tag.name != "kind")
    with pytest.raises(RunbookProblem, match="its commands use POD"):
        setup(replace(bound, runbook=replace(bound.runbook, tags=tags)))


def test_who_plans_an_operation_fills_in_what_only_a_pod_would_lead_to() -> None:
    found = setup(operation("POD"))
    assert found.asks == (("export APP=''", "the name of an application with one pod"),)
    text = "\n".join(found.exports)
    assert ("POD" in text, 'APP="${APP:?is empty}"' in text) == (False, True)


def test_a_port_and_a_credential_of_a_component_are_reached_before_they_are_used() -> None:
    """The port is the system's to choose; the credential is never shown."""
    endpoint = Endpoint(var=Var("SHOP"), service=Var("APP"), port=8080)
    credential = Credential(var=Var("SHOP_TOKEN"), secret=join(Var("APP"), "-reader"), key="token")
    one = replace(examples.component(), endpoints=(endpoint,), credentials=(credential,))
    url = join("/items?token=", Var("SHOP_TOKEN"))
    probe = examples.probe(source=Http(url=url, endpoint=endpoint))
    bound = examples.changed(examples.runbook(examples.cause(load=Workload((one,)))), 1, probe)
    text = "\n".join(setup(bound).exports)
    assert 'port-forward service/"$APP" :8080 > "${TMPDIR:-/tmp}/forward-SHOP" &' in text
    assert 'echo SHOP="${SHOP:?is empty}"' in text
    assert 'get secret "$APP"-reader -o' in text
    assert "SHOP_TOKEN=" not in text.replace("export SHOP_TOKEN=", "")
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
