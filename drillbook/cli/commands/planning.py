"""`plan`: what a drill would touch, before it touches it; and whether it could begin now."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console

from drillbook.book import checkout as book
from drillbook.cluster.kubeconfig import none_is_set
from drillbook.cluster.settings import Settings
from drillbook.drill import caps, forecast
from drillbook.drill.forecast import Finding
from drillbook.model import (
    Action,
    BoundCause,
    BoundRunbook,
    Change,
    Cordon,
    Create,
    CutNode,
    Delete,
    KillNode,
    Patch,
    Restart,
    Scale,
    shell,
)
from drillbook.model.clock import SystemClock
from drillbook.model.errors import CouldNotTell, Refused


def plan(settings: Settings, name: str, offline: bool, console: Console) -> None:
    """Print what the files say; then, unless `offline`, what the cluster says, which is asked and
    not changed. Raises Refused after everything was printed when a drill would be refused now, and
    CouldNotTell when the cluster does not answer or there is none to ask."""
    runbook = book.one_runbook(settings, name)
    (bound,) = book.bound(settings, [runbook])
    _print(console, planned(settings, bound))
    if offline or settings.kubeconfig is None:
        said = f"no cluster was asked: {_why_not(offline)}"
        _print(console, ["", said])
        caps.refuse_over_caps(settings, bound)
        if not offline:
            raise CouldNotTell(f"whether a drill could begin: {said}")
        return
    _print(console, ["", "now, on the cluster:"])
    wrong = []
    for finding in forecast.findings(settings, bound, SystemClock().now()):
        _print(console, [told(finding)])
        wrong += [finding] if finding.wrong else []
    refuse(bound, wrong)


def _print(console: Console, lines: Iterator[str] | list[str]) -> None:
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _why_not(offline: bool) -> str:
    return "--offline was given" if offline else none_is_set()


# --------------------------------------------------------------------------- what the files say


def planned(settings: Settings, bound: BoundRunbook) -> Iterator[str]:
    """What each drill of a runbook touches. Contacts nothing."""
    runbook = bound.runbook
    yield f"{runbook.id} {runbook.title}: domain {runbook.tag('domain')}"
    yield f"cluster: context {settings.context or '(current)'} of {settings.kubeconfig or '(none)'}"
    yield f"may be drilled when its UID is one of: {', '.join(settings.allowed_clusters) or 'none'}"
    for cause in bound.causes:
        yield f"\n{cause.cause.id}--plain: one namespace drill-..., removed afterwards, with"
        yield from _touched(cause)
        radius = caps.blast_radius(cause, settings)
        yield f"  radius   {caps.words(settings, radius)}"
    yield "\nall--healthy: the same namespace and workload, no fault, no action"


def _touched(cause: BoundCause) -> Iterator[str]:
    for manifest in cause.workload.manifests:
        yield f"  creates  {manifest['kind']}/{manifest['metadata']['name']}"
    for change in cause.fault.changes:
        yield f"  fault    {change_words(change)}"
    for step in (s for scenario in cause.scenarios for s in scenario.steps):
        if isinstance(step.value, Action):
            yield f"  action   {step.value.command}"


def change_words(change: Change) -> str:
    """One change of a fault, with its undo. Pure."""
    match change:
        case Patch():
            return f"patches {change.target}: {dict(change.patch)}"
        case Restart():
            return f"deletes pods to be made anew: {shell(change.target.selector)}"
        case Scale():
            return f"scales {change.target} to {change.replicas}"
        case Create():
            return f"creates {change.manifest['kind']}/{change.manifest['metadata']['name']}"
        case Delete():
            return f"deletes {change.target}, to be made again"
        case Cordon():
            return f"cordons the node {shell(change.node)}"
        case KillNode():
            return f"kills the node {shell(change.node)}, which the host's agent starts again"
        case CutNode():
            return f"cuts the node {shell(change.node)} off, which the host's agent takes back"


# --------------------------------------------------------------------------- what the cluster says


def told(finding: Finding) -> str:
    """Pure."""
    return f"  {'NO ' if finding.wrong else 'yes'}  {finding.about}: {finding.said}"


def refuse(bound: BoundRunbook, wrong: list[Finding]) -> None:
    """Raises Refused when there is anything wrong, with all of it."""
    if wrong:
        lines = "\n".join(f"  {finding.about}: {finding.said}" for finding in wrong)
        raise Refused(
            f"refused: a drill of {bound.runbook.id} would not begin now:\n{lines}\n"
            "This was asked only: nothing was changed."
        )
