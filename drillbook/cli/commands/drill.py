"""`drill`: lint, guards, the run, its reports."""

import json
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console

from drillbook.book import checkout as book
from drillbook.book.reader import UNREADABLE
from drillbook.cli import capacity, due, embedded, estimate, summary
from drillbook.cli.columns import columns, tell
from drillbook.cli.commands import left_behind, offline
from drillbook.cli.dispatch import Dispatcher
from drillbook.cli.selection import Selected, backgrounds, healthy_once, select, starter
from drillbook.cli.terminal import Lasting, telling
from drillbook.cluster.clients import context_name
from drillbook.cluster.connections import connections
from drillbook.cluster.settings import Settings
from drillbook.drill.refusals import Refusals
from drillbook.evidence import accept, checkout, proof, records, score
from drillbook.evidence.judge import judged
from drillbook.model import (
    BoundRunbook,
    Control,
    Duration,
    Phase,
    Runbook,
    Undo,
    Verdict,
)
from drillbook.model.clock import SystemClock
from drillbook.model.errors import DrillbookError, RunbookProblem, UsageError


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which drills are to be run, and how."""

    paths: Sequence[Path] = ()
    causes: Sequence[str] = ()
    controls: Sequence[Control] = ()
    repeat: bool = False
    """What could not tell is drilled once more, alone."""
    only: Collection[str] | None = None
    """Of these, only those with such a node."""
    starter: bool = False
    """Only a set over several systems."""
    due: bool = False
    """Only those that no accepted record proves today."""
    changed: str = ""
    """Only those that are others than at that commit."""
    until: Phase = Phase.PREVENTION
    leave_standing: Duration | None = None
    thorough: bool = False
    """Other causes are asked for their whole time."""
    jobs: int | None = None
    """How many may run at once; None: as many as this machine carries."""
    verbose: bool = False


def drill(settings: Settings, asked: Asked, console: Console) -> int:
    """Lint, ask the guards, drill, report. Returns the exit code."""
    began = time.monotonic()
    runbooks, problems, _ = offline.problems(settings, asked.paths)
    if problems:
        text = "\n".join(str(problem) for problem in problems)
        unreadable = any(problem.rule == UNREADABLE for problem in problems)
        kind = UsageError if unreadable else RunbookProblem
        raise kind(f"{text}\nNothing is drilled before these are mended.")
    bounds = book.bound(settings, runbooks)
    selected, left_out = _selected(settings, asked, runbooks, bounds)
    tell(console, (f"left out: {line}" for line in left_out))
    if not selected:
        console.print("no drill is asked for: every proof is there and valid.")
        return 0
    ids = {one.runbook.id for one in selected}
    wanted = [bound for bound in bounds if bound.runbook.id in ids]
    for check in Refusals(settings, wanted, book.alerts(settings), SystemClock()).of_a_run():
        check.ask()
    embedded.provide(settings, wanted, lambda text: console.print(text, markup=False))
    room = capacity.room(asked.jobs, workloads_here=settings.agent_socket is not None)
    known = estimate.last_durations(selected, (settings.proof, settings.runs))
    console.print(estimate.words(selected, known, room.jobs), highlight=False)
    commit = checkout.commit(settings.root)
    run = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}-{commit.partition('+')[0]}"
    with telling(Lasting(stderr=True)) as (say, moving):
        dispatcher = Dispatcher(
            root=settings.root,
            folder=settings.runs / run,
            options=_options(asked),
            environment=_pinned(settings),
            room=room,
            memory=_memory(selected, bounds),
            verbose=asked.verbose,
            say=say,
            moving=moving,
        )
        dispatcher.begin(selected, commit)
        drills = dispatcher.run(selected)
        if asked.repeat and (again := unanswered(selected, drills)) and not dispatcher.interrupted:
            dispatcher.room = replace(room, jobs=1)
            drills += dispatcher.run(again)
    missing = len({accept.node(one) for one in drills}) < len(selected)
    left = bool(dispatcher.unrecorded) and _left_behind(settings, run, drills, console)
    code = exit_code(counting(drills), missing, dispatcher.interrupted, left)
    try:
        _report(settings, dispatcher.folder, selected, drills, console)
    except (DrillbookError, OSError) as error:
        console.print(f"the reports could not be written: {error}", markup=False)
        code = code or 4
    took_s = time.monotonic() - began
    console.print(summary.counts(drills, len(selected), took_s), markup=False, highlight=False)
    if asked.starter:
        told = _rest(settings, runbooks, bounds, selected, room.jobs)
        console.print(told, markup=False, highlight=False)
    return code


def _rest(
    settings: Settings,
    runbooks: Sequence[Runbook],
    bounds: Sequence[BoundRunbook],
    drilled: Sequence[Selected],
    jobs: int,
) -> str:
    """What a starter set left, and how to drill it."""
    left = [one for one in healthy_once(select(runbooks, [], []), bounds)[0] if one not in drilled]
    if not left:
        return "these are all drills that there are."
    known = estimate.last_durations(left, (settings.proof, settings.runs))
    return f"the rest: {estimate.words(left, known, jobs)}. `drillbook drill` drills all."


def _selected(
    settings: Settings, asked: Asked, runbooks: Sequence[Runbook], bounds: Sequence[BoundRunbook]
) -> tuple[list[Selected], list[str]]:
    """What was asked for, one healthy drill on each Background; and what that leaves out."""
    found = select(runbooks, asked.causes, asked.controls)
    if asked.due or asked.changed:
        # What else stands on a Background counts, whatever is to be drilled.
        every = book.bound(settings, book.runbooks(settings, [])[0]) if asked.paths else bounds
        rules = book.alerts(settings)
        now = {one.runbook.id: proof.hashes(one, settings.root, rules) for one in every}
        if asked.changed:
            found = due.changed(found, now, due.hashes_at(settings, asked.changed))
        if asked.due:
            today = datetime.now(UTC).date()
            proofs = accept.newest(settings.proof)
            groups = [{one.runbook.id for one in group} for group in backgrounds(every)]
            beside = {runbook: group for group in groups for runbook in group}
            found = due.due(found, proofs, now, beside, today, settings.proof_days)
    if asked.starter:
        found = starter(found)
    if asked.only is not None:
        found = [one for one in found if one.node in asked.only]
    return healthy_once(found, bounds)


def unanswered(selected: Sequence[Selected], drills: Sequence[records.Drill]) -> list[Selected]:
    """The second attempts: of what ended invalid or as ERROR, was undone, and was not refused.
    FAILED is an answer. Pure."""
    again = {
        accept.node(one)
        for one in drills
        if not (judged(one) or one.refused or one.interrupted or one.verdict is Verdict.FAILED)
        and one.undo is not Undo.FAILED
    }
    return [replace(one, attempt=2) for one in selected if one.node in again]


def counting(drills: Sequence[records.Drill]) -> list[records.Drill]:
    """Without the first attempts that a second one stands for. Pure."""
    last = {accept.node(one): one for one in sorted(drills, key=lambda d: d.attempt)}
    return list(last.values())


def _options(asked: Asked) -> list[str]:
    """What each drill's process is told."""
    standing = asked.leave_standing
    return [
        f"--drill-until={asked.until}",
        *([f"--drill-leave-standing={standing}"] if standing else []),
        *(["--drill-thorough"] if asked.thorough else []),
    ]


def _memory(selected: Sequence[Selected], bounds: Sequence[BoundRunbook]) -> dict[str, float]:
    """Bytes that each drill asks for; all causes of a runbook stand on one workload."""
    of = {bound.runbook.id: capacity.memory(bound.causes[0]) for bound in bounds}
    return {one.node: of[one.runbook.id] for one in selected}


def exit_code(
    drills: Sequence[records.Drill], missing: bool, interrupted: bool, left_behind: bool
) -> int:
    """The records' code, when every drill has one: a drill without a record is could-not-tell, and
    an undo that failed when its namespace is still there."""
    code = records.exit_code(drills) if drills else 4
    if code == 5 or left_behind:
        return 5
    if interrupted:
        return 130
    return code or (4 if missing else 0)


def _pinned(settings: Settings) -> dict[str, str]:
    """The cluster that the guard admitted, so that a child loads no other."""
    fields = {
        "DRILLBOOK_KUBECONFIG": str(settings.kubeconfig.resolve()) if settings.kubeconfig else "",
        "DRILLBOOK_CONTEXT": context_name(settings),
        "DRILLBOOK_ALLOWED_CLUSTERS": json.dumps(settings.allowed_clusters),
        "DRILLBOOK_PROMETHEUS_URL": settings.prometheus_url,
        "DRILLBOOK_ALERTMANAGER_URL": settings.alertmanager_url,
        "DRILLBOOK_TOOL_PATH": settings.tool_path,
        "DRILLBOOK_ALLOWED_HOSTS": json.dumps(settings.allowed_hosts),
        "DRILLBOOK_AGENT_SOCKET": str(settings.agent_socket or ""),
        "DRILLBOOK_ALLOW_CLUSTER_ADMIN": "true" if settings.allow_cluster_admin else "",
        "DRILLBOOK_ENVIRONMENT": settings.environment,
    }
    return {name: value for name, value in fields.items() if value}


def _left_behind(
    settings: Settings, run: str, drills: Sequence[records.Drill], console: Console
) -> bool:
    """Whether a drill that left no record is not undone when the reaper has had its time."""
    clients = connections(settings)
    within_s = settings.lease_s + settings.duration("undo_within").seconds
    recorded = {one.namespace for one in drills}
    known = partial(left_behind.drills_of_run, clients, run)
    left = left_behind.left_behind(known, recorded, SystemClock(), within_s)
    if left:
        console.print(f"not undone: {left}. `drillbook undo --dead` tries again.", markup=False)
    return bool(left)


def _report(
    settings: Settings,
    folder: Path,
    selected: Sequence[Selected],
    drills: Sequence[records.Drill],
    console: Console,
) -> None:
    rows = []
    for one in drills:
        times = (one.times.ttd_s, one.times.ttr_s, one.cost.wall_s)
        came = (summary.outcome(one), str(one.injection), str(one.undo), *map(_seconds, times))
        rows.append((f"{one.runbook} {one.cause} {one.control}", *came))
    head = ("drill", "verdict", "injection", "undo", "TTD", "TTR", "took")
    table = columns([head, *rows]) if rows else ()
    lines = _write_reports(settings, folder, selected, drills)
    tell(console, (*table, *summary.failures(drills, folder), "", *lines))


def _write_reports(
    settings: Settings, folder: Path, selected: Sequence[Selected], drills: Sequence[records.Drill]
) -> list[str]:
    """The scorecard and a preview of each page beside the records, as if the run was accepted."""
    if not drills:
        return [f"no record was written; the logs are in {folder / 'logs'}"]
    card = folder / "scorecard.md"
    planned = [one.node for one in selected]
    scored = score.scorecard(drills, offline.catalogue(settings, drills), planned=planned)
    card.write_text(score.markdown(scored), "utf-8")
    lines = [f"records:   {folder}", f"scorecard: {card}"]
    partial = any(one.partial for one in drills)
    keeping = f"`drillbook accept {folder.name}` keeps it"
    keeps = "no proof: a drill is partial" if partial else keeping
    drilled = {str(one.runbook.path): one.runbook for one in selected}
    bound = book.bound(settings, list(drilled.values()))
    for path, text in offline.pages(settings, bound, folder.parent, only=folder.name).items():
        preview = folder / path.relative_to(settings.root)
        preview.parent.mkdir(parents=True, exist_ok=True)
        preview.write_text(text, "utf-8")
        lines.append(f"page:      {preview} (a preview; {keeps})")
    return lines


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"
