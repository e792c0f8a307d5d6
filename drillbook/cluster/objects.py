"""Objects of the API as plain JSON: read, and changed under a condition, never blindly. The only
place of this package that speaks to the cluster. It does not decide anything."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drillbook.cluster.clients import Connections, asking, could_not_ask, kube_errors
from drillbook.model.errors import CouldNotTell
from drillbook.model.object_ref import ObjectRef

Object = dict[str, Any]


class Conflict(CouldNotTell):
    """Somebody else changed the object meanwhile, or made it first: the condition did not hold."""


@dataclass(frozen=True)
class Objects:
    """Reads and writes as one identity."""

    clients: Connections

    def get(self, ref: ObjectRef) -> Object | None:
        """None when the server says that it is not there. Raises CouldNotTell."""
        try:
            return self._call(ref, "get")
        except CouldNotTell as error:
            if says_absent(error.__cause__):
                return None
            raise

    def listed(
        self, api_version: str, kind: str, namespace: str = "", selector: str | None = None
    ) -> list[Object]:
        """Every object of a kind, or those of a label selector. Raises CouldNotTell; for an empty
        selector too, which would mean all."""
        if selector is not None and not selector.strip(" ,"):
            raise CouldNotTell(f"an empty selector names no {kind}; all of them are never meant.")
        resource = self.clients.resource(api_version, kind)
        place = {"namespace": namespace} if namespace else {}
        chosen = {"label_selector": selector} if selector else {}
        with asking(f"the Kubernetes API about {kind}s"):
            found = resource.get(**place, **chosen, _request_timeout=self._timeout).to_dict()
            own = {"apiVersion": api_version, "kind": kind}
            return [{**item, **own} for item in found["items"] or []]

    def namespaced(self, ref: ObjectRef) -> bool:
        """Whether such objects live in namespaces. Raises CouldNotTell."""
        return bool(self.clients.resource(ref.api_version, ref.kind).namespaced)

    def create(self, body: Mapping[str, Any]) -> Object:
        """Raises Conflict when there is one of that name."""
        return self._call(_ref_of(body), "create", named=False, body=dict(body))

    def rehearse(self, body: Mapping[str, Any]) -> Object:
        """What creating it would come to: the API server judges it, and makes nothing of it."""
        return self._call(_ref_of(body), "create", named=False, body=dict(body), dry_run="All")

    def ask(self, review: Mapping[str, Any]) -> Object:
        """A question asked by creating an object that nobody keeps: an access review."""
        return self._call(_ref_of(review), "create", named=False, body=dict(review))

    def patch(self, ref: ObjectRef, body: Mapping[str, Any], *, version: str) -> Object:
        """A merge patch of that very object (`ref.uid`) in that very version, or Conflict."""
        condition = {"uid": ref.uid, "resourceVersion": version}
        metadata = {**(body.get("metadata") or {}), **{k: v for k, v in condition.items() if v}}
        conditional = {**body, "metadata": metadata}
        kind = "application/merge-patch+json"
        return self._call(ref, "patch", body=conditional, content_type=kind)

    def replace(self, body: Mapping[str, Any]) -> Object:
        """Whole, conditional on the resource version that it carries."""
        return self._call(_ref_of(body), "replace", body=dict(body))

    def delete(self, ref: ObjectRef, *, version: str = "", grace_s: int | None = None) -> bool:
        """Delete that very object; False: it was gone. Raises Conflict for another of that name."""
        condition = {"uid": ref.uid, "resourceVersion": version}
        body: dict[str, Any] = {"preconditions": {k: v for k, v in condition.items() if v}}
        if grace_s is not None:
            body["gracePeriodSeconds"] = grace_s
        try:
            self._call(ref, "delete", body=body)
        except CouldNotTell as error:
            if says_absent(error.__cause__):
                return False
            raise
        return True

    def apply(self, body: Mapping[str, Any], manager: str) -> Object:
        """Server-side apply: the object as it is to be, whoever wrote it before."""
        whole: dict[str, Any] = {"field_manager": manager, "force_conflicts": True}
        return self._call(_ref_of(body), "server_side_apply", body=dict(body), **whole)

    @property
    def _timeout(self) -> float:
        return self.clients.request_timeout

    def _call(self, ref: ObjectRef, verb: str, named: bool = True, **arguments: Any) -> Object:
        resource = self.clients.resource(ref.api_version, ref.kind)
        place = {"namespace": ref.namespace} if ref.namespace else {}
        name = {"name": ref.name} if named else {}
        with asking(f"the Kubernetes API about {ref}"):
            try:
                asked = {**name, **place, **arguments, "_request_timeout": self._timeout}
                found = getattr(resource, verb)(**asked)
            except kube_errors() as error:
                raise refused(str(ref), verb, error) from error
            # A login page or half an answer, with status 200, is a text here, or has no kind.
            data: Object = found.to_dict()
            return data


def _ref_of(body: Mapping[str, Any]) -> ObjectRef:
    metadata = body["metadata"]
    return ObjectRef(
        api_version=body["apiVersion"],
        kind=body["kind"],
        name=metadata["name"],
        namespace=metadata.get("namespace", ""),
    )


def refused(what: str, verb: str, error: Exception) -> CouldNotTell:
    """The API server's own sentence, where it gave one; a Conflict for a 409."""
    said, status = message(error), _status(error)
    if not said:
        return could_not_ask(f"the Kubernetes API about {what}", error)
    kind = Conflict if status == 409 else CouldNotTell
    return kind(f"{verb} of {what} refused with HTTP {status or '?'}: {said}")


def message(error: BaseException | None) -> str:
    """The API server's own sentence."""
    return str(_body(error).get("message", ""))


def _body(error: BaseException | None) -> dict[str, Any]:
    """The Status object that came with an error; empty for any other answer."""
    body = getattr(error, "body", None)
    try:
        found = json.loads(body) if body else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def says_absent(error: BaseException | None) -> bool:
    """Whether the API server itself says that there is none: a proxy's 404 says nothing."""
    return says(error, 404, "NotFound")


def says(error: BaseException | None, status: int, reason: str) -> bool:
    """Whether it is the API server's own answer, of this status and for this reason."""
    return _status(error) == status and _body(error).get("reason") == reason


def _status(error: BaseException | None) -> int | None:
    status = getattr(error, "status", None)
    return status if isinstance(status, int) else None
