"""The checkout's runbooks, read and bound, with everything that lint looks at."""

import importlib
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from drillbook.book import monitoring, reader
from drillbook.book.alert_rules import Rules
from drillbook.book.bind import Binder
from drillbook.book.halves import in_halves
from drillbook.book.sentences import DEFINITIONS, Definition
from drillbook.cluster.settings import Settings
from drillbook.model import BoundRunbook, Problem, Runbook
from drillbook.model.errors import DrillbookError, RunbookProblem, UsageError


def definitions(root: Path) -> Sequence[Definition]:
    """Import the checkout's step modules, as pytest does, and return what they defined."""
    if not (root / "steps" / "__init__.py").is_file():
        raise UsageError(f"{root / 'steps'}: no __init__.py here, so no sentence is known.")
    if sys.path[0] != str(root):  # another checkout's may be further behind
        sys.path.insert(0, str(root))
    try:
        for name in _modules(root, importlib.import_module("steps")):
            importlib.import_module(name)
    except DrillbookError:
        raise
    except Exception as error:  # a module of the checkout may raise anything at its import
        raise UsageError(
            f"{_place(error, root)}: the step modules cannot be imported: {type(error).__name__}: "
            f"{' '.join(str(error).split())}. Correct the module, or the list in steps/__init__.py."
        ) from error
    return DEFINITIONS


def _modules(root: Path, package: ModuleType) -> Sequence[str]:
    names = getattr(package, "pytest_plugins", ())
    if not names:
        raise UsageError(
            f"{root / 'steps' / '__init__.py'}: pytest_plugins names no step module, so no "
            'sentence is known. Write `pytest_plugins = ["steps.alerts", ...]`.'
        )
    return (names,) if isinstance(names, str) else tuple(names)


def _place(error: Exception, root: Path) -> str:
    """The line of the checkout that raised; a SyntaxError says its own."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    inside = (f for f in traceback.extract_tb(error.__traceback__) if _is_below(f.filename, root))
    last = next(reversed(list(inside)), None)
    return f"{last.filename}:{last.lineno}" if last else str(root / "steps")


def _is_below(file: str, root: Path) -> bool:
    # The engine itself may be installed below the checkout.
    return any(Path(file).is_relative_to(root / name) for name in ("steps", "fixtures"))


def runbooks(settings: Settings, paths: Sequence[Path]) -> tuple[list[Runbook], list[Problem]]:
    """The runbooks under `paths` (default: all), and what kept others from being read."""
    return read(settings, reader.discover(settings.root, paths))


def read(settings: Settings, files: Sequence[Path]) -> tuple[list[Runbook], list[Problem]]:
    """The runbooks of some feature files, and what kept others from being read."""
    halves = in_halves(lambda some: reader.read_all(some, settings.root), files)
    return [r for found, _ in halves for r in found], [p for _, wrong in halves for p in wrong]


def bound(settings: Settings, found: Sequence[Runbook]) -> list[BoundRunbook]:
    """Every runbook with its steps as values. Raises RunbookProblem with all problems at once."""
    binder = Binder(definitions(settings.root))
    results = [binder.bind(runbook) for runbook in found]
    problems = [str(problem) for _, ones in results for problem in ones]
    if problems:
        raise RunbookProblem("\n".join(problems))
    return [one for one, _ in results if one is not None]


def one_runbook(settings: Settings, name: str) -> Runbook:
    """The one runbook of that name (`names_of`). Raises UsageError, MalformedFeature."""
    found = reader.discover(settings.root, [Path(name)])
    if len(found) > 1:
        several = ", ".join(str(path.relative_to(settings.root)) for path in found)
        raise UsageError(f"{name}: {len(found)} runbooks: {several}. Name one of them.")
    return reader.read(found[0], settings.root)


def alerts(settings: Settings) -> Rules:
    return monitoring.load_alerts(settings.root, settings.environment)
