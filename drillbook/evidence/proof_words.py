"""What accepted drills say of a cause, in sentences. Pure; absolute dates only."""

from collections.abc import Iterable, Iterator
from typing import Final

from drillbook.evidence.figures import seconds
from drillbook.evidence.markdown import code, prose
from drillbook.evidence.proof_state import Asking, Standing, State
from drillbook.evidence.records import Drill, Times
from drillbook.model import Control, Phase


def proof_words(found: Standing, days: int) -> str:
    """One cause's proof in a sentence or two, as Markdown. `days`: how long a drill counts."""
    drill = found.drill
    if drill is None:
        return f"NEVER RUN: {found.why}."
    times, on = drill.times, drill.started.date()
    where = f"at commit {_commit(drill.commit)} on {prose(environment(drill))}"
    took = f"detected in {seconds(times.ttd_s)}, recovered in {seconds(times.ttr_s)}"
    if times.begun is not None:
        took = f"done in {seconds(times.ttr_s)}"
    manual = f", {drill.manual} manual" if drill.manual else ""
    if found.state is State.FAILING:
        return f"FAILING: drilled on {on} {where}; {prose(found.why)}. {_controls_words(found)}"
    if found.state is State.NEVER_RUN:
        return f"NOT PROVEN: drilled on {on} {where}, {took}{manual}, but {prose(found.why)}."
    if found.state is State.STALE:
        return f"STALE: last proven on {on} {where}, {took}{manual}, but {prose(found.why)}."
    until = found.valid_until(days)
    return (
        f"verified on {on} {where}, valid until {until}: {took}{manual}. {_controls_words(found)}"
    )


def _controls_words(found: Standing) -> str:
    """How many drills asked this cause where it should not hold, and whether it did there."""
    asked: dict[str, list[bool | None]] = {}
    for one in found.controls:
        asked.setdefault(one.drill.name, []).append(one.held)
    number = len(asked)
    held = sum(True in answers for answers in asked.values())
    silent = sum(True not in answers and None in answers for answers in asked.values())
    said = f"{held or 'None'} of its {number} controls falsified it."
    if number == 1:
        said = f"Its one control {'falsified' if held else 'did not falsify'} it."
    if number == 0:
        said = "It has had no control."
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
    yield from _asked(standing.controls)


def _measured(drill: Drill, later_s: float) -> Iterator[str]:
    times = drill.times
    yield f"The drill of {drill.started.date()} ended as {drill.verdict}. {_course(times)}"
    if times.ttd_s is not None and later_s:
        word = "longer" if later_s > 0 else "shorter"
        yield (
            f"In production the alert's `for` is {seconds(abs(later_s))} {word} than in the drill: "
            f"expect it after {seconds(times.ttd_s + later_s)}."
        )
    if times.t4 is not None and times.t1 is not None and times.floor_s is not None:
        yield (
            f"From symptom to alert it took {seconds(times.t4 - times.t1)}; scrape, evaluation and "
            f"`for` alone can take {seconds(times.floor_s)}."
        )


def _course(times: Times) -> str:
    """What happened when, as far as it did."""
    begin = "the fault"
    reached: tuple[tuple[float | None, str], ...] = (
        (times.t1, "the symptom showed {}"),
        (times.ttd_s, "the alert was there {}"),
        (times.t5, "the cause was known {}"),
        (times.ttr_s, "everything was back {}"),
    )
    if times.begun is not None:
        begin = "its beginning"
        known_s = None if times.t5 is None else times.t5 - times.begun
        reached = (known_s, "all was checked {}"), (times.ttr_s, "it was done {}")
    known = [(time, text) for time, text in reached if time is not None]
    said = [text.format("at once" if t < 1 else f"after {seconds(t)}") for t, text in known]
    missed = "" if len(said) == len(reached) else " What is not named was not reached."
    return f"From {begin} on: {', '.join(said) or 'nothing'}.{missed}"


_SAID: Final = {
    True: "HELD, which falsifies it",
    False: "did not hold, which is right",
    None: "gave no answer",
}


def _asked(controls: Iterable[Asking]) -> Iterator[str]:
    """One sentence for each phase and answer, with every place that it was asked of."""
    places: dict[tuple[Phase, bool | None], list[str]] = {}
    for asked in controls:
        places.setdefault((asked.phase, asked.held), []).append(_place(asked))
    for (phase, held), found in places.items():
        yield f"Controls: its {phase}, asked of {', of '.join(found)}, {_SAID[held]}."


def _place(asked: Asking) -> str:
    healthy = asked.drill.control is Control.HEALTHY
    where = "a healthy system" if healthy else f"the incident {code(asked.incident)}"
    return f"{where} ({asked.drill.started.date()})"
