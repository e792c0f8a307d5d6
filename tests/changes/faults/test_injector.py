"""A fault's changes on an API server: what is written down, made, refused, taken back."""

from typing import Any

import pytest

from drillbook.changes.faults import Injector, Outcome
from drillbook.changes.undo.custody import Custody
from drillbook.changes.undo.record import State
from drillbook.cluster.clients import Connections
from drillbook.model import Change, Create, Delete, Fault, Patch, Probe, Restart, Scale, Target, Var
from drillbook.model.matchers import equals
from drillbook.sources import Kube
from tests.changes.fake_api import BEGAN, FakeApi

DRILL = "drill-a"
OWNED = {"labels": {"app": "a"}, "ownerReferences": [{"kind": "ReplicaSet", "controller": True}]}
QUOTA = "exceeded quota: small"


def target(kind: str, name: str, version: str = "v1") -> Target:
    return Target(api_version=version, kind=kind, name=name)


CONF, SECRET = target("ConfigMap", "conf"), target("Secret", "key")
PATCH = Patch(target=CONF, patch={"data": {"mode": "broken"}})
ROTATED = Patch(target=SECRET, patch={"stringData": {"key": "wrong"}})
CHANGES: dict[str, Change] = {
    "patch": PATCH,
    "secret": ROTATED,
    "scale": Scale(target=target("Deployment", "idle", "apps/v1"), replicas=2),
    "create": Create(manifest={**{"apiVersion": "v1"}, "kind": "Pod", "metadata": {"name": "x"}}),
    "delete": Delete(target=CONF),
    "no secret": Delete(target=SECRET),
}


def fault(*changes: Change) -> Fault:
    effect = Probe(source=Kube(kind="configmaps", name="conf", path="{.a}"), expect=equals("b"))
    return Fault(title="it breaks", changes=changes, effect=effect)


@pytest.fixture
def injector(api: FakeApi, clients: Connections, custody: Custody) -> Injector:
    """In a namespace that holds a ConfigMap, a Secret, a Deployment and two of its pods."""
    api.put("ConfigMap", "conf", DRILL, data={"mode": "fine"})
    api.put("Secret", "key", DRILL, stringData={"key": "hunter2"})
    api.put("Deployment", "idle", DRILL, spec={"replicas": 1})
    for name in ("idle-0", "idle-1"):
        api.put("Pod", name, DRILL, metadata=OWNED, status=BEGAN)
    # As the cluster's roles say it.
    api.refusals.append(("observer .* secrets/.*", 403, 'User "observer" cannot get'))
    return Injector(clients, DRILL, custody)


def described(api: FakeApi) -> list[dict[str, Any]]:
    """What is in the namespace, without what the server gives."""
    found = [one for key, one in sorted(api.stored.items()) if key[1] == DRILL]
    return [{k: v for k, v in one.items() if k != "metadata"} for one in found]


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_noted_made_and_undone(api: FakeApi, injector: Injector, name: str) -> None:
    before, made = described(api), fault(CHANGES[name])
    assert injector.inject(made).outcome is Outcome.APPLIED
    assert [one["state"] for one in api.all("UndoRecord")] == [State.APPLIED]
    assert described(api) != before
    writes = [one for one in api.asked if "undorecords" not in one and "leases" not in one]
    assert {one.split()[0] for one in writes if " GET " not in one} == {"provisioner", "injector"}
    assert len(injector.take_back(made)) == 1
    assert described(api) == before
    assert injector.take_back(made) == []
    assert injector.inject(made).outcome is Outcome.APPLIED


@pytest.mark.parametrize("name", ["secret", "no secret"])
def test_no_record_and_no_word_holds_a_secret(api: FakeApi, injector: Injector, name: str) -> None:
    made = fault(CHANGES[name])
    said = injector.inject(made).said
    assert "hunter2" not in f"{api.all('UndoRecord')} {said} {injector.take_back(made)}"


def test_a_refusal_after_a_change_went_in_is_no_block(api: FakeApi, injector: Injector) -> None:
    api.refusals.append(("injector PATCH deployments/idle", 403, QUOTA))
    applied = injector.inject(fault(PATCH, CHANGES["scale"]))
    assert applied.outcome is Outcome.NOT_APPLIED
    assert QUOTA in applied.said
    alone = injector.inject(fault(CHANGES["scale"]))
    assert alone.outcome is Outcome.BLOCKED


@pytest.mark.parametrize("write", ["POST undorecords/.*", "PATCH undorecords/.*"])
def test_a_rule_on_the_journal_is_no_block(api: FakeApi, injector: Injector, write: str) -> None:
    api.refusals.append((f"provisioner {write}", 403, QUOTA))
    assert injector.inject(fault(PATCH)).outcome is Outcome.NOT_APPLIED
    assert ("injector PATCH configmaps/conf" in api.asked) is write.startswith("PATCH")


def test_what_moves_is_read_again(
    api: FakeApi, injector: Injector, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = Custody.plan

    def moving(self: Custody, *words: Any, **named: Any) -> Any:
        record = planned(self, *words, **named)
        monkeypatch.setattr(Custody, "plan", planned)
        api.put("ConfigMap", "conf", DRILL, data={"mode": "fine", "more": "yes"})
        return record

    monkeypatch.setattr(Custody, "plan", moving)
    assert injector.inject(fault(PATCH)).outcome is Outcome.APPLIED
    assert [one["state"] for one in api.all("UndoRecord")] == [State.VERIFIED, State.APPLIED]


@pytest.mark.parametrize(
    ("named", "restarted"), [(True, {"idle-0"}), (False, {"idle-0", "idle-1"})]
)
def test_a_restart_deletes_the_pods_that_it_names_and_sees_them_recreated(
    api: FakeApi, injector: Injector, named: bool, restarted: set[str]
) -> None:
    place = {"name": "idle-0"} if named else {"selector": "app=a"}
    made = fault(Restart(target=Target(api_version="v1", kind="Pod", **place)))
    before = {one["metadata"]["name"]: one["metadata"]["uid"] for one in api.all("Pod")}
    assert injector.inject(made).outcome is Outcome.APPLIED
    after = {one["metadata"]["name"]: one["metadata"]["uid"] for one in api.all("Pod")}
    assert {name for name in before if before[name] != after[name]} == restarted
    assert injector.take_back(made) == []
    assert injector.recreated(made)
    for name in restarted:
        del api.stored["pods", DRILL, name]
    assert not injector.recreated(made)


def test_what_is_not_there_or_means_nothing_is_left(api: FakeApi, injector: Injector) -> None:
    injector.clients.values["SELECTOR"] = ""
    every = Restart(target=Target(api_version="v1", kind="Pod", selector=Var("SELECTOR")))
    assert injector.inject(fault(every)).outcome is Outcome.NOT_APPLIED
    assert len(api.all("Pod")) == 2
    assert not any("DELETE" in one for one in api.asked)
    gone = Delete(target=target("ConfigMap", "another"))
    assert injector.inject(fault(gone)).outcome is Outcome.NOT_APPLIED
    assert api.all("UndoRecord") == []
