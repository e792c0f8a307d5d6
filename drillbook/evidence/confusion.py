"""Which cause the diagnoses named, for each fault: the confusion matrix. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from drillbook.evidence.judge import phase_verdict
from drillbook.evidence.records import Drill
from drillbook.model import Control, Phase, Verdict


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault's line. A drill whose diagnosis names two causes counts in both columns."""

    fault: str
    drills: int
    diagnosed: tuple[int, ...]
    """For each cause of the matrix."""
    unknown: int
    """Drills in which every diagnosis said no."""
    could_not_tell: int


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Fault x diagnosed cause, of one runbook."""

    runbook: str
    causes: tuple[str, ...]
    rows: tuple[Row, ...]


def matrices(first: Sequence[Drill], listed: Mapping[str, Sequence[str]]) -> tuple[Matrix, ...]:
    """One per runbook that was drilled. `listed`: its causes in the catalogue's order."""
    valid = [d for d in first if d.valid]
    asking: dict[str, list[Drill]] = {}
    for drill in valid:
        for runbook in {drill.runbook, *(q.runbook or drill.runbook for q in drill.questions)}:
            asking.setdefault(runbook, []).append(drill)
    return tuple(
        _matrix(runbook, asking[runbook], listed.get(runbook, ()))
        for runbook in sorted({drill.runbook for drill in valid})
    )


def _matrix(runbook: str, valid: Sequence[Drill], known: Sequence[str]) -> Matrix:
    plain = [d for d in valid if d.runbook == runbook and d.control is Control.PLAIN]
    causes = tuple(dict.fromkeys([*known, *(d.cause for d in plain)]))
    rows = {c: [d for d in plain if d.cause == c] for c in causes}
    healthy = [d for d in valid if d.control is Control.HEALTHY]
    faults = [*rows.items(), ("healthy", healthy)]
    found = tuple(_row(runbook, name, drills, causes) for name, drills in faults)
    return Matrix(runbook=runbook, causes=causes, rows=found)


def _row(runbook: str, fault: str, drills: Sequence[Drill], causes: Sequence[str]) -> Row:
    said = [_diagnosed(runbook, drill) for drill in drills]
    named = sum(True in one.values() for one in said)
    unknown = sum(set(one.values()) == {False} for one in said)
    return Row(
        fault=fault,
        drills=len(drills),
        diagnosed=tuple(sum(one.get(cause) is True for one in said) for cause in causes),
        unknown=unknown,
        could_not_tell=len(said) - named - unknown,
    )


def _diagnosed(runbook: str, drill: Drill) -> dict[str, bool | None]:
    """Cause of the runbook -> whether its diagnosis held; None: could not tell."""
    asked = {q.cause: q.held for q in drill.asked(runbook) if q.phase is Phase.DIAGNOSIS}
    if drill.control is Control.PLAIN:
        own = phase_verdict(drill, Phase.DIAGNOSIS)
        asked[drill.cause] = {Verdict.PASSED: True, Verdict.FAILED: False}.get(own)
    return asked
