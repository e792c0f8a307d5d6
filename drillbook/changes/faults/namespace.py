"""A drill's own namespace: created for it, with the rights that it needs, filled with its workload.
Its removal is the undo of all that is in it; that is the undo journal's business."""

import base64
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drillbook.changes.faults.rights import allowed, granted
from drillbook.changes.undo.custody import Custody
from drillbook.changes.undo.killpoints import writes
from drillbook.changes.undo.lease import RUN_LABEL
from drillbook.changes.undo.record import LEASE_LABEL, PREFIX, Verb
from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import Identity
from drillbook.cluster.objects import Objects
from drillbook.cluster.settings import Settings
from drillbook.model import Change, Manifest
from drillbook.model.errors import CouldNotTell, InvalidDrill
from drillbook.model.object_ref import ObjectRef

ENVIRONMENT_LABEL = "environment"
# Whoever may start a privileged pod has its node: the admission policy asks for this label.
POD_SECURITY = {"pod-security.kubernetes.io/enforce": "baseline"}
FIELD_MANAGER = "drillbook"
QUOTA = "drillbook-max-pods"
RIGHTS_WITHIN_S = 10.0
RIGHTS_POLL_S = 0.05

# Services and accounts first, so that pods find them at their first start.
_ORDER = ("ServiceAccount", "Role", "RoleBinding", "ConfigMap", "Service")


def fresh_name(runbook_id: str, cause: str) -> str:
    """`drill-<runbook>-<cause>-<random>`, of 56 characters at most: records' names are longer."""
    readable = re.sub(r"[^a-z0-9-]+", "-", f"{runbook_id}-{cause}".lower()).strip("-")
    return f"{PREFIX}{readable[:41].rstrip('-')}-{secrets.token_hex(3)}"


@dataclass(frozen=True)
class DrillNamespace:
    """One drill's namespace. `create` is the only way in; the custody's undo the way out."""

    clients: Connections
    custody: Custody
    name: str

    def create(
        self, environment: str, changes: Sequence[Change], secrets: Sequence[str] = ()
    ) -> None:
        """Make it, and grant in it what each identity needs for this drill and no more. `secrets`:
        the names of those that hold the credentials of its components, for the inspector."""
        ref = ObjectRef(api_version="v1", kind="Namespace", name=self.name)
        record = self.custody.plan(Verb.CREATE, ref)
        drill = {RUN_LABEL: self.custody.run, LEASE_LABEL: self.custody.name}
        labels = {**drill, ENVIRONMENT_LABEL: environment, **POD_SECURITY}
        owners = [self.custody.owner]
        metadata = {"name": self.name, "labels": labels, "ownerReferences": owners}
        self._create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        self.custody.applied(record)
        own, *others = granted(self.name, changes, self.clients, secrets)
        self._grant(own)
        self._await_rights()
        for manifest in (quota(self.clients.settings), *others):
            metadata = {**manifest["metadata"], "namespace": self.name}
            self._grant({**manifest, "metadata": metadata})

    def apply(self, manifests: Sequence[Manifest]) -> None:
        """Server-side apply of every object, in this namespace, whatever they say of theirs."""
        for manifest in sorted(manifests, key=_rank):
            name = manifest["metadata"]["name"]
            resource = self.clients.resource(manifest["apiVersion"], manifest["kind"])
            if not resource.namespaced:
                raise InvalidDrill(
                    f"{manifest['kind']}/{name} is not namespaced: a workload may hold only what "
                    "removing its namespace removes."
                )
            body = {**manifest, "metadata": {**manifest["metadata"], "namespace": self.name}}
            self.custody.check()
            self._apply(_in_namespace(body, self.name))

    def secret_values(self) -> tuple[str, ...]:
        """The values of the Secrets in it: no record may hold them. Raises CouldNotTell."""
        return secret_values(self.clients, self.name)

    @writes("namespace.create")
    def _create(self, body: Mapping[str, Any]) -> None:
        self._objects.create(body)

    @writes("namespace.grant")
    def _grant(self, body: Mapping[str, Any]) -> None:
        self._objects.create(body)

    @writes("workload.apply")
    def _apply(self, body: Mapping[str, Any]) -> None:
        self._objects.apply(body, FIELD_MANAGER)

    def _await_rights(self) -> None:
        """A server knows a new binding a moment later."""
        clock, begin = self.custody.clock, self.custody.clock.monotonic()
        provisioner = self.clients.acting_as(Identity.PROVISIONER)
        while not allowed(provisioner, "create", "", "resourcequotas", self.name):
            if clock.monotonic() - begin > RIGHTS_WITHIN_S:
                raise CouldNotTell(
                    f"the provisioner has no rights in {self.name} {RIGHTS_WITHIN_S:g} s after "
                    "they were granted. Look at `drillbook plan`, which names the rights it lacks."
                )
            clock.sleep(RIGHTS_POLL_S)

    @property
    def _objects(self) -> Objects:
        return Objects(self.clients.acting_as(Identity.PROVISIONER))


def secret_values(clients: Connections, namespace: str) -> tuple[str, ...]:
    """Those of a drill's namespace, as the provisioner reads them. Raises CouldNotTell."""
    found = Objects(clients.acting_as(Identity.PROVISIONER)).listed("v1", "Secret", namespace)
    # A binary value is printed in base64: both forms count.
    encoded = [value for secret in found for value in (secret.get("data") or {}).values()]
    decoded = (base64.b64decode(value).decode("utf-8", "replace") for value in encoded)
    return (*encoded, *decoded)


def _rank(manifest: Manifest) -> int:
    kind = manifest["kind"]
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


def _in_namespace(body: dict[str, Any], namespace: str) -> dict[str, Any]:
    """A RoleBinding's subjects name their namespace; they mean the drill's."""
    subjects = body.get("subjects")
    if not subjects:
        return body
    return {**body, "subjects": [{**subject, "namespace": namespace} for subject in subjects]}


def quota(settings: Settings) -> Manifest:
    """The same cap on pods for a drill's namespace: it also holds for what nobody declared."""
    hard = {"pods": str(settings.max_pods)}
    kind = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": QUOTA}}
    return {**kind, "spec": {"hard": hard}}
