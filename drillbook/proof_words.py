"""What accepted drills say of a cause, in sentences. Pure; absolute dates only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from drillbook.figures import seconds
from drillbook.markdown import cause_anchor, code, prose
from drillbook.model import BoundCause, Control
from drillbook.records import Drill
from drillbook.standing import Asking, Standing, State


@dataclass(frozen=True, kw_only=True)
class ProofLine:
    """One cause's proof in a sentence or two, as Markdown."""

    name: str
    anchor: str
    words: str


def proof_line(bound: BoundCause, found: Standing, days: int) -> ProofLine:
    return ProofLine(
        name=prose(bound.cause.name),
        anchor=cause_anchor(bound.cause.id),
        words=_proof_words(found, days),
    )


def _proof_words(found: Standing, days: int) -> str:
    drill = found.drill
    if drill is None:
        return f"NEVER RUN: {found.why}."
    times, on = drill.times, drill.started.date()
    where = f"at commit {_commit(drill.commit)} on {prose(environment(drill))}"
    took = f"detected in {seconds(times.ttd_s)}, recovered in {seconds(times.ttr_s)}"
    manual = f", {drill.manual} manual" if drill.manual else ""
    if found.state is State.FAILING:
        return f"FAILING: drilled on {on} {where}; {prose(found.why)}. {_controls_words(found)}"
    if found.state is State.NEVER_RUN:
        return f"NOT PROVEN: drilled on {on} {where}, {took}{manual}, but {prose(found.why)}."
    if found.state is State.STALE:
        return f"STALE: last proven on {on} {where}, {took}{manual}; since then {prose(found.why)}."
    until = found.valid_until(days)
    return (
        f"verified on {on} {where}, valid until {until}: {took}{manual}. {_controls_words(found)}"
    )


def _controls_words(found: Standing) -> str:
    """How many drills asked this cause where it should not hold, and whether it did."""
    asked: dict[str, list[bool | None]] = {}
    for one in found.controls:
        asked.setdefault(one.drill.name, []).append(one.held)
    number = len(asked)
    held = sum(True in answers for answers in asked.values())
    silent = sum(True not in answers and None in answers for answers in asked.values())
    plural = "control" if number == 1 else "controls"
    said = f"{held or 'None'} of its {number} {plural} falsified it."
    return said + (f" {silent} could not tell." if silent else "")


def _commit(commit: str) -> str:
    head, _, dirty = commit.partition("+")
    return f"{head[:7]} with uncommitted changes" if dirty else head[:7]


def environment(drill: Drill) -> str:
    return drill.cluster.environment if drill.cluster else "no cluster"


def drilled(standing: Standing, later_s: float) -> Iterator[str]:
    drill = standing.drill
    if drill is None:
        yield "Not yet drilled."
    else:
        yield from _measured(drill, later_s)
    for asked in standing.controls:
        yield _asked(asked)


def _measured(drill: Drill, later_s: float) -> Iterator[str]:
    times = drill.times
    yield (
        f"The drill of {drill.started.date()} ended as {drill.verdict}. It saw the symptom after "
        f"{seconds(times.t1)} and the alert after {seconds(times.ttd_s)}, knew the cause "
        f"{seconds(times.ttl_s)} later, and had everything back {seconds(times.ttr_s)} after the "
        "fault."
    )
    if times.ttd_s is not None and later_s:
        word = "later" if later_s > 0 else "earlier"
        yield (
            f"In production the alert waits for another time than in the drill, and comes "
            f"{seconds(abs(later_s))} {word}: expect it after {seconds(times.ttd_s + later_s)}."
        )
    overhead = times.detection_overhead_s
    if overhead is not None:
        word = "less" if overhead < 0 else "more"
        yield (
            f"From symptom to alert it took {seconds(abs(overhead))} {word} than the worst case of "
            f"{seconds(times.floor_s)} (scrape, evaluation and `for`)."
        )


def _asked(asked: Asking) -> str:
    where = (
        "a healthy system"
        if asked.drill.control is Control.HEALTHY
        else f"the incident {code(asked.drill.cause)}"
    )
    said = {
        True: "HELD, which falsifies it",
        False: "did not hold, as it should",
        None: "gave no answer",
    }
    on = asked.drill.started.date()
    return f"Control of {on}: {asked.phase} asked of {where} {said[asked.held]}."
