"""A lease that was not renewed in time is lost, however long its process slept in between."""

from datetime import timedelta
from typing import Any

import pytest

from drillbook.changes.undo import lease as leases
from drillbook.changes.undo.lease_renewal import LeaseLost, LeaseRenewal
from drillbook.cluster.objects import Conflict
from drillbook.model.errors import CouldNotTell
from tests.changes.conftest import NOW, lease_body
from tests.drill.test_perform import HandClock


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


def keeper() -> tuple[LeaseRenewal, HandClock, Server, list[str]]:
    clock, server, heard = HandClock(), Server(lease_body()), list[str]()
    found = LeaseRenewal(
        objects=server,  # type: ignore[arg-type]
        namespace="drillbook-system",
        clock=clock,
        lease=leases.from_object(lease_body()),
        renew_s=10,
        margin_s=5,
        ended=heard.append,
        renewed=clock.monotonic(),
    )
    return found, clock, server, heard


def test_it_is_held_until_a_request_before_its_end() -> None:
    found, clock, _, heard = keeper()
    clock.seconds += 24.9
    found.check()
    assert found.held_for_s() == pytest.approx(0.1)
    clock.seconds += 0.2
    with pytest.raises(LeaseLost, match="could not be renewed for 25 s"):
        found.check()
    assert len(heard) == 1
    assert found.held_for_s() == 0.0
    found, clock, _, _ = keeper()
    clock.seconds += 10
    found.renew()
    clock.seconds += 24
    found.check()


def test_one_that_was_lost_stays_lost() -> None:
    found, clock, _, heard = keeper()
    clock.seconds += 60
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
        clock.seconds += 9
        found.renew()
    assert found.held_for_s() == pytest.approx(4), "five seconds before it, as before any end"
    clock.seconds += 4
    with pytest.raises(LeaseLost, match="max_drill"):
        found.check()


def test_its_hold_ends_before_its_lease() -> None:
    found, clock, _, _ = keeper()
    assert found.hold_ends == NOW + timedelta(seconds=25)
    assert found.hold_ends.timestamp() == clock.now().timestamp() + found.held_for_s()
    kept = lease_body()
    kept["metadata"]["annotations"][leases.KEPT] = "2026-11-21T03:00:00.000000Z"
    found.lease = leases.from_object(kept)
    assert found.hold_ends == found.lease.ends


def test_a_taker_over_is_named() -> None:
    found, _, server, _ = keeper()
    taken = lease_body()
    taken["spec"]["holderIdentity"] = "reaper/x"
    server.body, server.refuses = taken, Conflict("moved")
    found.renew()
    with pytest.raises(LeaseLost, match="reaper/x took it over"):
        found.check()


@pytest.mark.parametrize(
    "there", [None, {**lease_body(), "metadata": {**lease_body()["metadata"], "uid": "v"}}]
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
    newer = lease_body()
    newer["metadata"]["resourceVersion"] = "2"
    server.body, server.refuses = newer, Conflict("moved")
    found.renew()
    found.check()
    assert found.lease.version == "2"
