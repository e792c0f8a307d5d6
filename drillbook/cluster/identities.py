"""Whose credentials a drill works with: one service account for each kind of work. The runner's
kubeconfig may do one thing: ask for a token of one of the others. Each token ends by itself soon
after the drill does, and lies in a private file that ends with this process."""

import os
import tempfile
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from functools import cached_property
from pathlib import Path

import yaml

from drillbook.cluster import kubeconfig, scratch
from drillbook.cluster.clients import Connections, asking
from drillbook.cluster.settings import Settings
from drillbook.model.errors import CouldNotTell, Refused

SYSTEM_NAMESPACE = "drillbook-system"
"""Where the identities, the drills' leases and their undo records live."""
INSTALL = (
    "Install the identities with `kubectl apply -k` of your overlay of staging/platform/drillbook "
    "(docs/own-cluster.md), and set `kubeconfig` to one that holds a token of the service account "
    "`runner` (`kubectl -n drillbook-system create token runner`). On the embedded cluster "
    "`drillbook staging up` does both."
)
LEAST_S = 600.0
"""The API server gives no token for less."""
MOST_S = 10800.0
"""The admission policy lets nobody have one for more."""


class Identity(StrEnum):
    """A service account of the system namespace, by its name; the Permissions table's rows."""

    PROVISIONER = "provisioner"
    OBSERVER = "observer"
    INJECTOR = "injector"
    NODE_INJECTOR = "node-injector"
    INSPECTOR = "inspector"
    RESPONDER = "responder"


class Identities:
    """The runner's way to become each of them. Safe to share between threads."""

    def __init__(self, settings: Settings, now: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._now = now
        self._lock = threading.RLock()
        self._minted: dict[Identity, tuple[Settings, float]] = {}
        """And until when (of `now`) they last for one more drill."""
        self._given = False
        """One of them is there: then a missing one is a mistake, and no matter of the override."""

    def settings_for(self, identity: Identity) -> Settings:
        """The same settings with that identity's kubeconfig. Its token lasts for a whole drill (an
        hour and a half at most) from this call on. Raises Refused when the runner may not have it,
        CouldNotTell."""
        with self._lock:
            known = self._minted.get(identity)
            if known is None or self._now() >= known[1]:
                known = self._mint(identity), self._now() + self._lifetime_s / 2
                self._minted[identity] = known
            return known[0]

    @property
    def _drill_s(self) -> float:
        """Seconds that one drill takes at most, its undo included."""
        parts = (self._settings.duration(part).seconds for part in ("max_drill", "undo_within"))
        return sum(parts) + LEAST_S

    @property
    def _lifetime_s(self) -> float:
        """Twice the time of a drill: one that begins at half of it is served too."""
        return min(2 * self._drill_s, MOST_S)

    def _mint(self, identity: Identity) -> Settings:
        try:
            token = self._token(identity)
        except CouldNotTell as error:
            status = getattr(error.__cause__, "status", None)
            if status == 404 and self._settings.allow_cluster_admin and not self._given:
                # The override's words: whoever is everything needs no identities.
                return self._settings
            if status not in (401, 403, 404):
                raise
            raise Refused(
                f"refused: {self._settings.kubeconfig} gets no token of the service account "
                f"{SYSTEM_NAMESPACE}/{identity} ({error}), and a drill does nothing as anybody "
                f"else. {INSTALL} Nothing was changed."
            ) from error
        self._given = True
        path = self._write(identity, kubeconfig.with_token(self._settings, str(identity), token))
        context = kubeconfig.context_name(self._settings)
        return self._settings.model_copy(update={"kubeconfig": path, "context": context})

    def _token(self, identity: Identity) -> str:
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": int(self._lifetime_s)},
        }
        with asking(f"the Kubernetes API for a token of {identity}"):
            create, within_s = self._runner.core, self._settings.request_timeout_s
            answer = create.create_namespaced_service_account_token(
                str(identity), SYSTEM_NAMESPACE, request, _request_timeout=within_s
            )
            token = answer.status.token
        if not token:
            raise CouldNotTell(f"the Kubernetes API answered without a token of {identity}.")
        return str(token)

    @cached_property
    def _runner(self) -> Connections:
        return Connections(self._settings, {})

    @cached_property
    def _folder(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="identities-", dir=scratch.folder()))

    def _write(self, identity: Identity, document: dict[str, object]) -> Path:
        path = self._folder / f"{identity}.kubeconfig"
        new = path.with_suffix(".new")
        # Never readable to others, not even for a moment.
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            yaml.safe_dump(document, file)
        new.replace(path)
        return path
