"""A cause and its steps as a page shows them: Markdown in plain values, for the template. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from drillbook.evidence.markdown import cause_anchor, evidence, prose, sentence
from drillbook.evidence.proof_state import Standing, State
from drillbook.evidence.proof_words import drilled, proof_words
from drillbook.evidence.records import Drill, StepRecord
from drillbook.model import (
    Action,
    Advice,
    BoundCause,
    BoundRunbook,
    BoundScenario,
    BoundStep,
    Name,
    Phase,
    Probe,
    Reinject,
    Risk,
    Var,
    Verdict,
    parts_of,
)
from drillbook.model.slug import slug
from drillbook.pages.page_words import Words, words_of


@dataclass(frozen=True, kw_only=True)
class StepView:
    """One step, as Markdown. `kind`: check, change, advice or reinject."""

    kind: str
    sentence: str
    command: str = ""
    expect: str = ""
    saw: str = ""
    risk: str = ""
    note: str = ""
    asks: tuple[tuple[str, str], ...] = ()
    """What only a person can know: the export to fill in, and what to write."""
    reading: str = ""
    """Bash lines that read what is known before the change."""
    rollback: str = ""
    final: bool = False
    """It destroys, and nothing takes it back."""


@dataclass(frozen=True)
class ScenarioView:
    name: str
    steps: tuple[StepView, ...]
    otherwise: str
    """Where to go on when something else is seen, as Markdown."""


@dataclass(frozen=True, kw_only=True)
class CauseView:
    """One cause, as Markdown."""

    id: str
    anchor: str
    name: str
    label: str
    """What its diagnosis says, without markup; for the diagram, as is `plain_name`."""
    plain_name: str
    about: str
    state: State
    proof: str
    phases: tuple[tuple[str, tuple[ScenarioView, ...]], ...]
    drill: Drill | None
    fault: str
    changes: tuple[str, ...]
    effect: StepView
    drilled: tuple[str, ...]
    """What the drill measured and the controls showed, a sentence each."""
    hash: str


Namer = Callable[[str], str]
"""Turns a sentence's names of the drill into the page's variables."""


def namer(bound: BoundRunbook) -> Namer:
    """`"orders"` becomes `$APP`, as code: the responder's application has another name."""
    names = {f'"{name.literal}"': f"`{_bare(name)}`" for name in bound.names}
    if not names:
        return sentence
    pattern = re.compile("|".join(map(re.escape, names)))
    return lambda text: sentence(pattern.sub(lambda match: names[match[0]], text))


def _bare(name: Name) -> str:
    """`$SCHEMA.$TABLE`: without the quotes that a shell needs."""
    return "".join(f"${p.name}" if isinstance(p, Var) else p for p in parts_of(name.word))


def cause_views(
    bound: BoundRunbook,
    found: Mapping[str, Standing],
    hashes: Mapping[str, str],
    later_s: float,
    days: int,
) -> list[CauseView]:
    """Every cause as the page shows it. `found`, `hashes`: by cause; `later_s`: by how much
    production's alert comes later; `days`: how long a drill counts."""
    name = namer(bound)
    following = [*bound.causes[1:], None]
    words = words_of(bound.runbook)
    causes = (
        _Cause(one, after, found[one.cause.id], name, hashes[one.cause.id], words)
        for one, after in zip(bound.causes, following, strict=True)
    )
    return [one.view(later_s, days) for one in causes]


@dataclass(frozen=True)
class _Cause:
    """A cause on its way to a page."""

    bound: BoundCause
    after: BoundCause | None
    """The cause that a responder looks for next."""
    standing: Standing
    name: Namer
    hash: str
    words: Words

    @property
    def drill(self) -> Drill | None:
        return self.standing.drill

    @property
    def same(self) -> bool:
        """Nothing that counts has changed since the drill."""
        return self.drill is not None and self.drill.hash == self.hash

    def view(self, later_s: float, days: int) -> CauseView:
        bound, cause = self.bound, self.bound.cause
        return CauseView(
            id=cause.id,
            anchor=cause_anchor(cause.id),
            name=prose(cause.name),
            label=" and ".join(s.scenario.name for s in bound.of(Phase.DIAGNOSIS)) or cause.name,
            plain_name=cause.name,
            about=prose(cause.description),
            state=self.standing.state,
            proof=proof_words(self.standing, days),
            phases=tuple((phase.value, self._scenarios(phase)) for phase in Phase),
            drill=self.drill,
            fault=prose(sentence(bound.fault.title)),
            changes=tuple(change.in_words() for change in bound.fault.changes),
            effect=check_view(bound.fault.effect),
            drilled=(*drilled(self.standing, later_s), *_budgets(bound, self.name)),
            hash=self.hash[:16],
        )

    def _scenarios(self, phase: Phase) -> tuple[ScenarioView, ...]:
        otherwise = elsewhere(phase, self.after, self.words)
        return tuple(
            ScenarioView(prose(one.scenario.name), tuple(self._steps(one)), otherwise)
            for one in self.bound.of(phase)
        )

    def _recorded(self, one: BoundScenario) -> list[StepRecord]:
        """What the drill saw of this scenario: by its place when nothing that counts has changed
        (its words may have), by its name when something has: lines move."""
        seen = self.drill.scenarios if self.drill else ()
        if self.same and len(seen) == len(self.bound.scenarios):
            return list(seen[self.bound.scenarios.index(one)].steps)
        return next((list(s.steps) for s in seen if s.name == one.scenario.name), [])

    def _steps(self, bound: BoundScenario) -> Iterator[StepView]:
        left = self._recorded(bound)
        if self.same and len(left) == len(bound.steps):
            yield from map(self._step, bound.steps, left)
            return
        # By their words, in order: a step put in or taken out leaves the others' proof alone.
        for step in bound.steps:
            found = next((seen for seen in left if seen.text == step.step.text), None)
            if found is not None:
                left.remove(found)
            yield self._step(step, found)

    def _step(self, bound: BoundStep, seen: StepRecord | None) -> StepView:
        # The text that a matcher searches, if it searches one: evidence is cut around it.
        around = str(getattr(getattr(bound.value, "expect", None), "expected", ""))
        saw = "" if isinstance(bound.value, Advice) else _saw(seen, self.drill, around)
        return replace(step_view(bound, self.name), saw=saw)


def step_view(bound: BoundStep, name: Namer) -> StepView:
    """A step without what a drill saw of it."""
    value, said = bound.value, prose(name(bound.step.text))
    if isinstance(value, Advice):
        return StepView(kind="advice", sentence=prose(sentence(value.text)))
    if isinstance(value, Action):
        return StepView(
            kind="change",
            sentence=prose(name(_asking(bound.step.text, value))),
            command=value.line,
            risk=value.risk.value,
            note=prose(value.note),
            asks=tuple((f"export {a.var.name}=''", prose(a.says)) for a in value.asks),
            reading="\n".join(value.reading),
            rollback=value.back,
            final=value.risk is Risk.DESTROYS and value.rollback is None,
        )
    if isinstance(value, Probe):
        return replace(check_view(value), sentence=said)
    return StepView(kind="reinject", sentence=said)


def elsewhere(phase: Phase, after: BoundCause | None, words: Words) -> str:
    """Where a responder goes on when a phase shows something else than expected."""
    if phase is Phase.DETECTION:
        return f"{words.gone}; see whether all of [Verify](#verify) holds"
    if phase is Phase.DIAGNOSIS and after is not None:
        link = f"[{prose(after.cause.name)}](#{cause_anchor(after.cause.id)})"
        return f"it is another cause; go to {link}"
    if phase is Phase.REMEDIATION:
        return (
            "do not repeat the change; take back what did not help, look again at "
            f"[{words.choose}](#{slug(words.choose)}), then [escalate](#escalate)"
        )
    return "[escalate](#escalate)"


def _asking(text: str, action: Action) -> str:
    """The sentence of a change, without the values that only the drill filled in."""
    for one in action.asks:
        text = text.replace(f'"{one.in_drill}"', f"`${one.var.name}`")
    return text


def check_view(probe: Probe) -> StepView:
    command = str(probe.source.command())
    return StepView(kind="check", sentence="", command=command, expect=_expect(probe))


def _expect(probe: Probe) -> str:
    """What to expect and where to look for it in what the command prints."""
    held = f", for {probe.throughout} on end" if probe.throughout else ""
    if moment := getattr(probe.source, "of", ""):
        return prose(f"the {moment} is fewer seconds ago than your last change{held}")
    return prose(f"{probe.expect.describe()}{_where_to_look(probe)}{held}")


def _where_to_look(probe: Probe) -> str:
    """A source that prints more than its answer says where the answer stands: a tool its `field`,
    a query of `metric` its samples, a log of `tail` lines its end."""
    field = getattr(probe.source, "shown_field", getattr(probe.source, "field", ""))
    if field:
        return f" in the field `{field}`"
    if getattr(probe.source, "tail", 0):
        return ". The log of a container that has just started lacks it yet: repeat the line"
    asks_metrics = hasattr(probe.source, "metric") or hasattr(probe.source, "reads")
    return ", as the last number in quotes" if asks_metrics else ""


_SAW: Final = {
    Verdict.PASSED: "saw",
    Verdict.FAILED: "did not see what was expected, but",
    Verdict.ERROR: "could not tell, and saw",
}


_OUTCOMES: Final = {
    "blocked": "blocked, the cluster refused it",
    "absorbed": "absorbed, it went in and did no harm",
    "took effect": "took effect, it did the same harm again",
}
"""What came of putting the fault in again, for a reader who has not read the design."""


def _saw(seen: StepRecord | None, drill: Drill | None, around: str) -> str:
    """What the accepted drill saw, dated and trimmed."""
    if drill is None:
        return "Not yet drilled."
    on = f"The drill of {drill.started.date()}"
    if seen is None:
        return f"Not yet drilled in these words ({on.lower()} had others)."
    if seen.verdict not in _SAW:
        return f"{on} did not come to this step."
    if seen.printed:
        printed = evidence(seen.printed, around)
        gap = "" if printed[0].isspace() else " "
        return f"In the drill of {drill.started.date()} it printed:{gap}{printed}"
    outcome = f" (outcome: {prose(_OUTCOMES.get(seen.outcome, seen.outcome))})" * bool(seen.outcome)
    said = evidence(seen.observed, around)
    return f"{on} {_SAW[seen.verdict]}{outcome}:{'' if said[0].isspace() else ' '}{said}"


def _budgets(bound: BoundCause, name: Namer) -> Iterator[str]:
    """What a drill allows: a sentence that holds too late has failed."""
    steps = [step for scenario in bound.scenarios for step in scenario.steps]
    timed = [s.step.text for s in steps if getattr(s.value, "within", None) is not None]
    if any(isinstance(step.value, Reinject) for step in steps):
        yield (
            "In its prevention the drill takes the fault back, puts it in once more, and waits as "
            "long as the symptom took the first time."
        )
    if timed:
        late = " ".join(prose(name(text)) for text in dict.fromkeys(timed))
        yield f"A drill fails when one of these is late: {late}"
