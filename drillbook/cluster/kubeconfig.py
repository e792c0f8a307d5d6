"""The kubeconfig as data: which context a drill uses, and that opening it runs nothing. A
kubeconfig can name programs (`exec`, `auth-provider`) that client libraries start in order to log
in: they would run before any guard has seen which cluster it is."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from drillbook.cluster.settings import Settings
from drillbook.model import yamlfile
from drillbook.model.errors import UsageError, beginning

_PROGRAMS = ("exec", "auth-provider")
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


def path_of(settings: Settings) -> Path:
    """The kubeconfig's path. Raises UsageError when none is set, or nothing is there."""
    path = settings.kubeconfig
    if path is None:
        raise UsageError(f"no kubeconfig: {none_is_set()}")
    if os.pathsep in str(path) and not path.exists():
        raise UsageError(
            f"{path}: these are several files, and a drill takes one, so that it is known which "
            "cluster it meets. Put what is needed into one: "
            f"`KUBECONFIG={path} kubectl config view --flatten --minify > one-file`."
        )
    if not path.is_file() or path.stat().st_size == 0:
        raise UsageError(
            f"{path}: the kubeconfig is missing or empty. Run `drillbook staging up` for the "
            "embedded cluster, or correct where it is set: --kubeconfig, DRILLBOOK_KUBECONFIG or "
            "`kubeconfig` in drillbook.toml."
        )
    return path


def none_is_set() -> str:
    """What to do where no kubeconfig is set."""
    kubectl_s = " (kubectl's KUBECONFIG is not taken)" if "KUBECONFIG" in os.environ else ""
    return (
        "no cluster was named and the embedded one is not up. Run `drillbook staging up`, or name "
        f"a file: --kubeconfig, DRILLBOOK_KUBECONFIG or `kubeconfig` in drillbook.toml{kubectl_s}."
    )


def context_name(settings: Settings) -> str:
    """The context that is set, or else the kubeconfig's current one; never empty. Raises UsageError
    when there is none, when the kubeconfig does not know it, when its user logs in by a program, or
    when others could read or answer what is said to its server."""
    return str(_opened(settings).context["name"])


def server_of(settings: Settings) -> str:
    """The API server's URL. Raises UsageError, as `context_name` does."""
    return str(_opened(settings).cluster["server"])


def host_of(server: str) -> str:
    """`host:port` (443) of a URL or an entry without a scheme. Raises ValueError."""
    parts = urlsplit(server if "//" in server else f"//{server}")
    if not parts.hostname:
        raise ValueError(f"{server!r} names no host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{host}:{parts.port or (80 if parts.scheme == 'http' else 443)}"


def with_token(settings: Settings, user: str, token: str) -> dict[str, Any]:
    """A kubeconfig for the same context and the same cluster, with another user's token."""
    opened = _opened(settings)
    name = opened.context["name"]
    cluster = dict(opened.cluster)
    if authority := cluster.get("certificate-authority"):
        # A relative path means one from the kubeconfig's own folder; the new one lies elsewhere.
        cluster["certificate-authority"] = str(path_of(settings).absolute().parent / authority)
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
    }


@dataclass(frozen=True)
class _Opened:
    """The context that is used, and the cluster that it names."""

    context: Mapping[str, Any]
    cluster: Mapping[str, Any]


def _opened(settings: Settings) -> _Opened:
    path = path_of(settings)
    document = _mapping(path, yamlfile.read(path))
    contexts = _named(path, document, "contexts")
    name = settings.context or document.get("current-context")
    if not name or name not in contexts:
        asked = f"no context named {name!r}" if name else "no current context, and none is set"
        raise UsageError(
            f"{path}: {asked}. The kubeconfig's contexts: {', '.join(contexts) or 'none'}. "
            "Set `context` in drillbook.toml, or give --context."
        )
    context = contexts[name]
    _refuse_programs(path, _named(path, document, "users"), context)
    return _Opened(context, _cluster(path, document, context))


def _cluster(path: Path, document: Mapping[str, Any], context: Any) -> Mapping[str, Any]:
    name = _mapping(path, context.get("context") or {}).get("cluster")
    entry = _named(path, document, "clusters").get(str(name)) or {}
    cluster = _mapping(path, entry.get("cluster") or {})
    if not cluster.get("server"):
        raise UsageError(
            f"{path}: not a usable kubeconfig: its cluster {name!r} names no server. Make it anew."
        )
    _refuse_overheard(path, name, cluster)
    return cluster


def _refuse_overheard(path: Path, name: Any, cluster: Mapping[str, Any]) -> None:
    """A server that is not known by its certificate could be any cluster, and gets our tokens."""
    if not _is_private(str(cluster["server"])):
        raise UsageError(
            f"{path}: the server of the cluster {name!r} is {cluster['server']}, which is not "
            "https: whoever listens would have the credentials (only this machine itself, "
            "127.0.0.1, may be asked over http). Write the server's https address."
        )
    if cluster.get("insecure-skip-tls-verify"):
        raise UsageError(
            f"{path}: the cluster {name!r} is marked `insecure-skip-tls-verify`: anybody could "
            "answer in its place. Remove that, and give its `certificate-authority-data`."
        )
    if cluster.get("proxy-url"):
        raise UsageError(
            f"{path}: the cluster {name!r} is reached by a `proxy-url`, and which cluster lies "
            "behind a proxy no list of API servers can say. Remove it, and write the server's own "
            "address."
        )


def _is_private(server: str) -> bool:
    try:
        parts = urlsplit(server)
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _THIS_MACHINE)


def _refuse_programs(path: Path, users: Mapping[str, Any], context: Any) -> None:
    user = _mapping(path, context.get("context") or {}).get("user")
    login = _mapping(path, (users.get(str(user)) or {}).get("user") or {})
    for program in _PROGRAMS:
        if program in login:
            raise UsageError(
                f"{path}: the kubeconfig's user {user!r} logs in by `{program}`: a program that "
                "would run before the guards have seen the cluster, so drills take none. Make a "
                "kubeconfig that holds a token (`kubectl create token`) or a client certificate."
            )


def _named(path: Path, document: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The entries of one of the kubeconfig's lists, by name."""
    entries = document.get(key) or []
    if not isinstance(entries, list):
        raise UsageError(f"{path}: not a usable kubeconfig: {key} is no list.")
    found = [_mapping(path, entry) for entry in entries]
    names = [str(entry.get("name")) for entry in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"{path}: not a usable kubeconfig: {key} holds {twice[0]!r} twice.")
    return dict(zip(names, found, strict=True))


def _mapping(path: Path, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UsageError(
            f"{path}: not a usable kubeconfig: {beginning(str(value), 60)!r} stands where a "
            "mapping should."
        )
    return value
