"""What a shell offers to complete: runbooks and causes of the checkout that one stands in."""

from __future__ import annotations

from collections.abc import Iterable

from drillbook.book import checkout
from drillbook.cluster import settings
from drillbook.model import Runbook
from drillbook.model.errors import DrillbookError


def runbooks(incomplete: str) -> list[str]:
    """Ids and alerts; files are the shell's own to complete."""
    names = (name for one in _all() for name in (one.id, *one.alerts))
    return _beginning(incomplete, names)


def causes(incomplete: str) -> list[str]:
    return _beginning(incomplete, (cause.id for one in _all() for cause in one.causes))


def _all() -> list[Runbook]:
    """None where nothing can be read: a shell has no place for an error."""
    try:
        return checkout.runbooks(settings.load(), [])[0]
    except DrillbookError:
        return []


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if name.startswith(incomplete)})
