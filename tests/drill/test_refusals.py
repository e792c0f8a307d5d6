"""Everything that refuses a drill, asked of a stand-in of the servers: nothing is changed there."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from drillbook.book.alert_rules import AlertRule
from drillbook.changes.undo import lease as leases
from drillbook.changes.undo.record import stamp
from drillbook.cluster.settings import Settings
from drillbook.drill.drill_record import record_of_refusal
from drillbook.drill.refusals import Finding, Refusals, _beside, findings, lacking
from drillbook.evidence import records
from drillbook.model import (
    BoundRunbook,
    Change,
    Control,
    Cordon,
    Injection,
    KillNode,
    Phase,
    Undo,
    Verdict,
    Workload,
    domains,
)
from drillbook.model.clock import SystemClock
from drillbook.model.errors import CouldNotTell, Refused
from tests import runbook_examples as examples
from tests.bad_input.servers import Bad, as_json, serving
from tests.changes.conftest import lease_body
from tests.cluster.test_kubeconfig import kubeconfig_of
from tests.drill.test_guard import UID, VERSION

KINDS = {
    "v1": {"Namespace": False, "ConfigMap": True, "Node": False, "PersistentVolume": False},
    "apps/v1": {"Deployment": True},
    "batch/v1": {"Job": True},
    "rbac.authorization.k8s.io/v1": {"ClusterRole": False},
    "coordination.k8s.io/v1": {"Lease": True},
    "drillbook.dev/v1": {"Drill": False},
}
SYSTEM = "/namespaces/drillbook-system"
ROLE = "/clusterroles/drillbook-provisioner-in-drill"
EXPR = "max by (namespace) (app_up) < 1"


def now() -> str:
    return stamp(datetime.now(UTC))


def answering(answers: dict[str, Any]) -> Callable[[str], Bad]:
    """An API server, a Prometheus and an Alertmanager that answer by a path's end."""

    def answer(path: str) -> Bad:
        plain, _, query = path.partition("?")
        if "dryRun=All" in query:
            return as_json(201, {"kind": "It", "metadata": {"name": "x", "uid": "u"}})
        if plain.endswith("/selfsubjectaccessreviews"):
            return as_json(201, {"kind": "It", "spec": {}, "status": {"allowed": True}})
        known = {**standing(), **answers}
        found = next((known[end] for end in known if plain.endswith(end)), None)
        if found is None:
            return as_json(404, {"reason": "NotFound", "message": "no"})
        kind = "ItList" if "items" in found else "It"
        return as_json(200, {"kind": kind, **found})

    return answer


def standing() -> dict[str, Any]:
    """What a good cluster says."""
    discovered = {
        f"/apis/{group}" if "/" in group else f"/api/{group}": {
            "kind": "APIResourceList",
            "groupVersion": group,
            "resources": listed(kinds),
        }
        for group, kinds in KINDS.items()
    }
    groups = [
        {"name": name, "versions": [version], "preferredVersion": version}
        for name, _, number in (group.partition("/") for group in KINDS if "/" in group)
        for version in [{"groupVersion": f"{name}/{number}", "version": number}]
    ]
    rule = {"name": "AppDown", "query": EXPR, "duration": 15, "health": "ok"}
    rules = {"groups": [{"name": "g", "interval": 5, "rules": [rule]}]}
    everything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    return {
        "/version": VERSION,
        "/version/": VERSION,
        "/namespaces/kube-system": {"metadata": {"name": "kube-system", "uid": UID}},
        f"/v1{SYSTEM}": {"metadata": {"name": "x", "labels": {"environment": "staging"}}},
        f"{SYSTEM}/leases/reaper": {"metadata": {"name": "reaper"}, "spec": {"renewTime": now()}},
        f"{SYSTEM}/leases": {"items": []},
        ROLE: {"metadata": {"name": "x"}, "rules": [everything]},
        "/nodes/node2": {"metadata": {"name": "node2", "uid": "u-2"}},
        **discovered,
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "groups": groups},
        "/api/v1/rules": data(rules),
        "/api/v1/status/config": data({"yaml": "global: {scrape_interval: 5s}"}),
        "/api/v1/format_query": data(EXPR),
        "/api/v2/status": {"versionInfo": {"version": "1"}},
    }


def data(found: Any) -> Any:
    return {"status": "success", "data": found}


def listed(kinds: dict[str, bool]) -> list[dict[str, Any]]:
    return [
        {"name": f"{kind.lower()}s", "kind": kind, "namespaced": namespaced, "verbs": ["get"]}
        for kind, namespaced in kinds.items()
    ]


def asked(
    folder: Path, answers: dict[str, Any], bound: BoundRunbook, **changed: Any
) -> tuple[dict[str, Finding], list[str]]:
    """What was found about each thing, and the requests; the runner is everybody here, by the
    override."""
    with serving(answering(answers)) as server:
        fields: dict[str, Any] = {
            "kubeconfig": kubeconfig_of(folder, server.url),
            "allowed_clusters": (UID,),
            "allowed_hosts": (urlsplit(server.url).netloc,),
            "allow_cluster_admin": True,
            "prometheus_url": f"{server.url}/prometheus",
            "alertmanager_url": f"{server.url}/alertmanager",
            **changed,
        }
        about: Any = {"labels": {}, "annotations": {}, "file": "x.yaml", "line": 1}
        rule = AlertRule(name="AppDown", expr=EXPR, for_s=15, **about)
        asking = Refusals(Settings(**fields), (bound,), {"AppDown": rule}, SystemClock())
        both = (asking.of_a_run, asking.of_its_beginning)
        found = {one.about: one for one in findings(check for of in both for check in of())}
        return found, server.asked


def one(*changes: Change, manifest: Any = None) -> BoundRunbook:
    own = examples.component()
    if manifest:
        own = replace(own, manifests=(*own.manifests, manifest))
    fault = replace(examples.FAULT, changes=changes or examples.FAULT.changes)
    return examples.runbook(examples.cause("oom", fault=fault, load=Workload((own,))))


def test_a_drill_that_may_begin_is_told_so_and_nothing_was_made(tmp_path: Path) -> None:
    answers, requests = asked(tmp_path, {}, one())
    assert not [finding for finding in answers.values() if finding.error]
    assert list(answers) == [
        *("cluster", "identities", "monitoring", "blast radius", "reaper", "stops"),
        *("other drills", "namespace of oom"),
    ]
    made = [urlsplit(one.partition(" ")[2]) for one in requests if not one.startswith("GET")]
    kinds = [(url.path.rpartition("/")[2], "dryRun=All" in url.query) for url in made]
    assert set(kinds) - {("drills", True), ("namespaces", True)} == {
        ("selfsubjectaccessreviews", False),
        ("token", False),
    }


def named(kind: str, version: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "extra"}, **more}


STOP = {"metadata": {"name": "halt"}, "data": {"reason": "an incident"}}
OLD = {"spec": {"renewTime": "2026-01-01T00:00:00Z"}}
ONLY_READS = {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}
READS = {ROLE: {"rules": [ONLY_READS]}}
BINDS = named("Job", "batch/v1", rules=[{"resources": ["x"], "verbs": ["bind"]}])
SPACE = "namespace of oom"


@pytest.mark.parametrize(
    ("answers", "bound", "about", "said"),
    [
        ({"/api/v1/rules": data({"groups": []})}, one(), "monitoring", "AppDown is not loaded"),
        ({f"{SYSTEM}/configmaps/halt": STOP}, one(), "stops", "halted: an incident"),
        ({f"{SYSTEM}/leases/reaper": OLD}, one(), "reaper", "last sign of life"),
        (READS, one(), SPACE, "create deployments.apps, patch deployments.apps"),
        (READS, one(manifest=BINDS), SPACE, "create jobs.batch, patch jobs.batch, bind x"),
        ({}, one(manifest=named("Thing", "x.dev/v1")), SPACE, "x.dev/v1"),
        ({}, one(manifest=named("PersistentVolume", "v1")), SPACE, "extra is not namespaced"),
        ({}, one(Cordon(node="node9")), "nodes of oom", "the node node9 is not there"),
        ({}, one(KillNode(node="node2")), "nodes of oom", "no host agent is set"),
    ],
)
def test_each_refusal_is_told(
    tmp_path: Path, answers: dict[str, Any], bound: BoundRunbook, about: str, said: str
) -> None:
    found, _ = asked(tmp_path, answers, bound)
    assert [name for name, finding in found.items() if finding.error] == [about]
    assert said in found[about].said


@pytest.mark.parametrize("changed", [{"allowed_clusters": ("another",)}, {"allowed_hosts": ()}])
def test_what_may_not_be_drilled_is_not_asked_more(tmp_path: Path, changed: dict[str, Any]) -> None:
    answers, _ = asked(tmp_path, {}, one(), **changed)
    (found,) = answers.values()
    assert isinstance(found.error, Refused)


def test_what_does_not_answer_is_a_finding_too(tmp_path: Path) -> None:
    found, _ = asked(tmp_path, {}, one(), prometheus_url="http://127.0.0.1:9")
    assert isinstance(found["monitoring"].error, CouldNotTell)
    assert found["reaper"].said == "alive"
    found, _ = asked(tmp_path, {}, one(Cordon(node="node2")))
    assert "node2 (UID u-2)" in found["nodes of oom"].said


def under_way(domain: str) -> leases.Lease:
    found = leases.from_object(lease_body("drill-other"))
    return replace(found, locks=domains.to_text(domains.locks(domain, "drill-other")))


@pytest.mark.parametrize(
    ("ours", "theirs", "free"),
    [
        ("cluster/namespace", "cluster/namespace", True),
        ("cluster/node/2", "cluster/node/2", False),
        ("cluster/node/2", "cluster/namespace", False),
    ],
)
def test_a_drill_that_holds_what_is_needed_refuses(ours: str, theirs: str, free: bool) -> None:
    locks, other = domains.locks(ours, "planned"), under_way(theirs)
    if free:
        assert "drill-other (until 03:00:30 UTC" in _beside(other, locks)
    else:
        with pytest.raises(Refused, match="needs some of that"):
            _beside(other, locks)
    with pytest.raises(Refused, match="cannot be read"):
        _beside(replace(other, locks="{"), locks)


def test_a_rule_for_one_name_grants_nothing_on_the_others() -> None:
    wanted = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    assert lacking([{**wanted[0], "resourceNames": ["a"]}], wanted) == ["get pods"]
    assert lacking(wanted, wanted) == []


NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def refusal(words: str) -> records.Drill:
    return record_of_refusal(
        Refused(words),
        runbook=examples.runbook().runbook,
        cause="oom",
        control=Control.PLAIN,
        run="r",
        commit="abc",
        until=Phase.PREVENTION,
        started=NOW,
        ended=NOW + timedelta(seconds=2),
    )


def test_it_is_refused_and_changed_nothing() -> None:
    drill = refusal("cluster/node/2 is held by drill-b of run s")
    assert (drill.refused, drill.verdict, drill.injection, drill.undo, drill.valid) == (
        *(True, Verdict.ERROR, Injection.REFUSED),
        *(Undo.NOT_NEEDED, False),
    )
    assert drill.reason == "cluster/node/2 is held by drill-b of run s"
    assert drill.cost.wall_s == 2
    assert records.exit_code([drill]) == 3
    assert drill.name == "RB-APP-001--oom--plain--1", "which the dispatcher looks for"
    login = refusal("refused: https://me:hunter2hunter2@10.0.0.1/ did not take us")
    assert "hunter2hunter2" not in login.reason
