"""`drill`: lint, guards, the run, its reports."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from drillbook.book import checkout as book
from drillbook.book.reader import UNREADABLE
from drillbook.cli import embedded
from drillbook.cli.commands import left_behind, offline
from drillbook.cli.dispatch import Dispatcher
from drillbook.cli.schedule import Room
from drillbook.cli.selection import Selected, select
from drillbook.cluster.clients import context_name
from drillbook.cluster.connections import connections
from drillbook.cluster.settings import Settings
from drillbook.drill.refusals import Refusals
from drillbook.evidence import checkout, records, score
from drillbook.model import Control, Duration, Phase, Runbook, Verdict
from drillbook.model.clock import SystemClock
from drillbook.model.errors import DrillbookError, RunbookProblem, UsageError


def drill(
    settings: Settings,
    paths: Sequence[Path],
    causes: Sequence[str],
    controls: Sequence[Control],
    until: Phase,
    leave_standing: Duration | None,
    jobs: int,
    console: Console,
) -> int:
    """Lint, ask the guards, drill, at most `jobs` at once, report. Returns the exit code."""
    runbooks, problems = offline.problems(settings, paths)
    if problems:
        text = "\n".join(str(problem) for problem in problems)
        unreadable = any(problem.rule == UNREADABLE for problem in problems)
        kind = UsageError if unreadable else RunbookProblem
        raise kind(f"{text}\nNothing is drilled before these are mended.")
    selected = select(runbooks, causes, controls)
    _ask_guards(settings, runbooks)
    wanted = book.bound(settings, [one.runbook for one in selected])
    embedded.provide(settings, wanted, lambda text: console.print(text, markup=False))
    commit = checkout.commit(settings.root)
    run = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}-{commit.partition('+')[0]}"
    dispatcher = Dispatcher(
        root=settings.root,
        folder=settings.runs / run,
        until=until,
        leave_standing=leave_standing,
        environment=_pinned(settings),
        room=Room(jobs),
    )
    dispatcher.begin(selected, commit)
    drills = dispatcher.run(selected)
    missing = len(drills) < len(selected)
    left = bool(dispatcher.unrecorded) and _left_behind(settings, run, drills, console)
    code = exit_code(drills, missing, dispatcher.interrupted, left)
    try:
        _report(settings, dispatcher.folder, selected, drills, console)
    except (DrillbookError, OSError) as error:
        console.print(f"the reports could not be written: {error}", markup=False)
        return code or 4
    return code


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
    left = left_behind.left_behind(
        lambda: left_behind.drills_of_run(clients, run),
        {one.namespace for one in drills},
        SystemClock(),
        within_s,
    )
    if left:
        console.print(f"not undone: {left}. `drillbook undo --dead` tries again.", markup=False)
    return bool(left)


def _ask_guards(settings: Settings, runbooks: Sequence[Runbook]) -> None:
    bounds = book.bound(settings, runbooks)
    for check in Refusals(settings, bounds, book.alerts(settings), SystemClock()).of_a_run():
        check.ask()


def _report(
    settings: Settings,
    folder: Path,
    selected: Sequence[Selected],
    drills: Sequence[records.Drill],
    console: Console,
) -> None:
    table = Table("drill", "verdict", "injection", "undo", "TTD", "TTR", "took", box=None)
    for one in drills:
        table.add_row(
            f"{one.runbook} {one.cause} {one.control}",
            _verdict(one),
            str(one.injection),
            str(one.undo),
            _seconds(one.times.ttd_s),
            _seconds(one.times.ttr_s),
            _seconds(one.cost.wall_s),
        )
    if drills:
        console.print(table)
    for one in drills:
        if one.reason:
            console.print(f"{one.cause} {one.control}: {one.reason}", markup=False, soft_wrap=True)
        for cause in one.falsified:
            console.print(f"{one.cause} {one.control} falsifies {cause}: see its record.")
    for line in _write_reports(settings, folder, selected, drills):
        console.print(line, markup=False, soft_wrap=True, highlight=False)


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
    keeps = (
        "no proof: a drill is partial" if partial else f"`drillbook accept {folder.name}` keeps it"
    )
    drilled = {str(one.runbook.path): one.runbook for one in selected}
    bound = book.bound(settings, list(drilled.values()))
    for path, text in offline.pages(settings, bound, folder.parent, only=folder.name).items():
        preview = folder / path.relative_to(settings.root)
        preview.parent.mkdir(parents=True, exist_ok=True)
        preview.write_text(text, "utf-8")
        lines.append(f"page:      {preview} (a preview; {keeps})")
    return lines


def _verdict(one: records.Drill) -> str:
    colour = {Verdict.PASSED: "green", Verdict.FAILED: "red"}.get(one.verdict, "yellow")
    manual = f", {one.manual} manual" if one.manual else ""
    if one.refused:
        return "[yellow]REFUSED[/yellow]"
    wrong = "" if one.valid or one.partial else " (invalid)"
    return f"[{colour}]{one.verdict}[/{colour}]{manual}{wrong}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"
