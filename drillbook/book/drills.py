"""The drills that a runbook has, by name."""

from __future__ import annotations

from collections.abc import Iterator

from drillbook.evidence.proof import ALL
from drillbook.model import Control, Runbook


def drill_name(cause: str, control: Control) -> str:
    """A drill's class name: `driver-oom--plain`, `all--healthy`."""
    return f"{cause}--{control}"


def drills_of(runbook: Runbook) -> Iterator[tuple[str, Control]]:
    """Every drill of a runbook: each cause plain, then `healthy` once."""
    for cause in runbook.causes:
        yield cause.id, Control.PLAIN
    yield ALL, Control.HEALTHY
