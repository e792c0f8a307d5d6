"""The last drills of a runbook, as a page lists them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from drillbook.evidence.figures import Ratio, ratio, seconds
from drillbook.evidence.judge import judged, why_not_judged
from drillbook.evidence.markdown import cell, cut
from drillbook.evidence.records import Drill
from drillbook.model import Control, Verdict

SHOWN: Final = 10
FOLDED: Final = 40
"""Rows that are seen at once, and rows that are folded; a page stays below 150 KB."""
TREND: Final = 8
"""Times of one cause, the newest first."""

_REASON: Final = 160
"""Characters of a reason; the record has all of it."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One drill as cells of a table."""

    when: str
    what: str
    verdict: str
    detected: str
    recovered: str
    commit: str
    where: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a page shows of the past."""

    rows: tuple[Row, ...]
    folded: tuple[Row, ...]
    left_out: int
    passed: Ratio
    """Of the plain drills that were judged."""
    trend: tuple[tuple[str, str], ...]
    """Cause and its times to recovery, the newest first."""


def shown(drills: Sequence[Drill]) -> Shown:
    """Every drill that is worth a row, the newest first."""
    ordered = sorted(drills, key=lambda d: (d.started, d.name), reverse=True)
    plain = [d for d in ordered if d.control is Control.PLAIN and judged(d)]
    return Shown(
        rows=tuple(_row(d) for d in ordered[:SHOWN]),
        folded=tuple(_row(d) for d in ordered[SHOWN : SHOWN + FOLDED]),
        left_out=max(0, len(ordered) - SHOWN - FOLDED),
        passed=ratio([d.verdict is Verdict.PASSED for d in plain]),
        trend=_trend(plain),
    )


def _row(drill: Drill) -> Row:
    return Row(
        when=drill.started.strftime("%Y-%m-%d %H:%M"),
        what=cell(f"{drill.cause}, {drill.control}"),
        verdict=cell(_verdict(drill)),
        detected=_time(drill.times.ttd_s),
        recovered=_time(drill.times.ttr_s),
        commit=cell(drill.commit[:7] + ("+" if "+" in drill.commit else "")),
        where=cell(drill.cluster.environment if drill.cluster else "no cluster"),
    )


def _verdict(drill: Drill) -> str:
    manual = f", {drill.manual} manual" if drill.manual else ""
    why = cut(why_not_judged(drill), _REASON)
    return f"{drill.verdict}{manual}" + (f", not counted ({why})" if why else "")


def _time(value: float | None) -> str:
    return "-" if value is None else seconds(value)


def _trend(plain: Sequence[Drill]) -> tuple[tuple[str, str], ...]:
    causes = dict.fromkeys(d.cause for d in plain)
    return tuple((c, _times([d for d in plain if d.cause == c][:TREND])) for c in causes)


def _times(drills: Sequence[Drill]) -> str:
    found = [d.times.ttr_s if d.verdict is Verdict.PASSED else None for d in drills]
    return ", ".join("not recovered" if time is None else seconds(time) for time in found)
