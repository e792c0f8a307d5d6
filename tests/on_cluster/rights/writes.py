"""Writes that the admission policies judge, tried as dry runs, and what they are made of."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from drillbook.changes.faults.namespace import POD_SECURITY
from drillbook.changes.undo.lease import DEADLINE, LOCKS, RUN_LABEL, VERBS
from drillbook.changes.undo.record import LEASE_LABEL, stamp
from drillbook.cluster.identities import SYSTEM_NAMESPACE
from tests.on_cluster.rights.table import RBAC
from tests.on_cluster.rights.world import World

DRY = {"dry_run": "All", "_request_timeout": 10}
IDENTITIES = "drillbook-identities"
IN_DRILL = "drillbook-in-drill"


def refused(call: Callable[..., Any], *words: Any, policy: str = IDENTITIES, **options: Any) -> str:
    """What the policy said; the write was a dry run."""
    with pytest.raises(ApiException) as caught:
        call(*words, **DRY, **options)
    said = str(json.loads(caught.value.body)["message"])
    assert caught.value.status == 403, said
    assert f"ValidatingAdmissionPolicy '{policy}'" in said, said
    return said


def a_namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}}


GOOD = {RUN_LABEL: "r", **POD_SECURITY}


def a_drill(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "drillbook.dev/v1",
        "kind": "Drill",
        "metadata": {"name": name},
        "spec": {"run": "r"},
    }


def account(name: str, namespace: str = SYSTEM_NAMESPACE) -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


PROVISIONER = account("provisioner")


def a_binding(
    role: str, kind: str = "ClusterRole", subject: Mapping[str, str] = PROVISIONER
) -> dict[str, Any]:
    return {
        "metadata": {"name": "test-rights"},
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role},
        "subjects": [dict(subject)],
    }


@dataclass(frozen=True)
class Leases:
    """The drills' leases, written as the provisioner."""

    world: World
    name: str = ""
    """Of the lease that is updated; the drill's own when none is named."""

    @property
    def api(self) -> client.CoordinationV1Api:
        return client.CoordinationV1Api(self.world["provisioner"].core.api_client)

    @property
    def create(self) -> Callable[..., Any]:
        found: Callable[..., Any] = self.api.create_namespaced_lease
        return found

    def body(self, name: str) -> dict[str, Any]:
        return {
            "metadata": {
                "name": name,
                "labels": {RUN_LABEL: "test-rights"},
                "annotations": {DEADLINE: stamp(datetime.now(UTC)), LOCKS: "[]", VERBS: "[]"},
            },
            "spec": {
                "holderIdentity": "runner/test/1",
                "leaseDurationSeconds": 30,
                "renewTime": stamp(datetime.now(UTC)),
                "leaseTransitions": 2,
            },
        }

    def update(self, change: Callable[[dict[str, Any]], Any]) -> None:
        """A dry run on the lease as it is; its holder renews it all the time."""
        name, api = self.name or self.world.namespace, self.api
        for _ in range(5):
            found = api.read_namespaced_lease(name, SYSTEM_NAMESPACE)
            body = api.api_client.sanitize_for_serialization(found)
            change(body)
            try:
                api.replace_namespaced_lease(name, SYSTEM_NAMESPACE, body, **DRY)
            except ApiException as error:
                if error.status != 409:
                    raise
            else:
                return
        pytest.fail(f"lease {name} was written all the time")

    def refused_update(self, change: Callable[[dict[str, Any]], Any]) -> str:
        return refused(lambda **_: self.update(change))


NOBODY = "drill-rights-of-nobody"
TARGET = {"apiVersion": "v1", "namespace": NOBODY, "uid": "u"}


def undo_record(name: str, **fields: Any) -> dict[str, Any]:
    spec = {
        # Of no drill: there is no such lease, so nobody undoes it.
        "drill": NOBODY,
        "sequence": 1,
        "verb": "patch",
        "target": {**TARGET, "kind": "ConfigMap", "name": "x"},
        "preImage": {"data": {"key": "before", "other": None}},
        "patch": {"data": {"key": "after"}},
        "expires": "2026-11-21T12:00:00.000000Z",
        "fence": 0,
        **fields,
    }
    return {
        "apiVersion": "drillbook.dev/v1",
        "kind": "UndoRecord",
        "metadata": {"name": name, "labels": {LEASE_LABEL: NOBODY}},
        "spec": spec,
        "state": "APPLIED",
        "said": "",
    }


def keep(world: World, body: dict[str, Any]) -> None:
    """As the provisioner, as a dry run."""
    api = world["provisioner"].resource("drillbook.dev/v1", "UndoRecord")
    api.create(body=body, namespace=SYSTEM_NAMESPACE, query_params=[("dryRun", "All")])
