"""Connections as somebody: the runner itself, or the observer that becomes others for a change."""

from drillbook.cluster.clients import Connections, context_name
from drillbook.cluster.identities import Identities, Identity
from drillbook.cluster.settings import Settings


def runner(settings: Settings) -> Connections:
    """The runner's own connections: enough to ask which cluster this is, and no more."""
    return Connections(settings, {})


def connections(settings: Settings) -> Connections:
    """Fresh connections as the observer, with the variables that every drill has."""
    identities = Identities(settings)
    values = {"CONTEXT": context_name(settings), "PROMETHEUS": settings.prometheus_url or ""}
    values["ALERTMANAGER"] = settings.alertmanager_url or ""
    become = identities.settings_for
    return Connections(become(Identity.OBSERVER), values, become=become)
