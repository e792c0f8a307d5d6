"""Connections of a process that runs in the cluster, as the service account of its pod."""

from __future__ import annotations

from functools import cached_property

import urllib3
from kubernetes import client, config, watch
from kubernetes.config.config_exception import ConfigException

from drillbook.cluster.clients import (
    Connections,
    asking,
    could_not_ask,
    kube_errors,
)
from drillbook.cluster.kubernetes_client import Bounded, without_retries
from drillbook.model.errors import UsageError


class InCluster(Connections):
    """The kubelet renews the pod's token; the client library reads it anew."""

    @cached_property
    def _api_client(self) -> client.ApiClient:
        configuration = without_retries()
        try:
            config.load_incluster_config(client_configuration=configuration)
        except ConfigException as error:
            raise UsageError(f"not in a cluster: {error}. It runs as a pod only.") from error
        return Bounded(configuration, self.request_timeout)


def version_of(clients: Connections, api_version: str, kind: str, namespace: str) -> str:
    """The resource version of a list of such objects, to wait for changes from. Raises
    CouldNotTell."""
    resource = clients.resource(api_version, kind)
    with asking(f"the Kubernetes API about {kind}s"):
        found = resource.get(namespace=namespace, limit=1, _request_timeout=clients.request_timeout)
        return str(found.metadata.resourceVersion)


def await_change(
    clients: Connections, api_version: str, kind: str, namespace: str, version: str, within_s: float
) -> None:
    """Return at the first change of such an object since that version, or after that many
    seconds. Raises CouldNotTell."""
    resource = clients.resource(api_version, kind)
    try:
        stream = watch.Watch().stream(
            resource.get,
            namespace=namespace,
            resource_version=version,
            timeout_seconds=max(1, round(within_s)),
            serialize=False,
            # A connection that died in silence must not hold the reaper up.
            _request_timeout=(clients.request_timeout, within_s + 1),
        )
        next(iter(stream), None)
    except (urllib3.exceptions.ReadTimeoutError, TimeoutError):
        return  # nothing changed
    except kube_errors() as error:
        raise could_not_ask(f"the Kubernetes API for changes of {kind}s", error) from error
