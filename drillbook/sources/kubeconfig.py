"""The kubeconfig as data: which context a drill uses, and that opening it runs nothing.

A kubeconfig can name programs (`exec`, `auth-provider`) that client libraries start in order to log
in: they would run before any guard has seen which cluster it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from drillbook import yamlfile
from drillbook.errors import UsageError
from drillbook.settings import Settings

_PROGRAMS = ("exec", "auth-provider")


def path_of(settings: Settings) -> Path:
    """The kubeconfig's path. Raises UsageError when none is set, or nothing is there."""
    path = settings.kubeconfig
    if path is None:
        raise UsageError(
            "no kubeconfig: no cluster was named and the embedded one is not up. "
            "Run `drillbook staging up`, or set `kubeconfig` in drillbook.toml."
        )
    if not path.is_file() or path.stat().st_size == 0:
        raise UsageError(
            f"{path}: the kubeconfig is missing or empty. "
            "Run `drillbook staging up`, or correct `kubeconfig` in drillbook.toml."
        )
    return path


def context_name(settings: Settings) -> str:
    """The context that is set, or else the kubeconfig's current one; never empty.

    Raises UsageError when there is none, when the kubeconfig does not know it, or when its user
    logs in by a program.
    """
    return str(_opened(settings).context["name"])


def server_of(settings: Settings) -> str:
    """The API server's URL. Raises UsageError, as `context_name` does."""
    return str(_opened(settings).cluster["server"])


def host_of(server: str) -> str:
    """A server's `host:port`, of its URL or of an entry that names no scheme: 443 when it names no
    port. Raises ValueError for what is no address."""
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
    return cluster


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
            f"{path}: not a usable kubeconfig: {str(value)[:60]!r} stands where a mapping should."
        )
    return value
