"""What came of the second injection, by what the API server says to it and what the effect does."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from drillbook.changes.faults import Injector
from drillbook.changes.undo.custody import Custody
from drillbook.cluster.clients import Connections
from drillbook.drill.perform import Performer
from drillbook.drill.reinjection import reinject
from drillbook.model import Evidence, Fault, Patch, Probe, Reading, Restart, Target, Verdict
from drillbook.model.clock import SystemClock
from drillbook.model.matchers import equals
from drillbook.sources import Kube
from tests.changes.conftest import DRILL, api, clients, custody, server
from tests.changes.fake_api import BEGAN, FakeApi
from tests.drill.test_perform import Script

__all__ = ["api", "clients", "custody", "server"]

CONF = Target(api_version="v1", kind="ConfigMap", name="conf")
BREAK = Patch(target=CONF, patch={"data": {"mode": "broken"}})
PODS = Restart(target=Target(api_version="v1", kind="Pod", selector="app=a"))
OWNED = {"labels": {"app": "a"}, "ownerReferences": [{"kind": "ReplicaSet", "controller": True}]}
EFFECT = Probe(
    source=Kube(kind="configmaps", name="seen", path="{.data.state}"), expect=equals("down")
)
FAULT = Fault(title="it breaks", changes=(BREAK, PODS), effect=EFFECT)


class Incident:
    """A fault that was injected once, had its effect, and was remedied."""

    def __init__(self, api: FakeApi, clients: Connections, custody: Custody) -> None:
        self.api = api
        api.put("ConfigMap", "conf", DRILL, data={"mode": "fine"})
        api.put("Pod", "a-0", DRILL, metadata=OWNED, status=BEGAN)
        self.effect("up")
        clients.values |= {"NAMESPACE": DRILL, "CONTEXT": "c"}
        self.performer = Performer(clients=clients, settings=clients.settings, clock=SystemClock())
        self.injector = Injector(clients, DRILL, custody)
        self.injector.inject(FAULT)

    def effect(self, state: str) -> None:
        self.api.put("ConfigMap", "seen", DRILL, data={"state": state})

    def again(self, fault: Fault = FAULT) -> Evidence:
        return reinject(fault, self.injector, self.performer, 0.2)


@pytest.fixture
def incident(api: FakeApi, clients: Connections, custody: Custody) -> Incident:
    return Incident(api, clients, custody)


def outcome(evidence: Evidence) -> tuple[Verdict, Any]:
    return evidence.verdict, evidence.outcome


def test_what_is_in_place_is_taken_back_and_no_effect_is_absorbed(incident: Incident) -> None:
    found = incident.again()
    assert outcome(found) == (Verdict.PASSED, "absorbed")
    assert "taken back first: configmap/drill-a/conf" in found.observed


def test_an_effect_that_comes_back_fails(incident: Incident) -> None:
    incident.effect("down")
    assert outcome(incident.again()) == (Verdict.FAILED, "took effect")


def test_an_effect_that_is_never_scraped_again_is_not_absorbed(incident: Incident) -> None:
    incident.api.put("ConfigMap", "conf", DRILL, data={"mode": "fine"})
    source = Script((Reading(answer="up", dated=datetime(2020, 1, 1, tzinfo=UTC)),))
    found = incident.again(replace(FAULT, effect=replace(EFFECT, source=source)))
    assert outcome(found) == (Verdict.ERROR, "not applied")
    assert "older than the last change" in found.observed


QUOTA = (403, "exceeded quota: small")


@pytest.mark.parametrize(
    ("refused", "expected"),
    [
        (("injector PATCH configmaps/conf", *QUOTA), (Verdict.PASSED, "blocked")),
        (("injector DELETE pods/.*", *QUOTA), (Verdict.ERROR, "not applied")),
        (("provisioner POST undorecords/.*", *QUOTA), (Verdict.ERROR, "not applied")),
        (("injector PATCH configmaps/conf", 500, "no"), (Verdict.ERROR, "not applied")),
        (("observer GET configmaps/seen", 500, "no"), (Verdict.ERROR, "not applied")),
    ],
)
def test_what_is_refused(
    incident: Incident, refused: tuple[str, int, str], expected: tuple[Verdict, str]
) -> None:
    incident.api.refusals.append(refused)
    assert outcome(incident.again()) == expected


@pytest.mark.parametrize("pending", [True, False])
def test_without_a_recreated_pod_nothing_could_show_the_effect(
    incident: Incident, pending: bool
) -> None:
    for pod in incident.api.all("Pod"):
        if pending:
            pod["status"] = {"containerStatuses": [{"state": {"waiting": {}}, "lastState": {}}]}
        else:
            pod["metadata"]["ownerReferences"] = []
    found = incident.again()
    assert outcome(found) == (Verdict.ERROR, "not applied")
    assert "no pod was recreated" in found.observed
