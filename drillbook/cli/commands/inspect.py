"""`list` and `show`: what there is."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from drillbook.book import checkout as book
from drillbook.book import monitoring
from drillbook.cluster.settings import Settings
from drillbook.evidence import accept, proof
from drillbook.model import (
    Action,
    BoundCause,
    BoundRunbook,
    Phase,
    Probe,
)
from drillbook.model.errors import RunbookProblem
from drillbook.pages import render


def states(settings: Settings, bound: BoundRunbook) -> dict[str, str]:
    """Each cause's state of proof: verified, stale, failing or never-run."""
    return render.states(
        bound, accept.newest(settings.proof), proof.hashes(bound, settings.root, _rules(settings))
    )


def _rules(settings: Settings) -> monitoring.Rules:
    return book.alerts(settings)


def list_runbooks(settings: Settings, console: Console) -> None:
    """A line per cause: runbook, alert, cause, state of proof. Raises UsageError in the end for
    what could not be read: the others are shown."""
    found, problems = book.runbooks(settings, [])
    table = Table("id", "runbook", "alert", "cause", "proof", box=None)
    unknown: list[RunbookProblem] = []
    for bound in book.bound(settings, found):
        runbook = bound.runbook
        try:
            known = states(settings, bound)
        except RunbookProblem as error:  # such as a rule that cannot be read
            unknown.append(error)
            known = {cause.cause.id: "unknown" for cause in bound.causes}
        for cause, state in known.items():
            table.add_row(runbook.id, runbook.title, ", ".join(runbook.alerts), cause, state)
    console.print(table)
    monitoring.refuse([*problems, *_rules(settings).problems, *unknown])


def show(settings: Settings, name: str, console: Console) -> None:
    """One runbook's causes with every step and the line it stands for."""
    runbook, problems = book.one_runbook(settings, name)
    (bound,) = book.bound(settings, [runbook])
    proofs = states(settings, bound)
    console.print(f"{runbook.id} {runbook.title} ({runbook.path})", style="bold", markup=False)
    for cause in bound.causes:
        console.print(
            f"\n{cause.cause.id}: {cause.cause.name} [{proofs[cause.cause.id]}]",
            style="bold",
            markup=False,
        )
        for line in _steps(cause):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    book.refuse_unreadable(problems)


def _steps(cause: BoundCause) -> Iterator[str]:
    for phase in Phase:
        for scenario in cause.of(phase):
            yield f"  {phase}: {scenario.scenario.name}"
            for step in scenario.steps:
                yield f"    {step.step.text}"
                if isinstance(step.value, Probe):
                    yield f"      $ {step.value.source.command()}"
                elif isinstance(step.value, Action):
                    yield f"      $ {step.value.command}"
