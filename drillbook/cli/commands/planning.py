"""`plan`: what a drill would touch, before it touches it; and whether it could begin now."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from textwrap import indent
from typing import Any

import yaml
from rich.console import Console

from drillbook.book import checkout as book
from drillbook.cli.columns import tell
from drillbook.cluster.kubeconfig import none_is_set
from drillbook.cluster.settings import Settings
from drillbook.drill import caps
from drillbook.drill.refusals import Finding, Refusals, findings
from drillbook.model import Action, BoundCause, BoundRunbook, Change, Joined, Var, shell
from drillbook.model.clock import SystemClock
from drillbook.model.errors import CouldNotTell


def plan(settings: Settings, name: str, offline: bool, console: Console) -> None:
    """Print what the files say; then, unless `offline`, what the cluster says, which is asked and
    not changed. After everything was printed it raises what the drill would: Refused, CouldNotTell;
    and CouldNotTell when no cluster was asked."""
    runbook = book.one_runbook(settings, name)
    (bound,) = book.bound(settings, [runbook])
    tell(console, planned(settings, bound))
    if offline or settings.kubeconfig is None:
        caps.refuse_over_caps(settings, bound)
        raise CouldNotTell(
            f"no cluster was asked, so whether a drill could begin is not known: "
            f"{('--offline was given.' if offline else none_is_set())}"
        )
    tell(console, ["", "now, on the cluster:"])
    refusals = Refusals(settings, (bound,), book.alerts(settings), SystemClock())
    wrong = []
    for finding in findings(
        c for of in (refusals.of_a_run, refusals.of_its_beginning) for c in of()
    ):
        tell(console, [told(finding)])
        wrong += [finding] if finding.error else []
    refuse(bound, wrong)


def planned(settings: Settings, bound: BoundRunbook) -> Iterator[str]:
    """What each drill of a runbook touches. Contacts nothing."""
    runbook = bound.runbook
    yield f"{runbook.id} {runbook.title}: domain {runbook.tag('domain')}"
    yield f"cluster: context {settings.context or '(current)'} of {settings.kubeconfig or '(none)'}"
    yield f"may be drilled when its UID is one of: {', '.join(settings.allowed_clusters) or 'none'}"
    for cause in bound.causes:
        yield f"\n{cause.cause.id}--plain: one namespace drill-..., removed afterwards, with"
        yield from _touched(cause)
        yield f"  radius   {caps.words(settings, caps.blast_radius(cause, settings))}"
    yield "\nall--healthy: the same namespace and workload, no fault, no action"


def _touched(cause: BoundCause) -> Iterator[str]:
    for manifest in cause.workload.manifests:
        yield f"  creates  {manifest['kind']}/{manifest['metadata']['name']}"
    for change in cause.fault.changes:
        yield f"  fault    {type(change).__name__}\n{indent(change_words(change), ' ' * 13)}"
    for step in (s for scenario in cause.scenarios for s in scenario.steps):
        if isinstance(step.value, Action):
            yield f"  action   {step.value.command}"


def change_words(change: Change) -> str:
    """What one change of a fault does to what, as YAML. Pure."""
    every = {field.name: getattr(change, field.name) for field in fields(change)}
    told = {name: _plain(value) for name, value in every.items() if value is not None}
    return yaml.safe_dump(told, sort_keys=False, width=1000).rstrip()


def _plain(value: Any) -> Any:
    """As YAML takes it: what stands for a name is told as a shell would be."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Var | Joined):
        return shell(value)
    return value if isinstance(value, int | float | None) else str(value)


def told(finding: Finding) -> str:
    """Pure."""
    return f"  {'NO ' if finding.error else 'yes'}  {finding.about}: {finding.said}"


def refuse(bound: BoundRunbook, wrong: list[Finding]) -> None:
    """Raises what the first of them would end the drill with, with the words of all."""
    if wrong and wrong[0].error:
        lines = "\n".join(f"  {finding.about}: {finding.said}" for finding in wrong)
        raise type(wrong[0].error)(
            f"a drill of {bound.runbook.id} would not begin now:\n{lines}\n"
            "This was asked only: nothing was changed."
        )
