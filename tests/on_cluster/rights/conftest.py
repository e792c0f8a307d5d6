"""The one drill that all modules here look at, and a service account of its own."""

from collections.abc import Iterator

import pytest

from drillbook.changes.faults.namespace import DrillNamespace, fresh_name
from drillbook.changes.undo.custody import Custody
from drillbook.changes.undo.record import Verb
from drillbook.cluster import settings
from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import Identities, Identity
from drillbook.model import Duration, Patch, Run, Target, domains
from drillbook.model.clock import SystemClock
from tests.on_cluster.checkouts import ROOT
from tests.on_cluster.rights.table import RBAC
from tests.on_cluster.rights.world import World, as_account, may
from tests.on_cluster.rights.writes import a_binding, account
from tests.on_cluster.snapshot import administrator
from tests.waiting import await_


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A drill whose fault patches the ConfigMap orders-conf and runs something in a pod, with a
    component that names the Secret orders-reader."""
    loaded = settings.load(root=ROOT)
    identities = Identities(loaded)
    clients = Connections(loaded, {}, identities.settings_for)
    name = fresh_name("rights", "test")
    custody = Custody(
        clients=clients,
        settings=loaded,
        clock=SystemClock(),
        name=name,
        run="test-rights",
        locks=domains.locks("cluster/namespace", name),
        verbs=(Verb.CREATE,),
        ended=lambda why: None,
    )
    custody.open()
    try:
        target = Target(api_version="v1", kind="ConfigMap", name="orders-conf")
        change = Patch(target=target, patch={"data": {"driver-memory": "1g"}})
        pods = Target(api_version="v1", kind="Pod", selector="app=orders")
        program = Run(target=pods, container="orders", words=("true",), within=Duration("5s"))
        space = DrillNamespace(clients, custody, name)
        space.create("staging", (change, program), ("orders-reader",))
        yield World(
            name,
            {
                "runner": Connections(loaded, {}),
                "reaper": as_account(loaded, "reaper", tmp_path_factory.mktemp("reaper") / "kc"),
                "administrator": administrator().clients,
                **{str(one): clients.acting_as(one) for one in Identity},
            },
        )
    finally:
        custody.close()


@pytest.fixture(scope="package")
def inmate(world: World, tmp_path_factory: pytest.TempPathFactory) -> Connections:
    """A service account of the drill's own, with all rights that a workload could give it."""
    create = world["provisioner"].resource
    rules = [
        {"apiGroups": [""], "resources": ["secrets", "services"], "verbs": ["create"]},
        {"apiGroups": [RBAC], "resources": ["rolebindings"], "verbs": ["create"]},
    ]
    for version, kind, fields in (
        ("v1", "ServiceAccount", {}),
        (f"{RBAC}/v1", "Role", {"rules": rules}),
        (
            f"{RBAC}/v1",
            "RoleBinding",
            a_binding("inmate", "Role", account("inmate", world.namespace)),
        ),
    ):
        body = {**fields, "apiVersion": version, "kind": kind, "metadata": {"name": "inmate"}}
        create(version, kind).create(body=body, namespace=world.namespace)
    path = tmp_path_factory.mktemp("inmate") / "kc"
    found = as_account(settings.load(root=ROOT), "inmate", path, world.namespace)
    await_("the inmate's rights", lambda: may(found, "create", "/secrets", world.namespace), 10)
    return found
