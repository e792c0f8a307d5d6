"""A drill under way, everybody who could have to do with it, and what RBAC says to each."""

from dataclasses import dataclass
from typing import Any

import yaml
from kubernetes import client

from drillbook.cluster import kubeconfig
from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import SYSTEM_NAMESPACE
from drillbook.cluster.settings import Settings
from tests.on_cluster.snapshot import administrator


@dataclass(frozen=True)
class World:
    """A drill under way, and everybody who could have to do with it."""

    namespace: str
    by_name: dict[str, Connections]

    def __getitem__(self, name: str) -> Connections:
        return self.by_name[name]


def as_account(
    loaded: Settings, account: str, path: Any, namespace: str = SYSTEM_NAMESPACE
) -> Connections:
    """With a token that only the administrator can ask for."""
    review = client.AuthenticationV1TokenRequest(
        spec=client.V1TokenRequestSpec(audiences=[], expiration_seconds=3600)
    )
    answer = administrator().clients.core.create_namespaced_service_account_token(
        account, namespace, review
    )
    document = kubeconfig.with_token(loaded, account, answer.status.token)
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(document))
    return Connections(loaded.model_copy(update={"kubeconfig": path}), {})


def may(clients: Connections, verb: str, what: str, namespace: str) -> bool:
    """SelfSubjectAccessReview."""
    kind, _, name = what.partition(":")
    group, resource, *sub = kind.split("/")
    attributes = client.V1ResourceAttributes(
        group=group,
        resource=resource,
        subresource=sub[0] if sub else None,
        name=name or None,
        namespace=namespace or None,
        verb=verb,
    )
    spec = client.V1SelfSubjectAccessReviewSpec(resource_attributes=attributes)
    api = client.AuthorizationV1Api(clients.core.api_client)
    review = client.V1SelfSubjectAccessReview(spec=spec)
    return bool(api.create_self_subject_access_review(review).status.allowed)
