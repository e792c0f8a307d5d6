"""A page walked on a live incident by a person: each step is shown, and a line runs when it is told
to; a change only after `yes`. Every step is timed and logged. The end of the answers is a stop."""

import shlex
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from drillbook.evidence.figures import seconds
from drillbook.model import Action, BoundCause, BoundStep, Finding, Phase, Probe, Reinject
from drillbook.model.errors import CouldNotTell
from drillbook.model.values import CHANGED_AT
from drillbook.pages.cause_views import StepView, elsewhere, namer, step_view
from drillbook.pages.page_words import Words, words_of
from drillbook.respond import diagnose
from drillbook.respond.diagnose import Outcome, Verdict
from drillbook.respond.incident_log import IncidentLog
from drillbook.respond.variables import Place

LINES: Final = 8
WIDTH: Final = 200
POLL_S: Final = 2.0
_READ: Final = {"": "run", "r": "run", "a": "all", "s": "skip", "q": "stop"}
_READ_ASKED: Final = "Run it? [Enter: run, a: run all that only read, s: skip, q: stop] "
_CHANGE: Final = {"yes": "run", "s": "skip", "": "skip", "q": "stop"}
_CHANGE_ASKED: Final = "This line changes the system. Run it? [yes, s: skip, q: stop] "
_AGAIN: Final = {"r": "again", "": "on", "q": "stop"}
_AGAIN_ASKED: Final = "[r: once more, Enter: go on, q: stop] "
_PREVENT: Final = {"yes": "on", **dict.fromkeys(("", "s", "q"), "stop")}
_PREVENT_ASKED: Final = "Go on to what prevents it all the same? [yes, Enter: stop here] "
_DONE: Final = {"y": "done", "": "skip", "s": "skip", "q": "stop"}


_SKIPPED: Final = "skipped"


class Stopped(Exception):
    """The person stops here, or there are no more answers."""


@dataclass
class Walk:
    """One incident. `hear`: the answer to a question, None when there are no more."""

    place: Place
    log: IncidentLog
    say: Callable[[str], None]
    hear: Callable[[str], str | None]
    read_s: float
    """How long a check without a budget may take to hold."""
    change_s: float
    """How long a line that changes may take that has no budget of its own."""
    changed: datetime = field(default_factory=lambda: datetime.now(UTC))
    """The last change (UTC), or the beginning."""
    tried: bool = False
    """A line that changes was run, whatever came of it."""
    _all: bool = False
    _shown: float = field(default_factory=time.monotonic)

    def which_cause(self) -> BoundCause:
        """Every cause's diagnosis, and the cause that the person goes on with. Raises Stopped."""
        causes = self.place.bound.causes
        while True:
            self.place.look_again()
            said: dict[str, tuple[str, str]] = {}
            for cause in causes:
                for step, own in diagnose.asked_steps(cause, self.place.bound):
                    for probe in (own, *diagnose.ended(own, self.log.alert)):
                        line = str(probe.source.command())
                        if line not in said and not self._holds(own, said):
                            told = self._check(Phase.DIAGNOSIS, cause.cause.id, step, probe, 0.0)
                            said[line] = told
            asked = [
                diagnose.cause_found(one, self.place.bound, said, self.log.alert) for one in causes
            ]
            nothing = diagnose.nothing_there(said)
            verdict = Verdict.UNKNOWN if nothing else diagnose.verdict_of(asked)
            holding = [one.id for one in asked if one.outcome is Outcome.HOLDS]
            self.say(f"\n{verdict}{nothing and ': '}{nothing}")
            for one in asked:
                self.say(f"  {one.outcome}: {one.id}: {one.name}")
            ids = {cause.cause.id: cause for cause in causes}
            known = {**{name: name for name in ids}, "r": "again", "q": "stop"}
            enter = f"Enter: {holding[0]}; or " if verdict is Verdict.ONE else ""
            known |= {"": holding[0]} if enter else {}
            if not enter:
                self.say("Look again, escalate, or name the cause that you are sure of.")
            names = ", ".join(ids)
            asks = f"Go on with which cause? [{enter}{names}, r: ask again, q: stop] "
            if (name := self._answer(asks, known)) != "again":
                self.log.chose(name)
                return ids[name]

    def _holds(self, probe: Probe, said: Mapping[str, tuple[str, str]]) -> bool:
        line = str(probe.source.command())
        return line in said and self._judged(probe, *said[line])

    def _judged(self, probe: Probe, said: str, why: str) -> bool:
        return diagnose.judged(probe, said, why, self.changed).outcome is Outcome.HOLDS

    def mend(self, cause: BoundCause) -> bool:
        """Remediation, then prevention. Whether every check of the remediation held. Raises
        Stopped."""
        over = False
        for phase in (Phase.REMEDIATION, Phase.PREVENTION):
            if phase is Phase.PREVENTION and not over:
                # What keeps a good state from changing would keep a bad one.
                self.say("\nNo check of the remediation says that it is over.")
                self._answer(_PREVENT_ASKED, _PREVENT)
            self.say(f"\n{self._words.phases[phase]}: {cause.cause.name}")
            steps = list(_steps(cause, phase))
            held = [self._step(phase, cause, step) for step in steps]
            checked = any(isinstance(step.value, Probe) for step in steps)
            if phase is Phase.REMEDIATION and checked and all(held):
                over = True
                self.log.over()
                self.say("\nIt is over: every check of the remediation holds.")
        return over

    def _step(self, phase: Phase, cause: BoundCause, step: BoundStep) -> bool:
        """False for a check that did not hold."""
        value, name = step.value, cause.cause.id
        if isinstance(value, Probe):
            within_s = value.within.seconds if value.within else self.read_s
            while True:
                said, why = self._check(phase, name, step, value, within_s)
                held = self._judged(value, said, why)
                if held or why == _SKIPPED:
                    return held
                self.say(f"If it stays so: {elsewhere(phase, None, self._words)}.")
                if self._answer(_AGAIN_ASKED, _AGAIN) == "on":
                    return False
        if isinstance(value, Action):
            self._change(phase, name, step, value)
        elif not isinstance(value, Reinject):  # putting the fault in again is for drills only
            view = self._show(step, "")
            self._note(phase, name, view, self._answer("Done? [y: done, s: skip, q: stop] ", _DONE))
        return True

    def _check(
        self, phase: Phase, cause: str, step: BoundStep, probe: Probe, within_s: float
    ) -> tuple[str, str]:
        """What a check's line printed, and why nobody can tell: shown, and run when told to, until
        it holds or its budget ends."""
        view = self._show(step, str(probe.source.command()))
        if not self._told():
            self._note(phase, cause, view, "skipped")
            return "", _SKIPPED
        told = time.monotonic()
        if within_s:
            self.say(f"    asked again for up to {seconds(within_s)}; Ctrl-C stops")
        said, why = self._read(probe, within_s)
        found = diagnose.judged(probe, said, why, self.changed)
        self._note(phase, cause, view, "run", found.outcome, found.said or found.why, told)
        return said, why

    def _read(self, probe: Probe, within_s: float) -> tuple[str, str]:
        throughout_s = probe.throughout.seconds if probe.throughout else 0.0
        until, since = time.monotonic() + within_s + throughout_s, 0.0
        while True:
            try:
                self.place.fill([probe.source.command()])
                said, why = diagnose.ask(probe, self.place.found, self.place.shell)
            except CouldNotTell as error:
                said, why = "", str(error)
            now = time.monotonic()
            since = (since or now) if self._judged(probe, said, why) else 0.0
            if (since and now - since >= throughout_s) or now >= until:
                return said, why
            time.sleep(POLL_S)
            self.place.look_again()

    def _change(self, phase: Phase, cause: str, step: BoundStep, action: Action) -> None:
        view = self._show(step, "")
        known = self._known(action) if not action.reads or self._told() else None
        if known is None or not self._can_run(action):
            self._note(phase, cause, view, "skipped")
            return
        final = "; it cannot be undone" if view.final else ""
        self.say(f"{_indented(action.line)}\n    Risk: {action.risk.value}{final}")
        if self._answer(_CHANGE_ASKED, _CHANGE) == "skip":
            self._note(phase, cause, view, "skipped")
            return
        told, self.tried = time.monotonic(), True
        said, outcome = "interrupted", "could not tell what it changed"
        try:
            within_s = action.within.seconds if action.within else self.change_s
            said = self.place.shell.run(action.line, self.place.found, within_s)
            outcome, self.changed = "changed", datetime.now(UTC)
            self.place.found[CHANGED_AT.name] = f"{self.changed.timestamp():.0f}"
        except CouldNotTell as error:
            said = str(error)
        finally:  # Ctrl-C, too: whoever takes over must read that it was begun
            self._note(phase, cause, view, "run", outcome, "\n".join((*known, said)), told)
        if action.rollback:
            self.say(f"  To take it back, only if it did harm:\n{_indented(self._back(action))}")

    def _back(self, action: Action) -> str:
        """The line for a shell of the person's own, with what was known before the change: read
        now, it would be what the change has set."""
        known = {**self.place.shown, "CONTEXT": self.place.shell.environment["CONTEXT"]}
        needed = sorted(action.rollback.variables) if action.rollback else ()
        exports = [f"export {name}={shlex.quote(known[name])}" for name in needed if name in known]
        return "\n".join((*exports, action.back))

    def _can_run(self, action: Action) -> bool:
        """Find what its line needs, before anybody says yes to it. The ports anew: the change
        before may have replaced who was behind one."""
        self.place.look_again()
        try:
            self.place.fill([action.command])
        except CouldNotTell as error:
            self.say(f"    {error}\n    Without it the line cannot run, so nothing is changed.")
            return False
        return True

    def _known(self, action: Action) -> list[str] | None:
        """Read or ask for what must be known before a change; None where a value is missing."""
        known = []
        for one in action.reads:
            name, value = one.var.name, ""
            if isinstance(one, Finding):
                try:
                    self.place.fill([one.command])
                    value = self.place.shell.ask(one.command, self.place.found)
                except CouldNotTell as error:
                    self.say(f"    {one.command}: {error}")
                if not value:
                    self.say(f"    {name} was not read. Do you know what it is now?")
            else:
                self.say(f"    {name}: {one.says}")
            value = value or self._given(name)
            if not value:
                self.say(f"    {name} is not given, so nothing is changed.")
                return None
            self.place.found[name] = value
            known.append(f"{name}={value}")
            self.say(f"    {known[-1]}")
        return known

    def _given(self, name: str) -> str:
        """A value by hand; empty where there is none. What skips and stops everywhere else does so
        here, too: it is no value."""
        answer = self._heard(f"    [Enter or s: change nothing, q: stop]\n    {name}=")
        if answer == "q":
            raise Stopped
        return "" if answer == "s" else answer

    @property
    def _words(self) -> Words:
        return words_of(self.place.bound.runbook)

    # ------------------------------------------------------------------ the person

    def _show(self, step: BoundStep, line: str) -> StepView:
        view = step_view(step, namer(self.place.bound))
        self.say(f"\n{view.sentence}")
        for text in (view.note, line, view.expect and f"Expect: {view.expect}"):
            if text:
                self.say(_indented(text))
        self._shown = time.monotonic()
        return replace(view, command=line or view.command)

    def _told(self) -> bool:
        """Whether the line that only reads is to be run."""
        told = "run" if self._all else self._answer(_READ_ASKED, _READ)
        self._all = self._all or told == "all"
        return told != "skip"

    def _answer(self, question: str, known: Mapping[str, str]) -> str:
        while True:
            told = known.get(self._heard(question).lower())
            if told == "stop":
                raise Stopped
            if told is not None:
                return told

    def _heard(self, question: str) -> str:
        answer = self.hear(question)
        if answer is None:
            raise Stopped
        return answer.strip()

    def _note(
        self,
        phase: Phase,
        cause: str,
        view: StepView,
        did: str,
        outcome: str = "",
        said: str = "",
        told: float = 0.0,
    ) -> None:
        """Say and log what came of a step. `told`: the moment (monotonic) the line began."""
        now = time.monotonic()
        took_s = now - told if told else 0.0
        if outcome:
            # Redacted before it is cut: half of a secret is not known to be one.
            shown = _cut(self.log.seen(said) or "nothing was printed")
            self.say(f"{shown}\n  {outcome} ({took_s:.1f} s)")
        self.log.add(
            phase=phase.value,
            cause=cause,
            step=view.sentence,
            line=view.command,
            did=did,
            outcome=str(outcome),
            said=said,
            decided_s=(told or now) - self._shown,
            took_s=took_s,
        )


def _steps(cause: BoundCause, phase: Phase) -> Iterator[BoundStep]:
    return (step for one in cause.of(phase) for step in one.steps)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _cut(text: str) -> str:
    return "\n".join(f"      {line[:WIDTH]}" for line in text.splitlines()[:LINES])
