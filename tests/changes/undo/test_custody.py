"""Who may begin, and what a drill leaves, on an API server in memory."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from drillbook.changes.faults import DrillNamespace
from drillbook.changes.undo import stops
from drillbook.changes.undo.custody import Custody
from drillbook.changes.undo.lease import ACKNOWLEDGED, DECLINED, RUN_LABEL
from drillbook.changes.undo.precedence import refuse_locked
from drillbook.changes.undo.reaping import Reaping
from drillbook.changes.undo.undoers import reaping_of
from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import SYSTEM_NAMESPACE
from drillbook.model.clock import SystemClock
from drillbook.model.errors import Refused, UndoFailed
from tests.changes.conftest import DRILL, custody_of
from tests.changes.fake_api import FakeApi


@contextmanager
def reaper(api: FakeApi, key: str, word: str) -> Iterator[None]:
    """Says that of the drill's lease, once it is there."""
    ended = threading.Event()

    def say() -> None:
        while not ended.wait(0.01):
            with api.lock:
                lease = api.get("Lease", DRILL, SYSTEM_NAMESPACE)
                if lease is not None:
                    lease["metadata"]["annotations"][key] = word
                    return

    thread = threading.Thread(target=say)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def opened(api: FakeApi, clients: Connections) -> Iterator[Custody]:
    """A drill under way, with a namespace of its own."""
    custody = custody_of(clients)
    try:
        with reaper(api, ACKNOWLEDGED, "yes"):
            custody.open()
        DrillNamespace(clients, custody, DRILL).create("staging", ())
        yield custody
    finally:
        custody.held.keeper.stop()


def keys(api: FakeApi) -> set[tuple[str, str, str]]:
    return set(api.stored)


def test_a_drill_that_ends_between_two_lists_stops_no_other(
    api: FakeApi, clients: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    reaping = reaping_of(clients, clients.settings, SystemClock(), "begin/x")
    with opened(api, clients) as custody:
        listed = Reaping.drills

        def ended(self: Reaping) -> list[Any]:
            monkeypatch.setattr(Reaping, "drills", listed)
            custody.close()
            return listed(self)

        monkeypatch.setattr(Reaping, "drills", ended)
        assert reaping.unexplained() == []
    api.put("Namespace", "drill-z", metadata={"labels": {RUN_LABEL: "r"}})
    assert reaping.unexplained() == ["namespace/drill-z: no drill answers for it"]


def test_what_a_drill_makes_is_gone_when_it_is_closed(api: FakeApi, clients: Connections) -> None:
    before = keys(api)
    with opened(api, clients) as custody:
        assert {key[0] for key in keys(api) - before} == {
            *("drills", "leases", "namespaces", "resourcequotas", "rolebindings", "undorecords")
        }
        custody.close()
    assert keys(api) == before


def test_one_that_the_reaper_declines_leaves_nothing(api: FakeApi, clients: Connections) -> None:
    before = keys(api)
    with reaper(api, DECLINED, "no right"), pytest.raises(Refused, match="undo this drill: no rig"):
        custody_of(clients).open()
    assert keys(api) == before


def test_an_undo_that_fails_is_told_and_stops_the_next(api: FakeApi, clients: Connections) -> None:
    with opened(api, clients) as custody:
        api.refusals.append((".* DELETE namespaces/.*", 500, "etcd is unhappy"))
        with pytest.raises(UndoFailed, match="etcd is unhappy"):
            custody.close()
        left = stops.quarantined(custody.as_provisioner, SYSTEM_NAMESPACE)
        assert left.startswith(f"{DRILL}: namespace/{DRILL} (create): ")
        with pytest.raises(Refused, match="the cluster is in quarantine"):
            custody_of(clients, "drill-b").open()


@pytest.fixture
def two(
    api: FakeApi, clients: Connections, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Custody, Custody]]:
    """Of two runs, which need the same domain and begin in the same second."""
    monkeypatch.setattr("tests.changes.fake_api.now", lambda: "2026-11-28T12:00:00Z")
    pair = custody_of(clients), custody_of(clients, "drill-b")
    yield pair
    for one in pair:
        if one._held is not None:
            one.held.keeper.stop()


def look(custody: Custody) -> str:
    """As `open` does. Returns why it may not stay."""
    try:
        lease = custody.held.keeper.lease
        refuse_locked(custody.as_provisioner, lease, custody.locks, custody.clock)
    except Refused as error:
        custody.close()
        return str(error)
    return ""


def test_of_two_that_begin_together_the_elder_stays(api: FakeApi, two: Any) -> None:
    for one in two:
        one._take_lease()
    with ThreadPoolExecutor() as pool:
        why = list(pool.map(look, two))
    assert why[0] == ""
    assert "the drill drill-a of the run r" in why[1]
    assert [one["metadata"]["name"] for one in api.all("Drill")] == ["drill-a"]


def test_who_looked_first_stays(api: FakeApi, two: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drillbook.changes.undo.precedence.YIELD_WITHIN_S", 0.2)
    late, early = two
    early._take_lease()
    assert look(early) == ""
    late._take_lease()
    assert "the drill drill-b" in look(late)
    assert [one["metadata"]["name"] for one in api.all("Drill")] == ["drill-b"]
