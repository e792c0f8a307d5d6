"""Whose success is a recovery? A system that healed itself proves nothing about a remediation.
Asked once, before the remediation's first change: if all that it should bring about is there
already, what comes after it could not be told from what was there before."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from drillbook.drill.perform import Performer
from drillbook.model import BoundStep, Probe
from drillbook.model.errors import CouldNotTell, InvalidDrill
from drillbook.sources import FiringAlert

TRIES: Final = 3
"""Reads of one fact until it counts as one that nobody could tell."""


class NotAttributable(InvalidDrill):
    """The system had recovered before the remediation began."""


def refuse_self_healed(
    steps: Sequence[BoundStep], performer: Performer, affected_at: datetime
) -> None:
    """`steps`: the remediation's; `affected_at`: when the fault's effect was confirmed (UTC).
    Raises NotAttributable when every check of the system itself (no alert's silence) holds already,
    by an answer newer than the effect; CouldNotTell."""
    checks = [
        (step.step.text, step.value)
        for step in steps
        if isinstance(step.value, Probe) and not isinstance(step.value.source, FiringAlert)
    ]
    seen = []
    for text, probe in checks:
        answer = _holds(probe, performer, affected_at)
        if answer is None:
            return
        seen.append(f"{text!r} holds already ({answer})")
    if seen:
        raise NotAttributable(
            f"not attributable: the system had recovered before the remediation's first change: "
            f"{'; '.join(seen)}. Make the fault last until it is mended, or check something that "
            "only the remediation can bring about."
        )


def _holds(probe: Probe, performer: Performer, affected_at: datetime) -> str | None:
    """The answer by which it holds now; None when it does not. Raises CouldNotTell."""
    last: CouldNotTell | None = None
    floor = affected_at + performer.skew
    for _ in range(TRIES):
        try:
            reading = probe.source.read(performer.clients)
        except CouldNotTell as error:
            last = error
            performer.clock.sleep(performer.settings.poll_s)
            continue
        if reading.dated is not None and reading.dated <= floor:
            return None
        return str(reading.answer) if probe.expect.holds(reading.answer, floor) else None
    raise CouldNotTell(
        f"whether the system had recovered before the remediation began could not be told: {last}"
    )
