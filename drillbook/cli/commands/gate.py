"""`gate`: lint, render check, versions, the proofs that a change made stale; then the tests of the
rules that changed, and a sample of drills."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rich.console import Console

from drillbook.book import catalogue
from drillbook.book import checkout as book
from drillbook.book.bind import Binder
from drillbook.book.rule_files import read_rules
from drillbook.cli import due, estimate, gate
from drillbook.cli.columns import tell
from drillbook.cli.commands import offline, rules
from drillbook.cli.selection import Selected, backgrounds, healthy_once, select
from drillbook.cluster.settings import Settings
from drillbook.evidence import accept, checkout, proof, proof_state
from drillbook.model import BoundRunbook, Problem
from drillbook.model.errors import CouldNotTell, RunbookProblem


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How the gate is to judge."""

    base: str = ""
    drill: bool = False
    """Drill what is stale, inside the budget."""
    strict: bool = False
    """What is stale then fails."""
    budget_s: float = 480.0
    plan: bool = False
    """Say what it needs, and drill nothing."""
    summary: Path | None = None
    """Where the Markdown goes too."""


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a change asks for."""

    base: str
    wrong: tuple[Problem, ...]
    alerts: tuple[str, ...]
    """Those whose rules are to be tested."""
    stale: tuple[Selected, ...]
    need: tuple[Selected, ...]
    """Of the stale, those that no accepted record proves as they are now."""
    proven: tuple[Selected, ...]
    known: dict[str, float]
    notes: tuple[str, ...]
    """Causes of several runbooks that are equal but for names; no mistake by itself."""


def needs(settings: Settings, base: str) -> Needs:
    """Raises UsageError, RunbookProblem."""
    base = gate.base_of(settings.root, base)
    runbooks, _ = book.runbooks(settings, [])
    bounds, alerts = book.bound(settings, runbooks), book.alerts(settings)
    now = {b.runbook.id: proof.hashes(b, settings.root, alerts) for b in bounds}
    files = gate.changed_files(settings.root, base) if base else ()
    binder = Binder(book.definitions(settings.root))
    were = gate.old(settings.root, base, files, alerts, binder)
    before = _before(settings, base, files, bounds, now, were) if base else {}
    every = select(runbooks, [], []) if runbooks else []
    stale = due.changed(every, now, before)
    proofs = accept.newest(settings.proof)
    groups = [{b.runbook.id for b in group} for group in backgrounds(bounds)]
    beside = {runbook: group for group in groups for runbook in group}
    # By hashes: whether a proof has grown too old is no matter of a change.
    need = due.due(stale, proofs, now, beside, date.min, settings.proof_days)
    rules = read_rules(settings.root)
    wrong = gate.unbumped(settings.root, base, bounds, now, were)
    verified = {
        (b.runbook.id, s.cause)
        for b in bounds
        for s in proof_state.standings(b, proofs, now[b.runbook.id])
        if s.state is proof_state.State.VERIFIED
    }
    return Needs(
        base=base,
        wrong=tuple(wrong),
        alerts=tuple(gate.alerts_of(files, rules) if base else sorted(rules.names)),
        stale=tuple(stale),
        need=tuple(healthy_once(need, bounds)[0]),
        proven=tuple(o for o in every if (o.runbook.id, o.cause) in verified),
        known=estimate.last_durations(every, (settings.proof, settings.runs)),
        notes=tuple(catalogue.notes(bounds)),
    )


def _before(
    settings: Settings,
    base: str,
    files: Sequence[str],
    bounds: Sequence[BoundRunbook],
    now: due.Hashes,
    were: Mapping[str, gate.Old],
) -> due.Hashes:
    """The hashes at the base. Where runbooks alone changed, only theirs are others."""
    drilled = [name for name in files if name.split("/")[0] not in due.NOT_DRILLED]
    old = {one.runbook.id: one.hashes for one in were.values() if one.hashes is not None}
    if len(old) == len(drilled):
        paths = {b.runbook.id: str(b.runbook.path) for b in bounds}
        return {**{id: one for id, one in now.items() if paths[id] not in were}, **old}
    return due.hashes_at(settings, base)


def run(settings: Settings, asked: Asked, console: Console) -> int:
    """The exit code: 1 for what is wrong, or stale when strict; 4 when there are proven causes and
    none was drilled; else that of the drills. Raises DrillbookError."""
    offline.lint(settings, [], console)
    offline.render_pages(settings, check=True, console=console)
    found = needs(settings, asked.base)
    _tell(found, asked, console)
    if found.wrong:
        raise RunbookProblem(f"{len(found.wrong)} runbooks changed without a new version.")
    code, drilled = 0, set[str]()
    if not asked.plan:
        if found.alerts:
            rules.test(settings, found.alerts, console)
        code, drilled = _drill(settings, asked, found, console)
    left = [one.node for one in found.need if one.node not in drilled or code]
    if left:
        text = f"stale, and not proven: {', '.join(left)}"
        if asked.strict:
            raise RunbookProblem(f"{text}. Drill them and accept the run.")
        console.print(f"{text}; `drillbook drill --due` takes them first.", markup=False)
    if found.proven and not drilled and not asked.plan:
        raise CouldNotTell(
            f"{len(found.proven)} causes are proven, and none was drilled: none fits into the "
            f"budget of {asked.budget_s:.0f} s. Raise --budget."
        )
    return code


def _tell(found: Needs, asked: Asked, console: Console) -> None:
    text = gate.markdown(found.base, found.wrong, found.stale, found.need, found.known)
    tell(console, (text, *found.notes))
    if os.environ.get("GITHUB_ACTIONS"):
        tell(console, map(gate.annotation, found.wrong))
    for place in {asked.summary, Path(os.environ.get("GITHUB_STEP_SUMMARY") or os.devnull)}:
        if place is not None:
            _append(place, text)


def _append(place: Path, text: str) -> None:
    """Raises CouldNotTell: whoever reads the summary would think that there was none."""
    try:
        with place.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise CouldNotTell(
            f"--summary {place}: cannot be written: {error.strerror}. Nothing was drilled; name a "
            "file in a folder that is there."
        ) from error


def _drill(
    settings: Settings, asked: Asked, found: Needs, console: Console
) -> tuple[int, set[str]]:
    """Drill what is asked for and a sample; the exit code and the nodes."""
    from drillbook.cli import capacity
    from drillbook.cli.commands import drill as drilling

    jobs = capacity.room(None, workloads_here=settings.agent_socket is not None).jobs
    commit = checkout.commit(settings.root)
    first = (
        gate.sample(found.need, commit, found.known, jobs, asked.budget_s) if asked.drill else []
    )
    used_s = estimate.expected_s(first, found.known, jobs) if first else 0.0
    others = [one for one in found.proven if one not in first]
    more = gate.sample(others, commit, found.known, jobs, asked.budget_s - used_s)
    nodes = {one.node for one in (*first, *more)}
    if not nodes:
        return 0, nodes
    return drilling.drill(
        settings, drilling.Asked(only=frozenset(nodes), repeat=True), console
    ), nodes
