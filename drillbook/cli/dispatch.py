"""Drills side by side, each as a pytest process of its own, with signals passed on to all. A drill
is told by one line when it ends, and by its phases as they end; `moving` gets what each does
meanwhile, for a terminal. With `verbose` every line of every drill is told."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from drillbook.cli import children
from drillbook.cli.children import Child
from drillbook.cli.follow import Followed
from drillbook.cli.schedule import Room, may_start
from drillbook.cli.selection import Selected
from drillbook.drill.progress import MARK
from drillbook.drill.signals import handled_by
from drillbook.evidence import records
from drillbook.model import Undo
from drillbook.model.clock import Clock, SystemClock
from drillbook.model.domains import Lock
from drillbook.model.errors import CouldNotTell, UsageError

MANIFEST = "manifest.json"
POLL_S = 0.1
"""How often the children are looked at."""
KILLED = (
    "It was killed, so it could not undo itself. The reaper does when its lease has run "
    "out; look with `kubectl get drills`, and then `drillbook undo --dead` says what is left."
)


@dataclass
class Turn:
    """A drill from its place in the order to its end."""

    drill: Selected
    place: str
    """`[2/4]`."""
    locks: tuple[Lock, ...]
    memory: float = 0.0
    """Bytes that it asks for."""
    began: float = 0.0
    """Monotonic seconds."""
    followed: Followed = field(default_factory=Followed)

    @property
    def is_setting_up(self) -> bool:
        return self.followed.is_setting_up

    @property
    def label(self) -> str:
        return f"{self.place} {self.drill.name}"


@dataclass
class Dispatcher:
    """Runs drills into one run's folder, as many at once as their locks and the room allow."""

    root: Path
    folder: Path
    options: Sequence[str] = ()
    """Of pytest, for each drill's process."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """On top of this process's: what makes the child drill the cluster that was admitted here."""
    room: Room = field(default_factory=lambda: Room(1))
    memory: Mapping[str, float] = field(default_factory=dict)
    """Bytes that a drill asks for, by its node; 0 where nothing is said."""
    verbose: bool = False
    interrupted: bool = False
    unrecorded: list[Selected] = field(default_factory=list)
    """Drills that were started and left no record."""
    say: Callable[[str], None] = print
    moving: Callable[[list[str]], None] | None = None
    """Takes a line per running drill, again and again; None without a terminal."""
    clock: Clock = field(default_factory=SystemClock)
    _running: list[tuple[Turn, Child]] = field(default_factory=list)

    def begin(self, selected: Sequence[Selected], commit: str) -> None:
        """Write the manifest: what was planned cannot go missing silently. Raises CouldNotTell."""
        planned = {
            "run": self.folder.name,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": commit,
            "planned": [one.node for one in selected],
        }
        try:
            (self.folder / "logs").mkdir(parents=True, exist_ok=True)
            records.write_whole(self.folder / MANIFEST, json.dumps(planned, indent=2) + "\n")
        except OSError as error:
            raise CouldNotTell(
                f"{self.folder}: the run cannot be recorded: {error.strerror}. Nothing was "
                "drilled; make room, or the folder writable."
            ) from error

    def run(self, selected: Sequence[Selected]) -> list[records.Drill]:
        """Run all, or until a signal; returns the records. Every child has undone itself."""
        waiting = [
            Turn(one, f"[{number}/{len(selected)}]", one.locks, self.memory.get(one.node, 0.0))
            for number, one in enumerate(selected, start=1)
        ]
        found: dict[str, records.Drill] = {}
        with handled_by(self._pass_on):
            try:
                while self._start_some(waiting) or self._running:
                    self.clock.sleep(POLL_S)
                    found.update(self._end_some())
                    self._show()
            finally:
                for _, child in self._running:
                    child.interrupt()
                for _, child in self._running:
                    child.process.wait()
        return [found[one.node] for one in selected if one.node in found]

    def _start_some(self, waiting: list[Turn]) -> bool:
        """Start whoever may; False when nobody was started."""
        ready = may_start(waiting, [turn for turn, _ in self._running], self.room)
        for turn in ready:
            if self.interrupted:
                return False
            waiting.remove(turn)
            self._start(turn)
        return bool(ready)

    def _start(self, turn: Turn) -> None:
        if self.verbose or not self.moving:
            self.say(f"{turn.place} {turn.drill.node}")
        turn.began = self.clock.monotonic()
        stem = self.folder / "logs" / turn.drill.stem
        child = children.start(self._command(turn.drill), self.root, stem, self.environment)
        self._running.append((turn, child))
        if self.interrupted:  # by a signal that came while the process was made
            child.interrupt()

    def _end_some(self) -> dict[str, records.Drill]:
        """Tell what the running say; the records of those that have ended, by node."""
        found = {}
        for turn, child in tuple(self._running):
            ended = child.ended
            for line in child.news():
                self._hear(turn, line)
            if ended:
                self._running.remove((turn, child))
                drill = self._record(turn, child)
                if drill is not None:
                    found[turn.drill.node] = drill
        return found

    def _hear(self, turn: Turn, line: str) -> None:
        if not line.startswith(MARK):
            if self.verbose:
                self.say(f"{turn.label} | {line}")
            return
        ended = turn.followed.hear(line)
        if ended and not self.verbose and not self.moving:
            self.say(f"{turn.label}: {ended}")

    def _show(self) -> None:
        if self.moving:
            now = self.clock.monotonic()
            turns = (turn for turn, _ in self._running)
            self.moving([f"{t.label}: {t.followed.moving(now - t.began)}" for t in turns])

    def _record(self, turn: Turn, child: Child) -> records.Drill | None:
        """The record of a drill that has ended; None, with what is known, when it left none."""
        took = f"{self.clock.monotonic() - turn.began:.0f} s"
        path = self.folder / turn.drill.record
        why = f"the drill left no record (pytest's exit code {child.process.returncode})"
        if path.exists():
            try:
                drill = records.read(path)
            except UsageError as error:
                why = str(error)
            else:
                phases = turn.followed.words(drill.cost.wall_s)
                told = f"{_outcome(drill)} in {took}{f' ({phases})' if phases else ''}"
                self.say(f"{turn.place} {turn.drill.node}: {told}")
                return drill
        self.unrecorded.append(turn.drill)
        lines = [f"{turn.place} {turn.drill.node}: {why} after {took}:", child.tail()]
        if child.process.returncode < 0:
            lines.append(KILLED)
        lines.append(f"The whole log: {child.log}")
        self.say("\n".join(line for line in lines if line))
        return None

    def _command(self, one: Selected) -> list[str]:
        return [
            *(sys.executable, "-m", "pytest", one.node, "--drill", f"--drill-run={self.folder}"),
            *([f"--drill-attempt={one.attempt}"] if one.attempt > 1 else []),
            *(*self.options, "-s", "-q", "--no-header", "--tb=short"),
            # A warning of a client library must not end a drill; the engine's tests catch it.
            *("-p", "no:cacheprovider", "-W", "default"),
        ]

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self.interrupted = True
        for _, child in tuple(self._running):
            child.interrupt()


def _outcome(drill: records.Drill) -> str:
    """Its verdict, or that it was refused; and an undo that failed."""
    words = "REFUSED" if drill.refused else str(drill.verdict)
    return f"{words}, UNDO FAILED" if drill.undo is Undo.FAILED else words
