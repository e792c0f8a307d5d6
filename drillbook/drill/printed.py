"""The printed line beside each read that passed: what a responder would paste must say the same. It
runs beside the drill's own steps, so no figure holds its time, and is repeated until it agrees, for
two scrapes at most (kubectl lists pods that are going)."""

import subprocess
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from drillbook.drill import command_run
from drillbook.drill.perform import Performer
from drillbook.drill.recorder import Recorder
from drillbook.evidence.records import PrintedLine
from drillbook.model import Probe, Verdict
from drillbook.model.clock import Stopped, SystemClock
from drillbook.model.errors import CouldNotTell
from drillbook.model.matchers import Contains

LINES: Final = 8
WIDTH: Final = 200
LINE_WITHIN_S: Final = 60.0
"""As long as a tool's own read may take."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What came of one printed line. `printed`: redacted, LINES lines of WIDTH characters."""

    command: str
    verdict: Verdict
    """FAILED: the read holds, the line does not. ERROR: nobody could compare them."""
    printed: str
    why: str = ""


@dataclass
class PrintedLines:
    """A drill's lines under way, by a step's line number or the name of another read."""

    performer: Performer
    _clock: SystemClock = field(default_factory=SystemClock)
    _ended: str = ""
    _running: dict[int | str, Future[Shown]] = field(default_factory=dict)
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(8, thread_name_prefix="printed")
    )

    def run(self, key: int | str, probe: Probe) -> None:
        """Begin to run the line of a read that has just held. Returns at once."""
        clients = self.performer.clients
        since = None if clients.since is None else clients.since + self.performer.skew
        # As whoever reads it: of a drill's identities only the inspector runs a program in a pod.
        who = getattr(probe.source, "IDENTITY", None)
        environment = (clients.acting_as(who) if who else clients).environment()
        self._running[key] = self._pool.submit(self._shown, probe, since, environment)

    def settle(self) -> dict[int | str, Shown]:
        """Wait for every line that is under way: what follows would change what they say."""
        found = {key: future.result() for key, future in self._running.items()}
        self._running.clear()
        return found

    def end(self) -> None:
        """End every line that is under way."""
        self._ended = "the drill ended"
        self._clock.end()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _shown(self, probe: Probe, since: datetime | None, environment: Mapping[str, str]) -> Shown:
        line, begin = str(probe.source.command()), self._clock.monotonic()
        verdict, why = Verdict.PASSED, ""
        limit_s = 2 * self.performer.settings.scrape_s
        try:
            while (said := self._run(line, probe, since, environment))[1]:
                if self._clock.monotonic() - begin >= limit_s:
                    verdict, why = self._against_the_read(probe, since, said[1])
                    break
                self._clock.sleep(self.performer.settings.poll_s)
        except Stopped:
            said, verdict, why = ("", ""), Verdict.ERROR, self._ended or self.performer.lost()
        why = self.performer.redactor.seen(why)
        clean = self.performer.redactor.seen(said[0])
        cut = [one[:WIDTH] + "..." * (len(one) > WIDTH) for one in clean.splitlines()[:LINES]]
        return Shown(command=line, verdict=verdict, printed="\n".join(cut), why=why)

    def _run(
        self, line: str, probe: Probe, since: datetime | None, environment: Mapping[str, str]
    ) -> tuple[str, str]:
        """What the line printed, and in what it differs from what was expected: empty when it does
        not. Of a text that was searched, the lines that were looked for come first."""
        ran = command_run.run(
            line,
            environment=environment,
            folder=self.performer.settings.root,
            within_s=LINE_WITHIN_S,
            held_for_s=self.performer.held_for_s,
            lost=lambda: self._ended or self.performer.lost(),
            errors=subprocess.DEVNULL,
        )
        if self._ended or ran.cut:
            raise Stopped
        if ran.code != 0:
            return ran.said, f"it ends with exit code {ran.code}"
        try:
            answer = probe.source.parse(ran.said)
        except CouldNotTell as error:
            return ran.said, str(error)
        if not probe.expect.holds(answer, since):
            return ran.said, f"it does not show {probe.expect.describe()}"
        found = probe.expect.lines(ran.said) if isinstance(probe.expect, Contains) else ran.said
        return found, ""

    def _against_the_read(
        self, probe: Probe, since: datetime | None, why: str
    ) -> tuple[Verdict, str]:
        """The line is wrong only when the read still holds."""
        try:
            reading = probe.source.read(self.performer.clients)
        except CouldNotTell as error:
            return Verdict.ERROR, str(error)
        if probe.expect.holds(reading.answer, since):
            return Verdict.FAILED, why
        return Verdict.ERROR, f"what was read is not so any more: {reading.answer}"


def noted(recorder: Recorder, found: Mapping[int | str, Shown]) -> str:
    """Record what came of each line; a step whose line differs fails. Returns the first."""
    said = ""
    for key, shown in found.items():
        wrong = shown.verdict is not Verdict.PASSED
        words = (
            f"the page would have lied: the read passed, its printed line did not: {shown.why}"
            if shown.verdict is Verdict.FAILED
            else f"the printed line could not be compared with the read: {shown.why}"
        )
        if isinstance(key, str):
            recorder.shown.append(PrintedLine(command=shown.command, printed=shown.printed))
        else:
            passed = replace(recorder.evidence[key], printed=shown.printed)
            lied = replace(passed, verdict=shown.verdict, observed=words)
            recorder.evidence[key] = lied if wrong else passed
        if wrong and not said:
            where = key if isinstance(key, str) else f"line {key}"
            said = f"{where}: {shown.command}: {words}"
    return said
