"""A lease that was not renewed in time is lost, however long its process slept in between."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drillbook.changes.undo import lease as leases
from drillbook.changes.undo.lease_renewal import LeaseLost, LeaseRenewal
from drillbook.cluster.objects import Conflict
from drillbook.model.errors import CouldNotTell

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


class Clock:
    """Stands until it is moved."""

    at = 1000.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.at - 1000)

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


class Server:
    """Answers as it was told to: a lease, None, or an error."""

    def __init__(self, body: dict[str, Any]) -> None:
        self.body: dict[str, Any] | None = body
        self.refuses: Exception | None = None

    def get(self, ref: Any) -> dict[str, Any] | None:
        return self.body

    def replace(self, body: dict[str, Any]) -> dict[str, Any]:
        if self.refuses:
            raise self.refuses
        self.body = body
        return body


def written() -> dict[str, Any]:
    body = leases.manifest(
        name="drill-a",
        namespace="drillbook-system",
        run="r",
        holder="host/1",
        now=NOW,
        duration_s=30.0,
        deadline=NOW + timedelta(minutes=45),
        locks="[]",
        verbs=(),
        owner={},
    )
    body["metadata"].update(uid="u", resourceVersion="1")
    return body


def keeper() -> tuple[LeaseRenewal, Clock, Server, list[str]]:
    clock, server, heard = Clock(), Server(written()), list[str]()
    found = LeaseRenewal(
        objects=server,  # type: ignore[arg-type]
        namespace="drillbook-system",
        clock=clock,
        lease=leases.from_object(written()),
        renew_s=10,
        margin_s=5,
        ended=heard.append,
        renewed=clock.monotonic(),
    )
    return found, clock, server, heard


def test_it_is_held_until_a_request_before_its_end() -> None:
    found, clock, _, heard = keeper()
    clock.at += 24.9
    found.check()
    assert found.held_for_s() == pytest.approx(0.1)
    clock.at += 0.2
    with pytest.raises(LeaseLost, match="could not be renewed for 25 s"):
        found.check()
    assert len(heard) == 1
    assert found.held_for_s() == 0.0


def test_a_renewal_counts_from_before_it_was_sent() -> None:
    found, clock, _, _ = keeper()
    clock.at += 10
    found.renew()
    clock.at += 24
    found.check()


def test_one_that_was_lost_stays_lost() -> None:
    found, clock, _, heard = keeper()
    clock.at += 60
    with pytest.raises(LeaseLost):
        found.check()
    with pytest.raises(LeaseLost):
        found.renew()
    with pytest.raises(LeaseLost):
        found.check()
    assert len(heard) == 1


def test_no_drill_outlives_its_deadline() -> None:
    found, clock, _, _ = keeper()
    for _ in range(299):
        clock.at += 9
        found.renew()
    assert found.held_for_s() == pytest.approx(4), "five seconds before it, as before any end"
    clock.at += 4
    with pytest.raises(LeaseLost, match="max_drill"):
        found.check()


def test_its_hold_ends_before_its_lease() -> None:
    found, clock, _, _ = keeper()
    assert found.hold_ends == NOW + timedelta(seconds=25)
    assert found.hold_ends.timestamp() == clock.now().timestamp() + found.held_for_s()


def test_what_is_kept_stands_until_the_end_of_its_lease() -> None:
    found, _, _, _ = keeper()
    body = written()
    body["metadata"]["annotations"][leases.KEPT] = "2026-11-21T03:00:00.000000Z"
    found.lease = leases.from_object(body)
    assert found.hold_ends == found.lease.ends


def test_a_taker_over_is_named() -> None:
    found, _, server, _ = keeper()
    taken = written()
    taken["spec"]["holderIdentity"] = "reaper/x"
    server.body, server.refuses = taken, Conflict("moved")
    found.renew()
    with pytest.raises(LeaseLost, match="reaper/x took it over"):
        found.check()


@pytest.mark.parametrize(
    "there", [None, {**written(), "metadata": {**written()["metadata"], "uid": "v"}}]
)
def test_a_lease_that_is_gone_is_lost(there: dict[str, Any] | None) -> None:
    found, _, server, _ = keeper()
    server.body, server.refuses = there, CouldNotTell("404")
    found.renew()
    with pytest.raises(LeaseLost, match="gone"):
        found.check()


def test_a_write_that_came_between_is_no_loss() -> None:
    """The reaper's acknowledgement moves the version."""
    found, _, server, _ = keeper()
    newer = written()
    newer["metadata"]["resourceVersion"] = "2"
    server.body, server.refuses = newer, Conflict("moved")
    found.renew()
    found.check()
    assert found.lease.version == "2"
