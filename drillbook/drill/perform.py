"""Values -> evidence: a probe waits for its fact and keeps the last answer; an action runs. The
performer changes only what an Action's line changes, and tells a listener what it reads on the way,
so that the moments of an incident (t2, t3, t4) are seen when they happen."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import Identity
from drillbook.cluster.settings import Settings
from drillbook.drill import command_run
from drillbook.evidence.redactor import Redactor
from drillbook.model import Action, Advice, AlertState, Duration, Evidence, Probe, Reading, Verdict
from drillbook.model.clock import Clock
from drillbook.model.errors import CouldNotTell
from drillbook.model.matchers import Contains, Silent
from drillbook.sources import FiringAlert

OBSERVED_LIMIT = 4000
"""Characters of an answer that evidence keeps: its end, where a log says why."""

Listener = Callable[[Probe, Reading], None]
"""Hears every answer."""

Waiting = Callable[[Probe, str], None]
"""Hears, after each read that did not end the wait, what was seen last."""


Ends = Callable[[float], float]
"""When a probe began -> when "no" may be said (monotonic seconds); asked anew after each read."""


def ignore(probe: Probe, seen: object) -> None:
    """The default of both: hears nothing."""


@dataclass
class Performer:
    """Performs the values of one drill."""

    clients: Connections
    settings: Settings
    clock: Clock
    skew: timedelta = timedelta()
    """The servers' clock minus the runner's."""
    listener: Listener = ignore
    waiting: Waiting = ignore
    redactor: Redactor = field(default_factory=Redactor)
    held_for_s: Callable[[], float] = lambda: 3600.0
    """Seconds for which the lease is certain: an Action's leash, and what is seen counts."""
    lost: Callable[[], str] = lambda: ""
    """Why the lease is not held any more."""
    heard: set[str] = field(default_factory=set)
    """Alerts that were listed during this drill: silence counts only after sound."""

    def probe(
        self,
        probe: Probe,
        budget: Duration | None = None,
        ends: Ends | None = None,
        anew: bool = False,
    ) -> Evidence:
        """Read until it holds or the budget (or `ends`) is over. The last answer is kept. `anew`:
        when every answer was older than the last change, it is an ERROR."""
        within = budget or probe.within or self.settings.duration("probe_within")
        started, begin = self.clock.now(), self.clock.monotonic()
        wait = _Wait(
            probe=probe,
            held_for_s=probe.throughout.seconds if probe.throughout else 0.0,
            gap_limit_s=2 * self.settings.scrape_s,
            answered_at=begin,
            anew=anew,
        )
        slept_s = 0.0
        while True:
            self._read(wait)
            now = self.clock.monotonic()
            left_s = (begin + within.seconds if ends is None else ends(begin)) - now
            if wait.done(now) or left_s <= 0:
                break
            self.waiting(probe, wait.observed)
            pause = self.clock.monotonic()
            self.clock.sleep(min(self.settings.poll_s, max(left_s, 0.001)))
            slept_s += self.clock.monotonic() - pause
        took = timedelta(seconds=self.clock.monotonic() - begin)
        if ends is not None:
            within = Duration(f"{took.total_seconds():.0f}s")
        verdict, observed = self._while_held(wait.verdict(self.clock.monotonic()), wait.observed)
        seen = Evidence(
            verdict=verdict,
            command=str(probe.source.command()),
            expected=expectation(probe, within),
            observed=observed,
            started=started,
            took=took,
            waited=timedelta(seconds=slept_s),
        )
        return self.clean(seen)

    def _while_held(self, verdict: Verdict, observed: str) -> tuple[Verdict, str]:
        """Without a certain lease, what was seen may be the work of whoever undoes the drill."""
        if self.held_for_s() > 0:
            return verdict, observed
        why = self.lost() or "it could not be renewed in time"
        return Verdict.ERROR, f"seen after the drill's lease was lost ({why}): {observed}"

    def clean(self, evidence: Evidence) -> Evidence:
        """Redacted where it is made, then cut: half of a secret is not known to be one."""
        clean = self.redactor.evidence(evidence)
        return replace(clean, observed=_trim(clean.observed))

    def _read(self, wait: "_Wait") -> None:
        probe = wait.probe
        try:
            self._refuse_silence_before_sound(probe)
            reading = probe.source.read(self.clients)
        except CouldNotTell as error:
            wait.could_not_tell(str(error), self.clock.monotonic())
            return
        self._hear(probe, reading)
        self.listener(probe, reading)
        since = self.clients.since
        if reading.dated is not None and since is not None and reading.dated <= since + self.skew:
            wait.stale(reading)
            return
        server_since = None if since is None else since + self.skew
        holds = probe.expect.holds(reading.answer, server_since)
        if holds and isinstance(probe.expect, Contains):
            reading = replace(reading, answer=probe.expect.lines(str(reading.answer)))
        wait.answer(reading, holds, self.clock.monotonic())

    def _hear(self, probe: Probe, reading: Reading) -> None:
        source, answer = probe.source, reading.answer
        if isinstance(source, FiringAlert) and isinstance(answer, AlertState) and answer.listed:
            self.heard.add(source.alert)

    def _refuse_silence_before_sound(self, probe: Probe) -> None:
        source = probe.source
        if not (isinstance(probe.expect, Silent) and isinstance(source, FiringAlert)):
            return
        if source.alert not in self.heard:
            raise CouldNotTell(
                f"{source.alert} was never seen firing in this drill, so its silence says "
                "nothing. Let a detection step see it fire first."
            )

    def action(self, action: Action) -> Evidence:
        """Run exactly the printed lines in `bash -eu`, as a responder, while the lease is held."""
        within = action.within or self.settings.duration("action_within")
        started, begin = self.clock.now(), self.clock.monotonic()
        line = action.block
        self.clients.values.update({one.var.name: one.in_drill for one in action.asks})
        ran = command_run.run(
            line,
            environment=self.clients.acting_as(Identity.RESPONDER).environment(),
            folder=self.settings.root,
            within_s=within.seconds,
            held_for_s=self.held_for_s,
            lost=self.lost,
        )
        verdict, observed = _judged(ran, within)
        took = timedelta(seconds=self.clock.monotonic() - begin)
        seen = Evidence(
            verdict=verdict,
            command=line,
            expected="the line ends with exit code 0",
            observed=observed,
            started=started,
            took=took,
        )
        return self.clean(seen)

    def advice(self, advice: Advice) -> Evidence:
        """Nothing to perform: a person's step."""
        now, manual = self.clock.now(), Verdict.MANUAL
        return Evidence(verdict=manual, expected=advice.text, observed="", started=now)


@dataclass
class _Wait:
    """What one wait has seen so far."""

    probe: Probe
    held_for_s: float
    gap_limit_s: float
    """Longer without an answer, and nobody can say what was the case meanwhile."""
    answered_at: float
    anew: bool = False
    """"No" needs an answer from after the last change."""
    outdated: bool = False
    """The newest dated answer was from before it; that its series then ends tells nothing."""
    longest_gap_s: float = 0.0
    observed: str = "nothing was read"
    unknown: bool = True
    held_since: float | None = None

    def answer(self, reading: Reading, holds: bool, at: float) -> None:
        self.unknown = False
        self.outdated = self.outdated and reading.dated is None
        self.answered_at = at
        self.observed = _shown(reading)
        if not holds:
            self.held_since = None
        elif self.held_since is None:
            self.held_since = at

    def stale(self, reading: Reading) -> None:
        """An answer from before the last change: it says nothing about the present."""
        self.held_since, self.outdated = None, True
        # For an alert rule the question stays open until it is evaluated again; a series or an
        # object that shows no newer state by the end of the budget is an answer: it did not happen.
        self.unknown = isinstance(reading.answer, AlertState)
        self.observed = f"{_shown(reading)} (older than the last change)"

    def could_not_tell(self, why: str, at: float) -> None:
        self.unknown, self.held_since, self.observed = True, None, why
        self.longest_gap_s = max(self.longest_gap_s, at - self.answered_at)

    def done(self, at: float) -> bool:
        return self.held_since is not None and at - self.held_since >= self.held_for_s

    def verdict(self, at: float) -> Verdict:
        if self.done(at):
            return Verdict.PASSED
        blind = self.unknown or (self.anew and self.outdated)
        blind = blind or self.longest_gap_s > self.gap_limit_s
        return Verdict.ERROR if blind else Verdict.FAILED


def _judged(ran: command_run.Ran, within: Duration) -> tuple[Verdict, str]:
    """What came of an Action's line, and what it said."""
    if ran.cut:
        return Verdict.ERROR, f"ended, because the drill's lease was lost: {ran.cut}\n{ran.said}"
    if ran.code is None:
        return Verdict.FAILED, f"still running after {within}; ended\n{ran.said}".rstrip()
    if ran.code != 0:
        return Verdict.FAILED, f"exit {ran.code}: {ran.said}"
    return Verdict.PASSED, ran.said


def expectation(probe: Probe, within: Duration) -> str:
    """What was expected, in words."""
    through = f", throughout {probe.throughout}" if probe.throughout else ""
    return f"{probe.expect.describe()} within {within}{through}"


def _shown(reading: Reading) -> str:
    text = str(reading.answer)
    return text if reading.dated is None else f"{text} (at {_stamp(reading.dated)})"


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%H:%M:%S")


def _trim(text: str) -> str:
    return text if len(text) <= OBSERVED_LIMIT else f"...{text[-OBSERVED_LIMIT:]}"
