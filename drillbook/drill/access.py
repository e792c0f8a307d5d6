"""What the API server says about rights and kinds, asked as the identity whose they are."""

from __future__ import annotations

from typing import Any

from kubernetes.dynamic.exceptions import ResourceNotFoundError

from drillbook.cluster.clients import Connections
from drillbook.drill.needs import Right
from drillbook.model.errors import CouldNotTell

REVIEW = "authorization.k8s.io/v1"


def served(clients: Connections, api_version: str, kind: str) -> Any | None:
    """The handle on a kind; None when the server says that it serves none. Raises CouldNotTell."""
    try:
        return clients.resource(api_version, kind)
    except CouldNotTell as error:
        if isinstance(error.__cause__, ResourceNotFoundError):
            return None
        raise


def review(right: Right) -> dict[str, Any]:
    """The question whether whoever asks it has a right."""
    resource, _, sub = right.resource.partition("/")
    wanted = {
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        "subresource": sub,
        "namespace": right.namespace,
        "name": right.name,
    }
    return {
        "apiVersion": REVIEW,
        "kind": "SelfSubjectAccessReview",
        "metadata": {"name": ""},
        "spec": {"resourceAttributes": {key: value for key, value in wanted.items() if value}},
    }


def is_refusal(error: BaseException | None) -> bool:
    """Whether the server knew who asked, or not, and said no."""
    return getattr(error, "status", None) in (401, 403)
