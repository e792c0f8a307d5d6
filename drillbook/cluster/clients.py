"""The connections that sources and faults use, each opened (and its library imported, which takes
half a second) on first use, each with a deadline."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from drillbook.cluster import scratch
from drillbook.cluster.forwards import Forwards
from drillbook.cluster.kubeconfig import context_name
from drillbook.cluster.settings import Settings
from drillbook.model import Absent, Credential, Endpoint, Word, resolve
from drillbook.model.errors import CouldNotTell, UsageError, beginning

if TYPE_CHECKING:
    import requests
    from kubernetes import client
    from kubernetes.dynamic import DynamicClient

    from drillbook.cluster.identities import Identity

__all__ = ["Connections", "asking", "context_name", "could_not_ask", "kube_errors"]

PASSED_ON = frozenset(
    {
        *("HOME", "LANG", "PATH", "TERM", "TMPDIR", "TZ"),
        # Whom to trust, where a company signs its own certificates; and where our modules are, for
        # a Python that did not install them.
        *("SSL_CERT_DIR", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PYTHONPATH", "VIRTUAL_ENV"),
        # Which embedded cluster is meant, for a line that runs `drillbook` itself.
        "DRILLBOOK_STATE",
    }
)
"""Of this process's environment, beside LC_*."""
_OTHER_SHAPE = (
    *(LookupError, TypeError, ValueError, AttributeError, OverflowError),
    yaml.YAMLError,
)


@cache
def kube_errors() -> tuple[type[Exception], ...]:
    """What a request to the Kubernetes API raises; asked for in an `except`."""
    import urllib3
    from kubernetes.client.exceptions import ApiException
    from kubernetes.dynamic.exceptions import DynamicApiError, ResourceNotFoundError

    return ApiException, DynamicApiError, ResourceNotFoundError, urllib3.exceptions.HTTPError


@dataclass
class Moment:
    """What all identities of one drill know."""

    since: datetime | None = None
    skew: timedelta = timedelta()
    """The servers' clock minus the runner's."""


class Connections:
    """A drill's connections and its variables. Safe to share between threads."""

    def __init__(
        self,
        settings: Settings,
        values: Mapping[str, str],
        become: Callable[[Identity], Settings] | None = None,
    ) -> None:
        """`become` gives the settings of another identity: `Identities.settings_for`."""
        self.settings = settings
        self.values = dict(values)
        self._become = become
        self._others: dict[Identity, Connections] = {}
        self._moment = Moment()
        self._forwards = Forwards()
        self._lock = threading.RLock()

    @property
    def since(self) -> datetime | None:
        """The drill's last change (UTC): what the servers date before it does not count."""
        return self._moment.since

    @since.setter
    def since(self, at: datetime | None) -> None:
        self._moment.since = at

    @property
    def server_since(self) -> datetime | None:
        """The last change by the servers' clock."""
        return None if self.since is None else self.since + self._moment.skew

    def set_skew(self, skew: timedelta) -> None:
        self._moment.skew = skew

    def acting_as(self, identity: Identity) -> Connections:
        """The same connections as that identity. Raises Refused, CouldNotTell."""
        if self._become is None:
            return self
        with self._lock:
            settings = self._become(identity)
            other = self._others.get(identity)
            # Other settings hold another token: the one before it is about to end.
            if other is None or other.settings is not settings:
                other = Connections(settings, {})
                other.values, other._moment = self.values, self._moment
                other._forwards = self._forwards
                self._others[identity] = other
            return other

    def resolve(self, word: Word) -> str:
        return resolve(word, self.values)

    def reach(self, endpoint: Endpoint, *, again: bool = False) -> str | Absent:
        """The local address of a component's port, in `endpoint.var` too; opened as the inspector.
        Raises CouldNotTell."""
        from drillbook.cluster.identities import Identity

        line = endpoint.forward()
        words = [self.resolve(word) for word in line.words]
        environment = self.acting_as(Identity.INSPECTOR).environment()
        found = self._forwards.address(endpoint.var.name, words, environment, again)
        if isinstance(found, str):
            self.values[endpoint.var.name] = found
        return found

    def learn(self, credential: Credential) -> None:
        """Read a credential into its variable, as the inspector. Raises CouldNotTell."""
        from drillbook.cluster.identities import Identity

        with asking(f"the Secret of {credential.var.name}"):
            found = self.acting_as(Identity.INSPECTOR).core.read_namespaced_secret(
                self.resolve(credential.secret),
                self.values["NAMESPACE"],
                _request_timeout=self.request_timeout,
            )
            self.values[credential.var.name] = b64decode(found.data[credential.key]).decode()

    def close(self) -> None:
        """End what was opened for this drill."""
        self._forwards.close()

    @cached_property
    def core(self) -> client.CoreV1Api:
        from kubernetes import client

        return client.CoreV1Api(self._api_client)

    @cached_property
    def _api_client(self) -> client.ApiClient:
        from drillbook.cluster.kubernetes_client import api_client

        return api_client(self.settings)

    @cached_property
    def _dynamic(self) -> DynamicClient:
        from kubernetes.dynamic import DynamicClient

        # Without a file of its own the client leaves its discovery cache in the temporary folder,
        # where it outlives the cluster it describes.
        folder = Path(tempfile.mkdtemp(prefix="discovery-", dir=scratch.folder()))
        return DynamicClient(self._api_client, cache_file=str(folder / "discovery.json"))

    def resource(self, api_version: str, kind: str) -> Any:
        """The dynamic client's handle on one kind. Raises CouldNotTell when it is not served."""
        with self._lock, asking("the Kubernetes API"):
            return self._dynamic.resources.get(api_version=api_version, kind=kind)

    def kind_of(self, plural: str) -> Any:
        """The handle on a kind by the name that kubectl takes, such as `pods`."""
        with self._lock, asking("the Kubernetes API"):
            found = self._dynamic.resources.search(name=plural)
        if not found:
            raise CouldNotTell(f"the Kubernetes API serves no kind named {plural!r}.")
        return min(found, key=_strangeness)

    @property
    def request_timeout(self) -> float:
        return self.settings.request_timeout_s

    def get_json(self, base: str, path: str, parameters: list[tuple[str, str]]) -> Any:
        """One GET. Raises CouldNotTell for no answer, a bad status, or a body that is no JSON."""
        import requests

        url = f"{base}{path}"
        try:
            answer = http_get(url, self.request_timeout, parameters)
            answer.raise_for_status()
            return answer.json()
        except (requests.RequestException, ValueError) as error:
            raise could_not_ask(url, error) from error

    def prometheus(self, path: str, parameters: list[tuple[str, str]]) -> Any:
        """The `data` of one answer of Prometheus' API."""
        base = self._endpoint("PROMETHEUS")
        answer = self.get_json(base, path, parameters)
        usable = isinstance(answer, dict) and answer.get("status") == "success"
        if not usable or "data" not in answer:
            raise CouldNotTell(
                f"{base}{path}: not an answer of Prometheus: {beginning(str(answer))}"
            )
        return answer["data"]

    def alertmanager(self, path: str, parameters: list[tuple[str, str]]) -> Any:
        return self.get_json(self._endpoint("ALERTMANAGER"), path, parameters)

    def _endpoint(self, variable: str) -> str:
        """The base URL that a variable holds. Raises UsageError when its setting is empty."""
        base = self.values.get(variable)
        if not base:
            raise UsageError(
                f"no {variable.lower()}_url is set: a cluster of your own brings its own "
                f"monitoring. Set `{variable.lower()}_url` in drillbook.toml."
            )
        return base

    def environment(self) -> dict[str, str]:
        """The environment of a command line: of this process's what a tool needs to run at all, and
        the drill's variables on top. Not its secrets (a pipeline holds many), nor its proxies, by
        which a tool would reach another server than the one that the guards have seen."""
        # Tools need the engine's libraries: `python3` is the interpreter that runs the drill.
        inherited = os.environ.get("PATH", os.defpath)
        folders = (self.settings.tool_path, str(Path(sys.executable).parent), inherited)
        path = os.pathsep.join(filter(None, folders))
        kubeconfig = {"KUBECONFIG": str(self.settings.kubeconfig)}
        own = {name: value for name, value in os.environ.items() if _is_passed_on(name)}
        return {**own, **self.values, **kubeconfig, "PATH": path}


def _is_passed_on(name: str) -> bool:
    return name in PASSED_ON or name.startswith("LC_")


def _strangeness(resource: Any) -> tuple[bool, bool, bool]:
    """Of kinds with one plural kubectl takes the first: `pods` are not the PodMetrics."""
    return (resource.kind.endswith("Metrics"), bool(resource.group), not resource.preferred)


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Around every read: no answer, and an answer of another shape, are both CouldNotTell."""
    try:
        yield
    except kube_errors() as error:
        raise could_not_ask(what, error) from error
    except _OTHER_SHAPE as error:
        raise CouldNotTell(
            f"not the expected answer from {what}: {type(error).__name__}: {beginning(str(error))}"
        ) from error


def could_not_ask(what: str, error: Exception) -> CouldNotTell:
    """The same words for every server that gave no usable answer."""
    status = getattr(error, "status", None)
    told = f"HTTP {status} {getattr(error, 'reason', '')}"
    reason = told if isinstance(status, int) else _innermost(error)
    return CouldNotTell(f"no usable answer from {what}: {reason}")


def _innermost(error: BaseException) -> str:
    """The client libraries wrap a refused connection four times; only its core helps anybody."""
    while True:
        inner = getattr(error, "reason", None) or (error.args[0] if error.args else None)
        if not isinstance(inner, BaseException):
            break
        error = inner
    text = str(error).rpartition("Failed to establish a new connection: ")[2] or repr(error)
    return beginning(text.rstrip("."), 300)


def http_get(
    url: str, timeout_s: float, parameters: Sequence[tuple[str, str]] = ()
) -> requests.Response:
    """One GET of exactly this server: no proxy, no redirection, no login of a `.netrc`."""
    import requests

    with requests.Session() as session:
        session.trust_env = False
        authority = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        direct: Any = {"allow_redirects": False, "verify": authority or True}
        return session.get(url, params=list(parameters), timeout=timeout_s, **direct)
