"""When a lease ends, and what a lease must say."""

from datetime import timedelta
from typing import Any

import pytest

from drillbook.changes.undo import lease as leases
from drillbook.changes.undo.lease import KEPT, Lease
from drillbook.changes.undo.record import Verb, stamp
from drillbook.model.errors import CouldNotTell
from tests.changes.conftest import NOW, lease_body


def lease(**changed: Any) -> Lease:
    return leases.from_object(lease_body(**changed))


def test_there_and_back() -> None:
    found = lease()
    assert (found.name, found.run, found.holder, found.fence) == ("drill-a", "r", "host/1", 0)
    assert found.verbs == (Verb.CREATE, Verb.CORDON)
    assert (found.acknowledged, found.declined, found.kept) == ("", "", False)


def test_when_it_ends() -> None:
    """When it is not renewed, never after the drill's deadline, or when it is kept no longer."""
    assert not lease().expired(NOW + timedelta(seconds=30))
    assert lease().expired(NOW + timedelta(seconds=30.1))
    late = NOW + timedelta(minutes=44, seconds=50)
    assert lease(renewTime=stamp(late)).ends == NOW + timedelta(minutes=45)
    body = lease_body(leaseDurationSeconds=7200)
    body["metadata"]["annotations"][KEPT] = stamp(NOW)
    assert leases.from_object(body).ends == NOW + timedelta(hours=2)


@pytest.mark.parametrize("field", ["renewTime", "leaseDurationSeconds"])
def test_a_lease_that_no_drill_writes_is_no_lease(field: str) -> None:
    body = lease_body()
    del body["spec"][field]
    with pytest.raises(CouldNotTell, match="drill-a"):
        leases.from_object(body)
