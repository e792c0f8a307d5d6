"""Which cause holds now: every cause's diagnosis lines, run side by side in the responder's shell.
Wrong is not unknown: a line that gave no answer speaks neither for a cause nor against it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from drillbook.evidence.markdown import cause_anchor
from drillbook.model import BoundCause, BoundRunbook, BoundStep, Command, Probe, Var, command, join
from drillbook.model.errors import CouldNotTell
from drillbook.model.matchers import Contains
from drillbook.pages.page_words import words_of
from drillbook.respond.shell import Shell
from drillbook.respond.variables import Learn, Place, reach
from drillbook.sources import Logs


class Outcome(StrEnum):
    HOLDS = "holds"
    NOT = "does not hold"
    UNKNOWN = "could not tell"


class Verdict(StrEnum):
    ONE = "one cause holds"
    NONE = "no cause holds"
    SEVERAL = "several causes hold"
    UNKNOWN = "could not tell"


@dataclass(frozen=True, kw_only=True)
class LineFound:
    """One diagnosis line. `said`: what it printed, of a text that was searched the lines found."""

    command: str
    expect: str
    outcome: Outcome
    said: str = ""
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class CauseFound:
    id: str
    name: str
    fix: str
    """Page and anchor."""
    lines: tuple[LineFound, ...]

    @property
    def outcome(self) -> Outcome:
        """One line that does not hold is enough against it; all must hold for it."""
        found = {line.outcome for line in self.lines}
        if Outcome.NOT in found:
            return Outcome.NOT
        return Outcome.HOLDS if found == {Outcome.HOLDS} else Outcome.UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One place of a runbook, and its causes; `why`: why nothing could be asked there."""

    runbook: str
    title: str
    alert: str
    values: Mapping[str, str]
    causes: tuple[CauseFound, ...] = ()
    why: str = ""

    @property
    def verdict(self) -> Verdict:
        return Verdict.UNKNOWN if self.why else verdict_of(self.causes)


def verdict_of(causes: Sequence[CauseFound]) -> Verdict:
    found = [cause.outcome for cause in causes]
    if found.count(Outcome.HOLDS) > 1:
        return Verdict.SEVERAL
    if not found or Outcome.UNKNOWN in found:
        return Verdict.UNKNOWN
    return Verdict.ONE if Outcome.HOLDS in found else Verdict.NONE


def alerts(shell: Shell) -> list[dict[str, str]]:
    """The labels of every active alert. Raises CouldNotTell."""
    reach("ALERTMANAGER", shell)
    address = join(Var("ALERTMANAGER"), "/api/v2/alerts")
    words = ("curl", "-fsS", "--max-time", "4", "--get", address)
    try:
        said = shell.ask(command(*words, "--data-urlencode", "active=true"))
    except CouldNotTell as error:
        raise CouldNotTell(
            f"Alertmanager at {shell.environment['ALERTMANAGER']} does not say what fires: {error}."
            " Without it: --set NAMESPACE=... and the names that the page finds, --set APP=..."
        ) from error
    try:
        return [{str(k): str(v) for k, v in one["labels"].items()} for one in json.loads(said)]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CouldNotTell("Alertmanager answered without a list of alerts") from error


def lines(bound: BoundRunbook) -> list[Command]:
    """The diagnosis lines of every cause."""
    return [probe.source.command() for cause in bound.causes for probe in probes(cause, bound)]


def diagnose(
    bound: BoundRunbook, alert: str, values: Mapping[str, str], shell: Shell, learn: Learn
) -> Incident:
    """Ask every cause of a runbook in one place."""
    runbook, place = bound.runbook, Place(bound, shell, learn, dict(values))
    about = Incident(runbook=runbook.id, title=runbook.title, alert=alert, values={})
    every = (p for one in bound.causes for p in probes(one, bound))
    asked = {str(p.source.command()): p for own in every for p in (own, *ended(own, alert))}
    said: dict[str, tuple[str, str]] = {}
    for line, probe in asked.items():
        try:
            place.fill([probe.source.command()])
        except CouldNotTell as error:
            # A port without a pod behind it leaves the other lines something to say.
            said[line] = "", str(error)
    if len(said) == len(asked):
        why = next((why for _, why in said.values()), "it has no line that tells")
        return replace(about, values=place.shown, why=why)
    left = [line for line in asked if line not in said]
    with ThreadPoolExecutor(len(left)) as pool:
        answers = pool.map(lambda line: ask(asked[line], place.found, shell), left)
        said |= dict(zip(left, answers, strict=True))
    causes = tuple(cause_found(cause, bound, said, alert) for cause in bound.causes)
    return replace(about, values=place.shown, causes=causes, why=nothing_there(said))


def nothing_there(said: Mapping[str, tuple[str, str]]) -> str:
    """Why nobody can tell when no line found anything: kubectl says nothing of what is not there.
    Empty when one did, or could not be asked."""
    asked = [(text, why) for line, (text, why) in said.items() if " --previous " not in line]
    silent = bool(asked) and not any(text or why for text, why in asked)
    words = "every line printed nothing, as where nothing has these names. Are the values right?"
    return words if silent else ""


def asked_steps(cause: BoundCause, bound: BoundRunbook) -> Iterator[tuple[BoundStep, Probe]]:
    """What tells a cause: its diagnosis, and where no alert has told it, its detection."""
    phases = words_of(bound.runbook).asked
    steps = (step for phase in phases for one in cause.of(phase) for step in one.steps)
    return ((step, step.value) for step in steps if isinstance(step.value, Probe))


def probes(cause: BoundCause, bound: BoundRunbook) -> Iterator[Probe]:
    return (probe for _, probe in asked_steps(cause, bound))


def ended(probe: Probe, alert: str) -> Iterator[Probe]:
    """Where a log is asked and an alert fires, the same of the run that ended: a container that has
    just been started again says nothing yet of why the one before it did not stay up."""
    if alert and isinstance(probe.source, Logs) and not probe.source.previous:
        yield replace(probe, source=replace(probe.source, previous=True))


def ask(probe: Probe, values: Mapping[str, str], shell: Shell) -> tuple[str, str]:
    """What the line printed, and why nobody can tell what it says; empty when one can."""
    try:
        said = shell.ask(probe.source.command(), values)
        probe.source.parse(said)
    except CouldNotTell as error:
        return "", str(error)
    return said, ""


def cause_found(
    cause: BoundCause, bound: BoundRunbook, said: Mapping[str, tuple[str, str]], alert: str
) -> CauseFound:
    """`said`: by line, what it printed and why nobody can tell; not every ended run was asked."""
    lines = tuple(_found(probe, said, alert) for probe in probes(cause, bound))
    fix = f"{bound.runbook.page}#{cause_anchor(cause.cause.id)}"
    return CauseFound(id=cause.cause.id, name=cause.cause.name, fix=fix, lines=lines)


def _found(probe: Probe, said: Mapping[str, tuple[str, str]], alert: str) -> LineFound:
    found = judged(probe, *said[str(probe.source.command())])
    for other in ended(probe, alert):
        line = str(other.source.command())
        if found.outcome is Outcome.NOT and line in said:
            before = judged(other, *said[line])
            found = before if before.outcome is Outcome.HOLDS else found
    return found


def judged(probe: Probe, said: str, why: str, since: datetime | None = None) -> LineFound:
    """`since`: the last change (UTC)."""
    line, expect = str(probe.source.command()), probe.expect.describe()
    if why:
        return LineFound(command=line, expect=expect, outcome=Outcome.UNKNOWN, why=why)
    holds = probe.expect.holds(probe.source.parse(said), since)
    outcome = Outcome.HOLDS if holds else Outcome.NOT
    shown = probe.expect.lines(said) if holds and isinstance(probe.expect, Contains) else said
    return LineFound(command=line, expect=expect, outcome=outcome, said=shown)
