"""`doctor`: what this machine and this cluster lack, and the fix."""

import os
import shutil
from collections.abc import Callable, Iterator

from rich.console import Console

from drillbook.book import checkout as book
from drillbook.book import monitoring
from drillbook.changes.undo import stops
from drillbook.changes.undo.undoers import reaping_of
from drillbook.cli import embedded
from drillbook.cluster.connections import connections, runner
from drillbook.cluster.identities import SYSTEM_NAMESPACE, Identity
from drillbook.cluster.objects import Objects
from drillbook.cluster.settings import Settings
from drillbook.drill import guard
from drillbook.model.clock import SystemClock
from drillbook.model.errors import CouldNotTell, DrillbookError, UsageError

BUILT = ("kubectl", "promtool")
PACKAGES = {"psql": "postgresql-client", "redis-cli": "redis-tools", "aws": "awscli"}
TOOLS = ("bash", "kubectl", "curl", "python3", "promtool", *PACKAGES)


def doctor(settings: Settings, console: Console) -> None:
    """Print every check. Raises CouldNotTell when one of them fails."""
    failed = 0
    for name, wrong in _checks(settings):
        failed += wrong is not None
        state = "[green]ok[/green]  " if wrong is None else "[red]lacks[/red]"
        console.print(f"{state}  {name}")
        if wrong is not None:
            console.print(f"       {wrong}", markup=False, soft_wrap=True)
    if failed:
        raise CouldNotTell(f"{failed} checks failed; each names its fix.")


def _checks(settings: Settings) -> Iterator[tuple[str, str | None]]:
    """A check's name, and what is wrong (None: nothing)."""
    cluster = embedded.installed()
    for problem in cluster.problems() if cluster else ():
        yield "machine for the embedded cluster", problem
    path = f"{settings.tool_path}:{os.environ.get('PATH', '')}"
    for tool in TOOLS:
        found = shutil.which(tool, path=path)
        fix = (
            "`drillbook staging up` builds it"
            if tool in BUILT
            else f"apt-get install {PACKAGES.get(tool, tool)}"
        )
        yield tool, None if found else f"{tool} is not on PATH. {fix}."
    yield "runbooks", _wrong(lambda: _runbooks(settings))
    refused = _wrong(lambda: guard.admitted(settings, runner(settings)))
    yield "cluster", refused
    if refused is None:  # another cluster is asked nothing more
        yield "reaper, halt, quarantine", _wrong(lambda: _stops(settings))
        yield "nothing left behind", _wrong(lambda: _left(settings))
    yield "monitoring", _wrong(lambda: _monitoring(settings))


def _runbooks(settings: Settings) -> None:
    found, problems = book.runbooks(settings, [])
    if problems:
        raise UsageError("; ".join(str(problem) for problem in problems))
    book.bound(settings, found)


def _monitoring(settings: Settings) -> None:
    rules = book.alerts(settings)
    monitoring.refuse(rules.problems)
    guard.check_monitoring(settings, connections(settings), rules, rules)


def _stops(settings: Settings) -> None:
    objects = Objects(connections(settings).acting_as(Identity.PROVISIONER))
    stops.refuse_without_reaper(objects, SYSTEM_NAMESPACE, SystemClock().now())
    stops.refuse_stopped(objects, SYSTEM_NAMESPACE)


def _left(settings: Settings) -> None:
    left = reaping_of(connections(settings), settings, SystemClock(), "doctor").unexplained()
    if left:
        raise CouldNotTell(f"{'; '.join(left)}. `drillbook undo --dead` removes them.")


def _wrong(check: Callable[[], object]) -> str | None:
    try:
        check()
    except DrillbookError as error:
        return str(error)
    return None
