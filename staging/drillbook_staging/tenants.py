"""Who else uses the cluster: the guards before `up` or `down` takes it away."""

from collections.abc import Sequence
from pathlib import Path

from drillbook.model.errors import Refused
from drillbook_staging import cgroups, node, state, survey
from drillbook_staging.agent.journal import Journal
from drillbook_staging.cluster import Kubectl
from drillbook_staging.errors import StageFailed
from drillbook_staging.places import Places
from drillbook_staging.shell import Shell

ANSWER_WITHIN_S = 15.0


def refuse_while_drilled(places: Places, deed: str) -> None:
    """Raise Refused when the cluster holds namespaces of drills, or the host agent a node that a
    drill took away. A cluster that does not answer holds nobody up."""
    refuse_while_held(places, deed)
    found = drills(places)
    if found:
        raise Refused(refusal(deed, found))


def refuse_while_held(places: Places, deed: str) -> None:
    """Raise Refused while the host agent's journal says that a node is away for a drill: a cluster
    that lacks it is not broken. Asks the disk alone."""
    found = held(places)
    if found:
        raise Refused(
            f"{deed} would end what is drilled on this cluster: {', '.join(found)}; nothing was "
            "changed. The host agent brings it back at that time, or when the drill ends: run the "
            f"command again then ({places.agent}/agent.log tells why it did not), or do it all "
            "the same with --force."
        )


def held(places: Places) -> list[str]:
    """What the host agent's journal says that drills have, in words."""
    found = Journal(places.agent).read()
    unreadable = (f"something that {file} stood for, unreadable" for file in found.unreadable)
    return [*(change.told() for change in found.changes), *unreadable]


def drills(places: Places) -> list[str]:
    """The drills' namespaces on this cluster; none when it is not up or does not answer."""
    if not places.kubeconfig.is_file():
        return []
    known = state.read(places)
    # Not the one that this checkout would build: it may be another, and not be there yet.
    program = (known.bin if known else places.cache / "bin") / "kubectl"
    try:
        return survey.drills(Kubectl(Shell(places, "guard"), program), ANSWER_WITHIN_S)
    except StageFailed:
        return []


def refusal(deed: str, namespaces: Sequence[str]) -> str:
    """Why not, and what to do. Pure."""
    plural = "s" if len(namespaces) > 1 else ""
    return (
        f"{deed} would end what is drilled on this cluster, in the namespace{plural} "
        f"{', '.join(namespaces)}; nothing was changed. Wait until the drill has ended; remove "
        "what is left with `drillbook undo --dead --kept`; or do it all the same with --force."
    )


def refuse_foreign(places: Places) -> None:
    """Raise Refused when the state folder holds what is not ours, since it is removed as a whole;
    and when the running nodes keep their state elsewhere, since there is room for one cluster on
    a machine, and from here we would tear it down half."""
    strangers = places.strangers()
    if strangers:
        raise Refused(
            f"DRILLBOOK_STATE={places.state} would be removed as a whole, and it holds what "
            f"Drillbook did not write: {', '.join(strangers[:5])}; nothing was changed. Name a "
            "folder that nobody else uses, or move those away."
        )
    others = sorted(_states() - {places.state})
    if others:
        raise Refused(
            f"a cluster is up on this machine whose state is in {others[0]}, and "
            f"DRILLBOOK_STATE says {places.state}; nothing was changed. One machine has room for "
            f"one: use that one, or end it with DRILLBOOK_STATE={others[0]} drillbook staging down."
        )


def _states() -> set[Path]:
    """The state folders of the processes in our cgroups, as their mark says."""
    tree = cgroups.hierarchy()
    found = (node.mark_of(process) for process in (cgroups.processes(tree) if tree else ()))
    return {state for state in found if state}
