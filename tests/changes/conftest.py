"""A fake API server, somebody who may become everybody on it, and a drill's custody there."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drillbook.changes.undo import lease as leases
from drillbook.changes.undo.custody import Custody
from drillbook.changes.undo.record import Verb, stamp
from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import SYSTEM_NAMESPACE, Identity
from drillbook.cluster.settings import Settings
from drillbook.model import domains
from drillbook.model.clock import SystemClock
from tests.changes.fake_api import FakeApi, serving
from tests.cluster.test_kubeconfig import kubeconfig_of

DRILL = "drill-a"
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[FakeApi, str]]:
    with serving() as found:
        yield found


@pytest.fixture
def api(server: tuple[FakeApi, str]) -> FakeApi:
    """Empty but for a reaper that gives signs of life."""
    api, _ = server
    for kept in (api.stored, api.refusals, api.asked):
        kept.clear()
    api.put(
        "Lease", leases.REAPER, SYSTEM_NAMESPACE, spec={"renewTime": stamp(SystemClock().now())}
    )
    return api


@pytest.fixture
def clients(server: tuple[FakeApi, str], tmp_path: Path) -> Connections:
    """The observer's, who may become the others."""
    known: dict[str, Settings] = {}

    def become(identity: Identity) -> Settings:
        if identity not in known:
            (tmp_path / identity).mkdir()
            path = kubeconfig_of(tmp_path / identity, server[1], str(identity))
            known[identity] = Settings(
                root=tmp_path, kubeconfig=path, acknowledged_within="1s", undo_within="1s"
            )
        return known[identity]

    return Connections(become(Identity.OBSERVER), {}, become)


def lease_body(
    name: str = DRILL, at: datetime = NOW, holder: str = "host/1", **changed: Any
) -> dict[str, Any]:
    """A drill's lease as a server gives it, with `changed` in its spec."""
    body = leases.manifest(
        name=name,
        namespace=SYSTEM_NAMESPACE,
        run="r",
        holder=holder,
        now=at,
        duration_s=30.0,
        deadline=NOW + timedelta(minutes=45),
        locks="[]",
        verbs=(Verb.CREATE, Verb.CORDON),
        owner={"kind": "Drill"},
    )
    body["metadata"].update(uid="u", resourceVersion="1")
    body["spec"].update(changed)
    return body


def custody_of(clients: Connections, name: str = DRILL) -> Custody:
    return Custody(
        clients=clients,
        settings=clients.settings,
        clock=SystemClock(),
        name=name,
        run="r",
        locks=domains.locks("cluster/postgres", name),
        verbs=(Verb.CREATE,),
        ended=lambda why: None,
    )


@pytest.fixture
def custody(api: FakeApi, clients: Connections) -> Iterator[Custody]:
    """An open one, without the reaper's word; its lease is let go, whatever was asked of it."""
    found = custody_of(clients)
    found._take_lease()
    yield found
    api.refusals.clear()
    found.held.keeper.stop()
