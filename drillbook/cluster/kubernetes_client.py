"""The Kubernetes client, with a deadline on every request and no retries of its own."""

from __future__ import annotations

from typing import Any

import urllib3
import yaml
from kubernetes import client, config
from kubernetes.config.config_exception import ConfigException

from drillbook.cluster import scratch
from drillbook.cluster.kubeconfig import context_name, path_of
from drillbook.cluster.settings import Settings
from drillbook.model.errors import UsageError


def without_retries() -> client.Configuration:
    """One request is one request: urllib3 would sleep for as long as a server's Retry-After says,
    past every deadline, and repeat a write that may have been made. And no proxy of the environment
    stands between: a drill's commands have none either."""
    configuration = client.Configuration()
    configuration.proxy = configuration.no_proxy = None
    configuration.retries = urllib3.Retry(total=0, respect_retry_after_header=False)
    return configuration


class Bounded(client.ApiClient):  # type: ignore[misc]
    """Every request has a deadline, those of discovery too, which take none."""

    def __init__(self, configuration: client.Configuration, timeout_s: float) -> None:
        super().__init__(configuration)
        self._timeout_s = timeout_s

    def request(self, *words: Any, _request_timeout: Any = None, **named: Any) -> Any:
        timeout = self._timeout_s if _request_timeout is None else _request_timeout
        return super().request(*words, _request_timeout=timeout, **named)


def api_client(settings: Settings) -> client.ApiClient:
    path, context = path_of(settings), context_name(settings)
    try:
        configuration = without_retries()
        config.load_kube_config(
            str(path),
            context=context,
            client_configuration=configuration,
            # A kubeconfig's certificates and keys become files, which a killed process leaves.
            temp_file_path=str(scratch.folder()),
        )
        return Bounded(configuration, settings.request_timeout_s)
    except (ConfigException, yaml.YAMLError, TypeError, LookupError, ValueError, OSError) as error:
        raise UsageError(f"{path}: not a usable kubeconfig: {error}.") from error
