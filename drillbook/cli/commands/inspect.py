"""`list` and `show`: what there is."""

from collections.abc import Iterator

from rich.console import Console

from drillbook.book import checkout as book
from drillbook.book import monitoring, tree
from drillbook.book.alert_rules import Rules
from drillbook.cli.columns import columns, tell
from drillbook.cli.selection import backgrounds
from drillbook.cluster.settings import Settings
from drillbook.evidence import accept, proof, proof_state
from drillbook.model import Action, BoundCause, BoundRunbook, Phase, Probe
from drillbook.model.errors import RunbookProblem
from drillbook.pages import render


def list_runbooks(settings: Settings, console: Console) -> None:
    """A line per cause: runbook, alert, cause, proof. Raises UsageError in the end."""
    found, problems = book.runbooks(settings, [])
    proofs, rules = accept.newest(settings.proof), book.alerts(settings)
    rows = [("id", "runbook", "alert", "cause", "proof")]
    unknown: list[RunbookProblem] = []
    for bound in book.bound(settings, found):
        one = bound.runbook
        states = _states(settings, bound, rules, proofs, unknown)
        for cause, state in states.items():
            rows.append((one.id, one.title, ", ".join(one.alerts), cause, state))
    tell(console, columns(rows))
    tell(console, tree.line_ends(settings.root))
    known = {(runbook.id, cause.id) for runbook in found for cause in runbook.causes}
    lost = proof_state.lost((d for ones in proofs.values() for d in ones), known)
    tell(console, (f"lost: {line}" for line in lost))
    monitoring.refuse([*problems, *rules.problems, *unknown])


def _states(
    settings: Settings,
    bound: BoundRunbook,
    rules: Rules,
    proofs: proof_state.Proofs,
    unknown: list[RunbookProblem],
) -> dict[str, str]:
    """Each cause's state of proof: unknown where something of it, such as a rule, is unreadable."""
    try:
        return render.states(bound, proofs, proof.hashes(bound, settings.root, rules))
    except RunbookProblem as error:
        unknown.append(error)
        return {cause.cause.id: "unknown" for cause in bound.causes}


def list_backgrounds(settings: Settings, console: Console) -> None:
    """A line per runbook, those together that stand on one Background."""
    found, problems = book.runbooks(settings, [])
    rows = [("background", "id", "runbook")]
    for number, group in enumerate(backgrounds(book.bound(settings, found)), start=1):
        for one in group:
            title = f"{number} {one.causes[0].workload.title}" if one is group[0] else ""
            rows.append((title, one.runbook.id, one.runbook.title))
    tell(console, columns(rows))
    monitoring.refuse(problems)


def show(settings: Settings, name: str, console: Console) -> None:
    """One runbook's causes, steps and lines. Raises UsageError for a proof nobody can judge."""
    runbook = book.one_runbook(settings, name)
    (bound,) = book.bound(settings, [runbook])
    rules, unknown = book.alerts(settings), list[RunbookProblem]()
    states = _states(settings, bound, rules, accept.newest(settings.proof), unknown)
    console.print(f"{runbook.id} {runbook.title} ({runbook.path})", style="bold", markup=False)
    for cause in bound.causes:
        title = f"\n{cause.cause.id}: {cause.cause.name} [{states[cause.cause.id]}]"
        console.print(title, style="bold", markup=False)
        tell(console, _steps(cause))
    monitoring.refuse([*unknown, *(rules.problems if unknown else ())])


def _steps(cause: BoundCause) -> Iterator[str]:
    for phase in Phase:
        for scenario in cause.of(phase):
            yield f"  {phase}: {scenario.scenario.name}"
            for step in scenario.steps:
                yield f"    {step.step.text}"
                if isinstance(step.value, Probe):
                    yield f"      $ {step.value.source.command()}"
                elif isinstance(step.value, Action):
                    yield from (f"      $ {line}" for line in step.value.block.splitlines())
