"""Who undoes what: each record's inverse by that identity of a drill which may carry it out."""

from __future__ import annotations

from collections.abc import Callable

from drillbook.changes.host_agent import HostAgent
from drillbook.changes.undo.killpoints import writes
from drillbook.changes.undo.reaping import Reaping
from drillbook.changes.undo.record import UndoRecord, Verb
from drillbook.changes.undo.undoer import Undoer
from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import SYSTEM_NAMESPACE, Identity
from drillbook.cluster.objects import Objects
from drillbook.cluster.settings import Settings
from drillbook.model.clock import Clock


@writes("undo.host")
def undo_on_host(host: HostAgent, drill: str) -> None:
    host.undo(drill)


def undoer_of(
    clients: Connections, settings: Settings, clock: Clock, check: Callable[[], None]
) -> Undoer:
    """The undo as the identities of a drill may carry it out, for as long as `check` says."""
    provisioner = Objects(clients.acting_as(Identity.PROVISIONER))

    def as_whom(record: UndoRecord) -> Objects:
        if record.verb is Verb.CORDON:
            return Objects(clients.acting_as(Identity.NODE_INJECTOR))
        return provisioner

    def ask_host(record: UndoRecord) -> str:
        if settings.agent_socket is None:
            return f"{record.target}: no host agent is set here that could bring it back"
        undo_on_host(HostAgent(settings.agent_socket), record.drill)
        return ""

    return Undoer(
        objects=provisioner,
        namespace=SYSTEM_NAMESPACE,
        as_whom=as_whom,
        ask_host=ask_host,
        clock=clock,
        check=check,
    )


def reaping_of(clients: Connections, settings: Settings, clock: Clock, holder: str) -> Reaping:
    """The end of dead drills as the identities of a drill may bring it."""
    return Reaping(
        objects=Objects(clients.acting_as(Identity.PROVISIONER)),
        namespace=SYSTEM_NAMESPACE,
        undoer=undoer_of(clients, settings, clock, lambda: None),
        clock=clock,
        holder=holder,
        within_s=settings.duration("undo_within").seconds,
        lease_s=settings.lease_s,
        renew_s=settings.renew_s,
    )
