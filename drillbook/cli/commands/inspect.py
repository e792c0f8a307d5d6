"""`list` and `show`: what there is."""

from collections import Counter
from collections.abc import Iterator

from rich.console import Console

from drillbook.book import catalogue as listed
from drillbook.book import checkout as book
from drillbook.book import monitoring, tree
from drillbook.book.alert_rules import Rules
from drillbook.book.samples import printed
from drillbook.cli.columns import columns, tell
from drillbook.cli.selection import backgrounds
from drillbook.cluster.settings import Settings
from drillbook.evidence import accept, proof, proof_state
from drillbook.model import BoundCause, BoundRunbook, Phase
from drillbook.model.errors import RunbookProblem
from drillbook.pages import render


def list_runbooks(settings: Settings, console: Console) -> None:
    """A line per cause: runbook, alert, cause, proof. Raises UsageError in the end."""
    found, problems = book.runbooks(settings, [])
    proofs, rules = accept.newest(settings.proof), book.alerts(settings)
    rows = [("id", "runbook", "owner", "alert", "cause", "proof")]
    proven: dict[str, bool] = {}
    unknown: list[RunbookProblem] = []
    for bound in book.bound(settings, found):
        one = bound.runbook
        states = _states(settings, bound, rules, proofs, unknown)
        for cause, state in states.items():
            owner, alerts = one.tag("owner"), ", ".join(one.alerts) or "-"
            rows.append((one.id, one.title, owner, alerts, cause, state))
            proven[one.id] = proven.get(one.id, True) and state == proof_state.State.VERIFIED
    wanted = listed.load(settings.root)
    there = {(row[0], row[4]) for row in rows}
    for entry in wanted.values():
        if left := [cause for cause in entry.causes if (entry.id, cause) not in there]:
            owner, alerts = entry.owner or "-", ", ".join(entry.alerts) or "-"
            rows.append((entry.id, entry.name, owner, alerts, ", ".join(left), "not written"))
            proven.update({entry.id: False} if entry.id in proven else {})
    tell(console, columns(rows))
    if wanted:
        states_of = Counter(
            ("proven" if proven[id] else "written") if id in proven else "not written"
            for id in {*wanted, *proven}
        )
        told = ", ".join(
            f"{states_of[word]} {word}" for word in ("proven", "written", "not written")
        )
        console.print(f"{states_of.total()} runbooks: {told}", highlight=False)
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
                yield from (f"      $ {line}" for line in printed(step.value))
