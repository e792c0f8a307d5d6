"""A drill's own namespace: created for it, filled with its workload, removed as its undo."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from drillbook.clock import Clock
from drillbook.errors import CouldNotTell, InvalidDrill, UndoFailed
from drillbook.model import Manifest
from drillbook.sources.clients import KUBE_ERRORS, Connections, asking, could_not_ask

PREFIX = "drill-"
OWNER_LABEL = "drillbook.dev/drill"
ENVIRONMENT_LABEL = "environment"
# Whoever may start a privileged pod has its node: the admission policy asks for this label.
POD_SECURITY = {"pod-security.kubernetes.io/enforce": "baseline"}
EXPIRY_ANNOTATION = "drillbook.dev/expires"
FIELD_MANAGER = "drillbook"

# Services and accounts first, so that pods find them at their first start.
_ORDER = ("ServiceAccount", "Role", "RoleBinding", "ConfigMap", "Service")


def fresh_name(runbook_id: str, cause: str) -> str:
    """`drill-<runbook>-<cause>-<random>`, a DNS label of at most 63 characters."""
    readable = re.sub(r"[^a-z0-9-]+", "-", f"{runbook_id}-{cause}".lower()).strip("-")
    return f"{PREFIX}{readable[:48].rstrip('-')}-{secrets.token_hex(3)}"


@dataclass(frozen=True)
class DrillNamespace:
    """One drill's namespace. `create` is the only way in, `remove` the way out."""

    clients: Connections
    name: str

    def create(self, drill: str, environment: str) -> None:
        labels = {OWNER_LABEL: drill, ENVIRONMENT_LABEL: environment, **POD_SECURITY}
        body = {"metadata": {"name": self.name, "labels": labels}}
        try:
            self.clients.core.create_namespace(body, _request_timeout=self._timeout)
        except KUBE_ERRORS as error:
            raise could_not_ask(f"the Kubernetes API creating {self.name}", error) from error

    def apply(self, manifests: Sequence[Manifest]) -> None:
        """Server-side apply of every object, in this namespace, whatever they say of theirs."""
        for manifest in sorted(manifests, key=_rank):
            body = {**manifest, "metadata": {**manifest["metadata"], "namespace": self.name}}
            resource = self.clients.resource(manifest["apiVersion"], manifest["kind"])
            if not resource.namespaced:
                raise InvalidDrill(
                    f"{manifest['kind']}/{body['metadata']['name']} is not namespaced: a workload "
                    "may hold only what removing its namespace removes."
                )
            try:
                resource.server_side_apply(
                    body=_in_namespace(body, self.name),
                    name=body["metadata"]["name"],
                    namespace=self.name,
                    field_manager=FIELD_MANAGER,
                    force_conflicts=True,
                    _request_timeout=self._timeout,
                )
            except KUBE_ERRORS as error:
                what = f"{manifest['kind']}/{body['metadata']['name']}"
                raise could_not_ask(f"the Kubernetes API applying {what}", error) from error

    def secret_values(self) -> tuple[str, ...]:
        """The values of the Secrets in it: no record may hold them."""
        try:
            found = self.clients.core.list_namespaced_secret(
                self.name, _request_timeout=self._timeout
            ).items
        except KUBE_ERRORS as error:
            raise could_not_ask(
                f"the Kubernetes API about secrets in {self.name}", error
            ) from error
        encoded = (value for secret in found for value in (secret.data or {}).values())
        return tuple(base64.b64decode(value).decode("utf-8", "replace") for value in encoded)

    def keep_until(self, expiry: datetime) -> None:
        """Mark it as kept; `sweep` removes it after `expiry` (UTC)."""
        stamp = expiry.astimezone(UTC).isoformat(timespec="seconds")
        body = {"metadata": {"annotations": {EXPIRY_ANNOTATION: stamp}}}
        try:
            self.clients.core.patch_namespace(self.name, body, _request_timeout=self._timeout)
        except KUBE_ERRORS as error:
            raise could_not_ask(f"the Kubernetes API marking {self.name}", error) from error

    def remove(self, clock: Clock, within_s: float, poll_s: float, settle_s: float = 0.0) -> None:
        """Delete it and wait until the server says that it is gone, for `settle_s` seconds.

        Raises UndoFailed with what is left when it is not gone after `within_s` seconds. A server
        that does not answer is not a server that says so.
        """
        deadline = clock.monotonic() + within_s
        gone_since: float | None = None
        deleted, last = False, "the deletion was not accepted"
        while clock.monotonic() < deadline:
            try:
                deleted = (deleted and gone_since is None) or self._delete()
                if self._exists():
                    gone_since, last = None, "still terminating"
                elif (
                    clock.monotonic() - (gone_since := gone_since or clock.monotonic()) >= settle_s
                ):
                    return
            except CouldNotTell as error:
                gone_since, last = None, str(error)
            clock.sleep(poll_s)
        raise UndoFailed(
            f"namespace {self.name} is not gone after {within_s:g} s: {last}. "
            f"What is left: {self._left()}. Remove it with `drillbook sweep`."
        )

    def _delete(self) -> bool:
        """True once the server has taken the deletion, or has nothing left to delete."""
        try:
            self.clients.core.delete_namespace(self.name, _request_timeout=self._timeout)
        except KUBE_ERRORS as error:
            if getattr(error, "status", None) in (404, 409):
                return True
            raise could_not_ask(f"the Kubernetes API deleting {self.name}", error) from error
        return True

    def _exists(self) -> bool:
        try:
            self.clients.core.read_namespace(self.name, _request_timeout=self._timeout)
        except KUBE_ERRORS as error:
            if getattr(error, "status", None) == 404:
                return False
            raise could_not_ask(f"the Kubernetes API about {self.name}", error) from error
        return True

    def _left(self) -> str:
        try:
            pods = self.clients.core.list_namespaced_pod(self.name, _request_timeout=self._timeout)
        except KUBE_ERRORS as error:
            return f"unknown ({could_not_ask('the API', error)})"
        return ", ".join(f"pod/{pod.metadata.name}" for pod in pods.items) or "the namespace itself"

    @property
    def _timeout(self) -> float:
        return self.clients.request_timeout


def drill_namespaces(clients: Connections) -> list[Any]:
    """Every drill namespace on the cluster, as the API has it. A list that failed is an error."""
    with asking("the Kubernetes API about namespaces"):
        found: list[Any] = clients.core.list_namespace(
            label_selector=OWNER_LABEL, _request_timeout=clients.request_timeout
        ).items
        return list(found)


def expired(namespace: Any, now: datetime) -> bool:
    """Whether a kept namespace is past its expiry. One without an expiry is somebody's drill."""
    stamp = (namespace.metadata.annotations or {}).get(EXPIRY_ANNOTATION)
    if stamp is None:
        return False
    try:
        return datetime.fromisoformat(stamp).astimezone(UTC) <= now
    except ValueError as error:
        raise CouldNotTell(
            f"namespace {namespace.metadata.name}: {EXPIRY_ANNOTATION} is {stamp!r}, no time. "
            "Remove the namespace with `drillbook sweep`."
        ) from error


def _rank(manifest: Manifest) -> int:
    kind = manifest["kind"]
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


def _in_namespace(body: dict[str, Any], namespace: str) -> dict[str, Any]:
    """A RoleBinding's subjects name their namespace; they mean the drill's."""
    subjects = body.get("subjects")
    if not subjects:
        return body
    return {**body, "subjects": [{**subject, "namespace": namespace} for subject in subjects]}
