"""Which rights a drill needs, and whether rules grant them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drillbook.cluster.identities import Identity
from drillbook.drill.needs import (
    Right,
    applied,
    covers,
    inverse,
    kinds_read,
    lacking,
    standing,
    words,
)
from drillbook.model import BoundRunbook, Change, Cordon, CutNode, KillNode
from drillbook.sources import Logs
from tests import runbook_examples as examples

ROLE = (
    {"apiGroups": [""], "resources": ["configmaps", "pods"], "verbs": ["get", "create", "patch"]},
    {"apiGroups": ["apps"], "resources": ["*"], "verbs": ["*"]},
    {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["one"], "verbs": ["get"]},
)


def with_fault(*changes: Change) -> BoundRunbook:
    return examples.runbook(examples.cause(fault=replace(examples.FAULT, changes=changes)))


# --------------------------------------------------------------------------- rules


@pytest.mark.parametrize(
    ("verb", "group", "resource", "held"),
    [
        ("get", "", "pods", True),
        ("delete", "", "pods", False),
        ("get", "", "services", False),
        ("get", "batch", "pods", False),
        ("delete", "apps", "deployments", True),
        ("get", "", "pods/log", False),
        ("get", "", "secrets", False),  # one of them is not all of them
    ],
)
def test_what_rules_grant(verb: str, group: str, resource: str, held: bool) -> None:
    assert covers(ROLE, verb, group, resource) is held


def test_what_is_lacking_is_named_once_and_by_verb_and_kind() -> None:
    wanted = [
        applied("", "configmaps"),
        applied("batch", "jobs"),
        applied("batch", "jobs"),
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "deletecollection"]},
    ]
    assert lacking(ROLE, wanted) == [
        "create jobs.batch",
        "patch jobs.batch",
        "deletecollection pods",
    ]


def test_a_wildcard_is_more_than_all_that_is_named() -> None:
    everything = [{"apiGroups": [""], "resources": ["*"], "verbs": ["get"]}]
    assert lacking(ROLE, everything) == ["get *"]
    assert lacking([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}], everything) == []


def test_the_undo_of_what_rules_allow() -> None:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "create", "patch"]}]
    (undone,) = inverse(rules)
    assert undone["verbs"] == ["delete", "patch"]
    assert lacking(ROLE, inverse(rules)) == ["delete pods"]


def test_rules_in_words() -> None:
    rule = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]}
    assert words([rule, rule]) == "get, patch deployments.apps"
    assert words([]) == ""


# --------------------------------------------------------------------------- at any time


def needed(bound: BoundRunbook) -> list[str]:
    return [f"{right.identity}: {right}" for right in standing(bound, ["some-role"])]


def test_a_drill_needs_its_lease_its_records_and_its_way_out() -> None:
    found = needed(examples.runbook())
    assert "provisioner: create namespaces" in found
    assert "provisioner: delete namespaces" in found
    assert "provisioner: create undorecords.drillbook.dev in drillbook-system" in found
    assert "provisioner: update leases.coordination.k8s.io in drillbook-system" in found
    assert "provisioner: bind clusterroles.rbac.authorization.k8s.io/some-role" in found


def test_the_two_stops_are_read_and_written_by_their_names() -> None:
    found = [one for one in needed(examples.runbook()) if "configmaps" in one]
    assert found == [
        "provisioner: create configmaps in drillbook-system",
        "provisioner: get configmaps/halt in drillbook-system",
        "provisioner: get configmaps/quarantine in drillbook-system",
        "provisioner: patch configmaps/quarantine in drillbook-system",
        "provisioner: delete configmaps/quarantine in drillbook-system",
    ]


def test_nodes_are_the_node_injectors_and_only_where_a_fault_takes_one() -> None:
    def on_nodes(bound: BoundRunbook) -> list[str]:
        return [one for one in needed(bound) if one.startswith("node-injector")]

    assert on_nodes(examples.runbook()) == []
    assert on_nodes(with_fault(KillNode(node="node2"))) == ["node-injector: get nodes"]
    assert on_nodes(with_fault(CutNode(node="node2"), Cordon(node="node2"))) == [
        "node-injector: get nodes",
        "node-injector: patch nodes",
    ]


def test_what_the_probes_read_is_needed_once() -> None:
    assert kinds_read(examples.runbook()) == (("list", "events"), ("list", "pods"))


def test_a_log_is_of_pods_that_are_listed() -> None:
    logs = replace(examples.probe(), source=Logs(selector="app=x", container="x"))
    load = replace(examples.workload(), ready=logs)
    found = kinds_read(examples.runbook(examples.cause(load=load)))
    assert found[:2] == (("list", "pods"), ("get", "pods/log"))


def test_a_right_in_words() -> None:
    right = Right(
        identity=Identity.PROVISIONER, verb="get", resource="pods", namespace="a", name="b"
    )
    assert str(right) == "get pods/b in a"
