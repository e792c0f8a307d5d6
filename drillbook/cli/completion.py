"""What a shell offers to complete: runbooks, causes, alerts and runs of the checkout that one
stands in."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from drillbook.book import catalogue, checkout
from drillbook.cluster import settings
from drillbook.model import Runbook
from drillbook.model.errors import DrillbookError

Item = TypeVar("Item")


def runbooks(incomplete: str) -> list[str]:
    """Ids and alerts; files are the shell's own to complete."""
    names = (name for one in _all() for name in (one.id, *one.alerts))
    return _beginning(incomplete, names)


def alerts(incomplete: str) -> list[str]:
    """Those that a rule is written for."""
    return _beginning(incomplete, _quiet(lambda: checkout.alerts(settings.load()).written))


def unwritten(incomplete: str) -> list[str]:
    """AREA/NAME of what the catalogue has and nobody wrote."""

    def names() -> list[str]:
        root = settings.load().root
        paths = [
            one.path for one in catalogue.load(root).values() if not (root / one.path).exists()
        ]
        return [path.removeprefix("features/").removesuffix(".feature") for path in paths]

    return _beginning(incomplete, _quiet(names))


def runs(incomplete: str) -> list[str]:
    """Folders of reports/runs."""
    return _beginning(incomplete, _quiet(lambda: [p.name for p in settings.load().runs.iterdir()]))


def causes(incomplete: str) -> list[str]:
    return _beginning(incomplete, (cause.id for one in _all() for cause in one.causes))


def _all() -> list[Runbook]:
    return list(_quiet(lambda: checkout.runbooks(settings.load(), [])[0]))


def _quiet(read: Callable[[], Iterable[Item]]) -> Iterable[Item]:
    """None where nothing can be read: a shell has no place for an error."""
    try:
        return read()
    except (DrillbookError, OSError):
        return ()


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if name.startswith(incomplete)})
