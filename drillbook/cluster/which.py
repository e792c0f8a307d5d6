"""Which cluster this is, and what these credentials may do in it."""

from dataclasses import dataclass

from kubernetes import client

from drillbook.cluster.clients import Connections, asking
from drillbook.model.errors import CouldNotTell


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A cluster by what cannot be renamed: the UID of its `kube-system` namespace."""

    uid: str
    version: str


def identity(clients: Connections) -> Identity:
    """Raises CouldNotTell when the API does not answer, UsageError without a kubeconfig."""
    timeout = clients.request_timeout
    with asking("the Kubernetes API"):
        system = clients.core.read_namespace("kube-system", _request_timeout=timeout)
        version = client.VersionApi(clients.core.api_client).get_code(_request_timeout=timeout)
        found = Identity(uid=system.metadata.uid, version=version.git_version)
    if not (found.uid and found.version):
        raise CouldNotTell("the Kubernetes API does not say which cluster it is, or its version.")
    return found


def namespace_label(clients: Connections, namespace: str, label: str) -> str | None:
    """A namespace's label; None when either is not there. Raises CouldNotTell."""
    try:
        with asking(f"the Kubernetes API about namespace {namespace}"):
            found = clients.core.read_namespace(namespace, _request_timeout=clients.request_timeout)
            labels: dict[str, str] = found.metadata.labels or {}
            return labels.get(label)
    except CouldNotTell as error:
        if status_of(error) == 404:
            return None
        raise


def is_admin(clients: Connections) -> bool:
    """Whether these credentials may do everything to everything, as cluster-admin's may."""
    attributes = {"verb": "*", "group": "*", "version": "*", "resource": "*"}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    with asking("the Kubernetes API about these credentials' rights"):
        answer = client.AuthorizationV1Api(
            clients.core.api_client
        ).create_self_subject_access_review(review, _request_timeout=clients.request_timeout)
        # The client raises when the answer has no such field: no answer is not a no.
        return bool(answer.status.allowed)


def status_of(error: BaseException) -> int | None:
    """The HTTP status behind a CouldNotTell; None when there was no answer."""
    status = getattr(error.__cause__, "status", None)
    return status if isinstance(status, int) else None
