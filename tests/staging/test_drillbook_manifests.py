"""The manifests of the permission split, as a reviewer reads them: nothing wide, nothing open."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from drillbook.changes.undo.inverse import MARK
from drillbook.changes.undo.lease import RUN_LABEL
from drillbook.changes.undo.record import State, Verb
from drillbook.cluster.identities import SYSTEM_NAMESPACE, Identity

PLATFORM = Path(__file__).parents[2] / "staging" / "platform"
IN_DRILL = "drillbook-provisioner-in-drill"
NODES = PLATFORM / "node-drills" / "roles.yaml"

Object = dict[str, Any]


def objects(*files: Path) -> list[Object]:
    return [one for file in files for one in yaml.safe_load_all(file.read_text()) if one]


ALL = objects(*sorted((PLATFORM / "drillbook").glob("[!k]*.yaml")), NODES)


def of(*kinds: str) -> list[Object]:
    return [one for one in ALL if one["kind"] in kinds]


def rules() -> Iterator[tuple[str, Object]]:
    for role in of("Role", "ClusterRole"):
        for rule in role["rules"]:
            yield role["metadata"]["name"], rule


def test_there_is_something_to_review() -> None:
    assert len(list(rules())) > 40
    assert {one["metadata"]["name"] for one in of("ServiceAccount")} == {
        "runner",
        "reaper",
        *map(str, Identity),
    }


def test_no_rule_has_a_wildcard() -> None:
    wide = [
        (name, rule)
        for name, rule in rules()
        if "*" in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
    ]
    assert wide == []


@pytest.mark.parametrize("verb", ["impersonate", "escalate", "approve", "sign"])
def test_no_rule_has_a_verb_that_makes_more_of_itself(verb: str) -> None:
    assert [name for name, rule in rules() if verb in rule["verbs"]] == []


BOUND_BY_THE_DRILL = {
    *(IN_DRILL, "drillbook-responder", "drillbook-observer-in-drill"),
    *("drillbook-injector-exec", "drillbook-inspector"),
}


def test_binding_names_the_roles_that_may_be_bound() -> None:
    (named,) = [rule.get("resourceNames") for _, rule in rules() if "bind" in rule["verbs"]]
    assert set(named) == BOUND_BY_THE_DRILL


def test_secrets_are_read_in_a_drills_namespace_only() -> None:
    readers = {name for name, rule in rules() if "secrets" in rule["resources"]}
    assert readers == {IN_DRILL}


def test_what_belongs_to_a_drill_is_bound_by_the_drill_alone() -> None:
    bound = {one["roleRef"]["name"] for one in of("RoleBinding", "ClusterRoleBinding")}
    roles = {one["metadata"]["name"] for one in of("Role", "ClusterRole")}
    assert roles - bound == BOUND_BY_THE_DRILL
    assert bound <= roles


def test_nodes_are_changed_by_the_component_alone() -> None:
    there = {one["metadata"]["name"] for one in objects(NODES)}
    changers = {
        name
        for name, rule in rules()
        if "nodes" in rule["resources"] and set(rule["verbs"]) - {"get", "list", "watch"}
    }
    assert changers
    assert changers <= there


def test_no_account_has_its_token_mounted_unasked() -> None:
    assert all(one["automountServiceAccountToken"] is False for one in of("ServiceAccount"))


def test_a_policy_that_cannot_tell_denies() -> None:
    policies = of("ValidatingAdmissionPolicy")
    assert all(one["spec"]["failurePolicy"] == "Fail" for one in policies)
    bindings = of("ValidatingAdmissionPolicyBinding")
    assert {one["spec"]["policyName"] for one in bindings} == {
        one["metadata"]["name"] for one in policies
    }
    assert all(one["spec"]["validationActions"] == ["Deny"] for one in bindings)


def test_the_policy_asks_about_ours_alone() -> None:
    """Else it would stand in the way of the cluster's own controllers."""
    policies = of("ValidatingAdmissionPolicy")
    (policy,) = (one for one in policies if one["metadata"]["name"] == "drillbook-identities")
    (condition,) = policy["spec"].get("matchConditions")
    prefix = f"system:serviceaccount:{SYSTEM_NAMESPACE}:"
    assert condition["expression"] == f"request.userInfo.username.startsWith('{prefix}')"


def test_the_policies_know_a_drills_namespace_by_the_engines_label_of_its_run() -> None:
    text = (PLATFORM / "drillbook" / "admission.yaml").read_text()
    assert f"namespaceObject.metadata.?labels[?'{RUN_LABEL}']" in text
    assert f"{{key: {RUN_LABEL}, operator: Exists}}" in text
    # The annotation of a Node that a drill changed is another key: it names the drill.
    assert f"labels[?'{MARK}']" not in text
    assert f"annotations[?'{MARK}']" in text


def test_verbs_and_states_are_the_engines() -> None:
    (definition,) = (
        one
        for one in of("CustomResourceDefinition")
        if one["spec"]["names"]["kind"] == "UndoRecord"
    )
    (version,) = definition["spec"]["versions"]
    properties = version["schema"]["openAPIV3Schema"]["properties"]
    assert properties["spec"]["properties"]["verb"]["enum"] == [str(one) for one in Verb]
    assert properties["state"]["enum"] == [str(one) for one in State]
