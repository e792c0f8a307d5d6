"""Nothing of a drill is held by a finalizer: neither its namespace nor what stands for it."""

from typing import Any

import pytest

from drillbook.cluster.identities import SYSTEM_NAMESPACE
from tests.on_cluster.rights.world import World
from tests.on_cluster.rights.writes import (
    DRY,
    GOOD,
    Leases,
    a_drill,
    a_namespace,
    refused,
    undo_record,
)

pytestmark = pytest.mark.cluster

HELD = {"finalizers": ["example.com/never"]}


def test_nothing_is_held_by_a_finalizer(world: World) -> None:
    core, leases = world["provisioner"].core, Leases(world)
    space, lease = a_namespace("drill-rights-x", **GOOD), leases.body("drill-rights-x")
    drill = a_drill("drill-rights-x")
    record = undo_record("drill-rights-of-nobody-001")
    objects = world["provisioner"].resource

    def make(body: dict[str, Any]) -> None:
        handle, place = objects(body["apiVersion"], body["kind"]), body["metadata"].get("namespace")
        handle.create(body=body, namespace=place, query_params=[("dryRun", "All")])

    make(drill)
    make({**record, "metadata": {**record["metadata"], "namespace": SYSTEM_NAMESPACE}})
    for body in (drill, record):
        held = {**body, "metadata": {**body["metadata"], **HELD, "namespace": SYSTEM_NAMESPACE}}
        with pytest.raises(Exception, match="no finalizer"):
            make(held)
    for call, words in (
        (core.create_namespace, (space,)),
        (leases.create, (SYSTEM_NAMESPACE, lease)),
    ):
        call(*words, **DRY)
        words[-1]["metadata"].update(HELD)
        assert "no finalizer" in refused(call, *words)
    assert "no finalizer" in leases.refused_update(lambda body: body["metadata"].update(HELD))
