"""A Kubernetes API server in memory: real requests, real conflicts, refusals that are asked for.

A service account's token is its name, so `asked` says who did what. A pod that has an owner is
recreated when it is deleted; what is in a namespace, or owned by what goes, goes with it.
"""

import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.bad_input.servers import handling

Object = dict[str, Any]
KINDS = {
    "v1": "Namespace Node PersistentVolume Pod ConfigMap Secret ResourceQuota",
    "apps/v1": "Deployment",
    "coordination.k8s.io/v1": "Lease",
    "drillbook.dev/v1": "Drill UndoRecord",
    "rbac.authorization.k8s.io/v1": "Role RoleBinding",
    "authorization.k8s.io/v1": "SelfSubjectAccessReview",
}
IN_NO_NAMESPACE = {"Namespace", "Node", "PersistentVolume", "Drill", "SelfSubjectAccessReview"}
PATH = re.compile(r"/apis?/(?:[a-z0-9.]+/)?v1(?:/namespaces/([^/]+)(?=/))?/([a-z]+)(?:/([^/]+))?")


class No(Exception):
    """Status, message, reason."""


@dataclass
class FakeApi:
    """What is stored, by plural, namespace and name; and what was asked."""

    stored: dict[tuple[str, str, str], Object] = field(default_factory=dict)
    refusals: list[tuple[str, int, str]] = field(default_factory=list)
    """(pattern of "WHO METHOD plural/name", status, message)."""
    asked: list[str] = field(default_factory=list)
    versions: Iterator[int] = field(default_factory=lambda: itertools.count(100))
    lock: threading.RLock = field(default_factory=threading.RLock)

    def put(self, kind: str, name: str, namespace: str = "", **fields: Any) -> Object:
        """What somebody else made, or wrote since."""
        version = next(one for one, kinds in KINDS.items() if kind in kinds.split())
        metadata = {**fields.pop("metadata", {}), "name": name}
        body = {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}
        return self._keep(plural(kind), namespace, body, self.get(kind, name, namespace))

    def get(self, kind: str, name: str, namespace: str = "") -> Object | None:
        return self.stored.get((plural(kind), namespace, name))

    def all(self, kind: str) -> list[Object]:
        return [one for key, one in self.stored.items() if key[0] == plural(kind)]

    def answer(self, who: str, method: str, url: str, body: Object) -> Object:
        """Raises No."""
        address = urlsplit(url)
        found = PATH.fullmatch(address.path)
        if found is None:
            return discovery(address.path)
        space, many, name = (part or "" for part in found.groups())
        metadata = body.get("metadata") or {}
        request = f"{who} {method} {many}/{name or metadata.get('name', '')}"
        with self.lock:
            self.asked.append(request)
            for pattern, status, message in self.refusals:
                if re.fullmatch(pattern, request):
                    raise No(status, message, "")
            live = self.stored.get((many, space, name or metadata.get("name", "")))
            if method == "GET" and not name:
                items = self._listed(many, space, parse_qs(address.query))
                return {"kind": "List", "items": items}
            if many == "selfsubjectaccessreviews":
                return {**body, "status": {"allowed": True}}
            if method == "POST" and live is not None:
                raise No(409, "already exists", "AlreadyExists")
            if method == "POST" or "fieldManager" in address.query:
                return self._keep(many, space, body, live)
            if live is None:
                raise No(404, f'{many} "{name}" not found', "NotFound")
            condition = body.get("preconditions", {}) if method == "DELETE" else metadata
            if any(condition.get(k, v) != v for k, v in live["metadata"].items() if k in FIXED):
                raise No(409, "the object has been modified", "Conflict")
            if method == "DELETE":
                self._delete(many, space, live)
            if method in ("GET", "DELETE"):
                return live
            return self._keep(many, space, merged(live, body) if method == "PATCH" else body, live)

    def _listed(self, many: str, space: str, query: dict[str, list[str]]) -> list[Object]:
        key, equal, value = query.get("labelSelector", [""])[0].partition("=")
        found = [o for (p, s, _), o in self.stored.items() if p == many and space in ("", s)]
        labels = [one["metadata"].get("labels") or {} for one in found]
        wanted = [not key or (own.get(key) == value if equal else key in own) for own in labels]
        return list(itertools.compress(found, wanted))

    def _keep(self, many: str, space: str, body: Object, live: Object | None) -> Object:
        made = {"uid": f"u{next(self.versions)}", "generation": 1, "creationTimestamp": now()}
        old = live["metadata"] if live else made
        metadata = {**body["metadata"], **{key: old[key] for key in made}}
        metadata["generation"] += live is not None and live.get("spec") != body.get("spec")
        metadata["resourceVersion"] = str(next(self.versions))
        metadata |= {"namespace": space} if space else {}
        self.stored[many, space, metadata["name"]] = kept = {**body, "metadata": metadata}
        return kept

    def _delete(self, many: str, space: str, live: Object) -> None:
        name, uid = (live["metadata"][key] for key in ("name", "uid"))
        for key, one in list(self.stored.items()):
            owned = any(o.get("uid") == uid for o in one["metadata"].get("ownerReferences") or [])
            inside = many == "namespaces" and key[1] == name
            if owned or inside or key == (many, space, name):
                del self.stored[key]
        if many == "pods" and live["metadata"].get("ownerReferences"):
            self._keep(many, space, live, None)


FIXED = ("uid", "resourceVersion")
BEGAN = {"containerStatuses": [{"state": {"running": {}}}]}
"""The status of a pod that runs."""


def plural(kind: str) -> str:
    return f"{kind.lower()}s"


def now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def discovery(path: str) -> Object:
    """What the server says of itself and its kinds."""
    version = path.removeprefix("/apis/").removeprefix("/api/")
    if version in KINDS:
        kinds = [(plural(one), one, one not in IN_NO_NAMESPACE) for one in KINDS[version].split()]
        named = [{"name": many, "kind": one, "namespaced": is_in} for many, one, is_in in kinds]
        verbs = ["get", "list", "create", "patch", "update", "delete"]
        return {"kind": "APIResourceList", "resources": [{**one, "verbs": verbs} for one in named]}
    served = [(one[:-3], {"groupVersion": one, "version": "v1"}) for one in KINDS if "/" in one]
    groups = [{"name": name, "preferredVersion": v, "versions": [v]} for name, v in served]
    return {"kind": "Discovery", "gitVersion": "v1.34.0", "versions": ["v1"], "groups": groups}


def merged(live: Any, patch: Any) -> Any:
    """A JSON merge patch."""
    if not isinstance(patch, Mapping):
        return patch
    old = live if isinstance(live, Mapping) else {}
    new = {key: merged(old.get(key), value) for key, value in patch.items()}
    return {key: value for key, value in {**old, **new}.items() if value is not None}


@contextmanager
def serving() -> Iterator[tuple[FakeApi, str]]:
    """The server and its URL."""
    api = FakeApi()

    def answer(*asked: Any) -> tuple[int, Object]:
        try:
            return 200, api.answer(*asked)
        except No as no:
            return no.args[0], {"message": no.args[1], "reason": no.args[2]}

    with answering(answer) as url:
        yield api, url


@contextmanager
def answering(answer: Callable[[str, str, str, Any], tuple[int, Any]]) -> Iterator[str]:
    """The URL of a server that answers by who asks, the method, the path and the body."""

    def handle(request: BaseHTTPRequestHandler) -> None:
        text = request.rfile.read(int(request.headers.get("Content-Length") or 0)) or b"{}"
        who = request.headers.get("Authorization", "").removeprefix("Bearer ")
        status, body = answer(who, request.command, request.path, json.loads(text))
        data = json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    with handling(handle) as url:
        yield url
