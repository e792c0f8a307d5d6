"""In what state of proof each cause of a runbook stands, from accepted records alone. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TypeAlias

from drillbook.evidence.accept import Accepted
from drillbook.evidence.judge import first_problem, judged, manual_phases
from drillbook.evidence.proof import ALL
from drillbook.evidence.records import Drill
from drillbook.model import BoundRunbook, Control, Phase, Verdict

Proofs: TypeAlias = Accepted
"""(runbook id, cause id or `all`, control) -> records, the newest first."""

_ASKED = (Phase.DETECTION, Phase.DIAGNOSIS)


class State(StrEnum):
    """Of a cause; a page's is the worst of its causes'."""

    VERIFIED = "verified"
    STALE = "stale"
    """What was proven is not what the page shows now."""
    NEVER_RUN = "never-run"
    """Not everything that a proof needs was ever drilled."""
    FAILING = "failing"


_FROM_BEST = tuple(State)


@dataclass(frozen=True, kw_only=True)
class Asking:
    """One phase of a cause, asked where it should not hold: healthy, or another's incident."""

    drill: Drill
    phase: Phase
    held: bool | None
    """None: could not tell."""
    incident: str = ALL
    """The other cause, its runbook's id before it when it is another one's; `all` in health."""
    present: bool = True
    """What was asked is what the cause says now."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One cause's state, the records that it rests on, and the reason in words."""

    cause: str
    state: State
    why: str
    """Empty when it is verified; a sentence without its full stop otherwise."""
    drill: Drill | None
    """The newest plain drill that was valid and said yes or no."""
    controls: tuple[Asking, ...]

    @property
    def witnesses(self) -> tuple[Drill, ...]:
        """Every record that the state rests on, the cause's own first."""
        own = [self.drill] if self.drill else []
        return tuple(dict.fromkeys([*own, *(asked.drill for asked in self.controls)]))

    def valid_until(self, days: int) -> date | None:
        """The last day on which every record that it rests on still counts."""
        dates = [drill.started.date() for drill in self.witnesses]
        return min(dates) + timedelta(days=days) if dates else None


def standings(
    bound: BoundRunbook, proofs: Proofs, hashes: Mapping[str, str]
) -> tuple[Standing, ...]:
    """Every cause's standing, in order. `hashes`: the present tree's, by cause and for `all`."""
    newest = _newest(bound, proofs)
    runbook = bound.runbook.id
    return tuple(_standing(runbook, c.cause.id, newest, hashes) for c in bound.causes)


def worst(found: Sequence[Standing]) -> State:
    """A page's state. Raises ValueError for a runbook without causes."""
    return max((one.state for one in found), key=_FROM_BEST.index)


def _newest(bound: BoundRunbook, proofs: Proofs) -> dict[str, Drill]:
    """Of each cause, of `all`, and of each other runbook's cause (by both ids) that asked this
    runbook, the record that counts: valid, with a yes or no."""
    own = bound.runbook.id
    plain = {c.cause.id: proofs.get((own, c.cause.id, Control.PLAIN), ()) for c in bound.causes}
    found = {cause: list(drills) for cause, drills in plain.items()}
    found[ALL] = list(proofs.get((own, ALL, Control.HEALTHY), ()))
    for drill in proofs.askers.get(own, ()):
        name = ALL if drill.cause == ALL else f"{drill.runbook} {drill.cause}"
        found.setdefault(name, []).append(drill)
    counting = {
        name: sorted(filter(judged, drills), key=lambda d: (d.started, d.attempt), reverse=True)
        for name, drills in found.items()
    }
    # Of the newest run its first attempt: a repetition does not better what failed.
    some = ((name, drills) for name, drills in counting.items() if drills)
    return {name: [d for d in drills if d.run == drills[0].run][-1] for name, drills in some}


def lost(drills: Iterable[Drill], known: Collection[tuple[str, str]]) -> tuple[str, ...]:
    """Proofs whose cause no runbook has now, in words. `known`: runbook ids and cause ids."""
    found: dict[tuple[str, str], list[Drill]] = {}
    for drill in drills:
        if drill.cause != ALL and judged(drill) and (drill.runbook, drill.cause) not in known:
            found.setdefault((drill.runbook, drill.cause), []).append(drill)
    return tuple(
        f"{runbook} {cause}: {len(ones)} {'drill' if len(ones) == 1 else 'drills'}, the last on "
        f"{max(d.started for d in ones).date()}, but no runbook has this cause now. If it was "
        "renamed, take the old id back: it is kept for life."
        for (runbook, cause), ones in sorted(found.items())
    )


def _standing(
    runbook: str, cause: str, newest: Mapping[str, Drill], hashes: Mapping[str, str]
) -> Standing:
    controls = tuple(
        Asking(
            drill=drill,
            phase=question.phase,
            held=question.held,
            incident=name,
            # An older record says nothing of what it asked: there its own hash says it.
            present=question.hash == hashes[cause]
            if question.hash
            else name != ALL or drill.hash == hashes[ALL],
        )
        for name, drill in newest.items()
        if name != cause
        for question in drill.questions
        if (question.runbook or drill.runbook, question.cause) == (runbook, cause)
        and question.phase in _ASKED
    )
    drill = newest.get(cause)
    state, why = _judge(drill, controls, cause, hashes)
    return Standing(cause=cause, state=state, why=why, drill=drill, controls=controls)


def _judge(
    drill: Drill | None, controls: Sequence[Asking], cause: str, hashes: Mapping[str, str]
) -> tuple[State, str]:
    """The worst that can be said, and why."""
    for asked in controls:
        if asked.held:
            return State.FAILING, _falsified(asked)
    if drill is not None and drill.verdict is not Verdict.PASSED:
        return State.FAILING, _failed(drill)
    if drill is None:
        return State.NEVER_RUN, "no accepted drill has injected it and repaired it"
    unknown = sorted({q.cause for q in drill.questions if q.held is None})
    if unknown:
        why = f"whether it is {' or '.join(unknown)} could not be told on its incident"
        return State.NEVER_RUN, why
    left = manual_phases(drill)
    if left:
        return State.NEVER_RUN, f"its {' and '.join(left)} can be done by a person only"
    in_health = {a.phase: a.held for a in controls if a.incident == ALL}
    if any(in_health.get(phase) is not False for phase in _ASKED):
        return State.NEVER_RUN, "no accepted drill has asked it of a healthy system"
    if drill.hash != hashes[cause]:
        return State.STALE, "what this page shows is not what was proven then"
    if not all(asked.present for asked in controls if asked.incident == ALL):
        return State.STALE, "the healthy system was asked with another text of this runbook"
    return State.VERIFIED, ""


def _falsified(asked: Asking) -> str:
    where = "a healthy system" if asked.incident == ALL else f"the incident {asked.incident}"
    return f"its {asked.phase} also holds in {where}, where it should not"


def _failed(drill: Drill) -> str:
    problem = first_problem(drill)
    if problem is None:
        return "its last drill did not pass"
    scenario, text = problem
    return f"its {scenario.phase} did not hold: {text}"
