"""The checkout's runbooks, read and bound, with everything that lint looks at."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from drillbook import monitoring, reader
from drillbook.bind import Binder
from drillbook.errors import RunbookProblem, UsageError
from drillbook.model import BoundRunbook, Problem, Runbook
from drillbook.settings import Settings
from drillbook.steps import DEFINITIONS, Definition


def definitions(root: Path) -> Sequence[Definition]:
    """Import the checkout's step modules, as pytest does, and return what they defined."""
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        package = importlib.import_module("steps")
        for name in package.pytest_plugins:
            importlib.import_module(name)
    except ImportError as error:
        raise UsageError(
            f"{root / 'steps'}: the step modules cannot be imported: {error}. "
            "Correct the import, or the list in steps/__init__.py."
        ) from error
    return DEFINITIONS


def runbooks(settings: Settings, paths: Sequence[Path]) -> tuple[list[Runbook], list[Problem]]:
    """The runbooks under `paths` (default: all), and what kept others from being read."""
    return reader.read_all(reader.discover(settings.root, paths), settings.root)


def bound(settings: Settings, found: Sequence[Runbook]) -> list[BoundRunbook]:
    """Every runbook with its steps as values. Raises RunbookProblem with all problems at once."""
    binder = Binder(definitions(settings.root))
    results = [binder.bind(runbook) for runbook in found]
    problems = [str(problem) for _, ones in results for problem in ones]
    if problems:
        raise RunbookProblem("\n".join(problems))
    return [one for one, _ in results if one is not None]


def one_runbook(settings: Settings, name: str) -> Runbook:
    """A runbook by id, by path or by its file's stem. Raises UsageError naming what there is."""
    found, problems = runbooks(settings, [])
    if problems:
        raise UsageError("\n".join(str(problem) for problem in problems))
    for runbook in found:
        if name in (runbook.id, str(runbook.path), runbook.path.stem):
            return runbook
    known = ", ".join(f"{r.id} ({r.path})" for r in found)
    raise UsageError(f"no runbook is named {name!r}. There is: {known}.")


def alerts(settings: Settings) -> dict[str, monitoring.AlertRule]:
    return monitoring.load_alerts(settings.root, settings.environment)
