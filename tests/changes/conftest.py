"""A fake API server, somebody who may become everybody on it, and a drill's custody there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

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

DRILL = "drill-a"


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
        document = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": server[1]}}],
            "users": [{"name": "u", "user": {"token": str(identity)}}],
        }
        if identity not in known:
            path = tmp_path / f"{identity}.json"
            path.write_text(json.dumps(document), encoding="utf-8")
            known[identity] = Settings(
                root=tmp_path, kubeconfig=path, acknowledged_within="1s", undo_within="1s"
            )
        return known[identity]

    return Connections(become(Identity.OBSERVER), {}, become)


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
