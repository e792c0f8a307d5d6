"""Whose credentials a drill works with: one service account for each kind of work."""

from __future__ import annotations

from enum import StrEnum

SYSTEM_NAMESPACE = "drillbook-system"
"""Where the identities, the drills' leases and their undo records live."""


class Identity(StrEnum):
    """A service account of the system namespace, by its name; the Permissions table's rows."""

    PROVISIONER = "provisioner"
    OBSERVER = "observer"
    INJECTOR = "injector"
    NODE_INJECTOR = "node-injector"
    RESPONDER = "responder"
