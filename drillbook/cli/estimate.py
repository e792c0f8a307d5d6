"""How long a run will take, by how long its drills took the last time."""

from __future__ import annotations

import heapq
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from drillbook.cli.selection import Selected

UNKNOWN_S = 120.0
"""Of a drill that was never run."""


def last_durations(selected: Sequence[Selected], folders: Sequence[Path]) -> dict[str, float]:
    """Seconds of the newest record of each drill, by node. `folders` hold runs, which are named by
    their beginning."""
    runs = sorted((run for folder in folders for run in folder.glob("*/")), key=lambda p: p.name)
    found = {}
    for one in selected:
        record = next((path for run in reversed(runs) if (path := run / one.record).exists()), None)
        if record is not None:
            with suppress(OSError, ValueError, LookupError, TypeError):
                found[one.node] = float(json.loads(record.read_bytes())["cost"]["wall_s"])
    return found


def expected_s(selected: Sequence[Selected], known: Mapping[str, float], jobs: int) -> float:
    """Seconds until the last has ended, when `jobs` run at once, in the order given."""
    ends = [0.0] * max(1, min(jobs, len(selected)))
    for one in selected:
        heapq.heapreplace(ends, ends[0] + known.get(one.node, UNKNOWN_S))
    return max(ends)


def words(selected: Sequence[Selected], known: Mapping[str, float], jobs: int) -> str:
    """Before a run. Pure."""
    new = sum(one.node not in known for one in selected)
    guessed = f"; {new} never drilled, {UNKNOWN_S:.0f} s assumed each" if new else ""
    about = max(1, round(expected_s(selected, known, jobs) / 60))
    jobs = min(jobs, len(selected))
    drills = "1 drill" if len(selected) == 1 else f"{len(selected)} drills"
    return f"{drills}, at most {jobs} at once: about {about} min by the last time{guessed}"
