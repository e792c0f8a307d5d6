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


def changed(**fields: str) -> dict[str, Any]:
    """The lease as somebody else left it."""
    body = lease_body(holderIdentity=fields.pop("holder", "host/1"))
    body["metadata"].update(fields)
    return body


@pytest.mark.parametrize(
    ("there", "error", "lost"),
    [
        (changed(holder="reaper/x"), Conflict("moved"), "reaper/x took it over"),
        (None, CouldNotTell("404"), "gone"),
        (changed(uid="v"), CouldNotTell("404"), "gone"),
        # The reaper's acknowledgement moves the version.
        (changed(resourceVersion="2"), Conflict("moved"), ""),
    ],
)
def test_what_came_between(there: dict[str, Any] | None, error: Exception, lost: str) -> None:
    found, _, server, _ = keeper()
    server.body, server.refuses = there, error
    found.renew()
    if not lost:
        found.check()
        assert found.lease.version == "2"
        return
    with pytest.raises(LeaseLost, match=lost):
        found.check()
