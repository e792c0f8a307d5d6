"""`doctor`: what this machine and this cluster lack, and the fix."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

from rich.console import Console

from drillbook import guard
from drillbook.commands import book
from drillbook.errors import CouldNotTell, DrillbookError, UsageError
from drillbook.session import connections
from drillbook.settings import Settings
from drillbook.staging import preflight
from drillbook.staging.places import places

BUILT = ("kubectl", "promtool")
TOOLS = ("bash", "kubectl", "curl", "python3", "promtool")


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
    for problem in preflight.problems(places()):
        yield "machine for the embedded cluster", str(problem)
    path = f"{settings.tool_path}:{os.environ.get('PATH', '')}"
    for tool in TOOLS:
        found = shutil.which(tool, path=path)
        fix = "`drillbook staging up` builds it" if tool in BUILT else f"apt-get install {tool}"
        yield tool, None if found else f"{tool} is not on PATH. {fix}."
    yield "runbooks", _wrong(lambda: _runbooks(settings))
    yield "cluster", _wrong(lambda: guard.admitted(settings, connections(settings)))
    yield "monitoring", _wrong(lambda: _monitoring(settings))


def _runbooks(settings: Settings) -> None:
    found, problems = book.runbooks(settings, [])
    if problems:
        raise UsageError("; ".join(str(problem) for problem in problems))
    book.bound(settings, found)


def _monitoring(settings: Settings) -> None:
    rules = book.alerts(settings)
    guard.check_monitoring(settings, connections(settings), rules, rules)


def _wrong(check: Callable[[], object]) -> str | None:
    try:
        check()
    except DrillbookError as error:
        return str(error)
    return None
