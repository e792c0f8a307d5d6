"""Rehearsals that are killed or paused at one write, and what they leave behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from drillbook.changes.undo.killpoints import AT, BY, TRACE
from tests.on_cluster.checkouts import ROOT
from tests.on_cluster.snapshot import await_nothing, left_of

LEASE_S = 30.0
GRACE_S = 15.0
"""The invariant: at the baseline within the lease's expiry and this."""
AT_ONCE = 8


@dataclass
class Rehearsal:
    """One process of tests.on_cluster.rehearsal."""

    child: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    _named: threading.Event = field(default_factory=threading.Event)
    _reader: threading.Thread | None = None

    @classmethod
    def start(
        cls, words: Sequence[str], environment: Mapping[str, str], group: int | None = None
    ) -> Rehearsal:
        """Under that group id, if one is given; what root's group may read, it may all the same."""
        child = subprocess.Popen(
            [sys.executable, "-u", "-m", "tests.on_cluster.rehearsal", *words],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            group=group,
            extra_groups=None if group is None else [0],
        )
        found = cls(child)
        found._reader = threading.Thread(target=found._read, daemon=True)
        found._reader.start()
        return found

    def _read(self) -> None:
        assert self.child.stdout is not None
        with self.child.stdout:
            for line in self.child.stdout:
                self.lines.append(line.rstrip())
                if self.drill:
                    self._named.set()
        self._named.set()

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    @property
    def drill(self) -> str:
        """The name of its lease and namespace; empty before it has one."""
        found = re.search(r"namespace (drill-[a-z0-9-]+):", self.said)
        return found[1] if found else ""

    def named(self) -> str:
        assert self._named.wait(60), self.said
        assert self.drill, self.said
        return self.drill

    def await_line(self, text: str, within_s: float = 120) -> None:
        until = time.monotonic() + within_s
        while text not in self.said:
            assert self.child.poll() is None, self.said
            assert time.monotonic() < until, f"no {text!r} in: {self.said}"
            time.sleep(0.1)

    def ended(self, within_s: float = 240) -> int:
        code = self.child.wait(within_s)
        self._hear_all()
        return code

    def end(self) -> None:
        """Nothing of ours outlives a test that failed."""
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        self._hear_all()

    def _hear_all(self) -> None:
        """Its last lines; a child of its own may hold the pipe a moment longer."""
        assert self._reader is not None
        self._reader.join(timeout=15)


@dataclass(frozen=True)
class Outcome:
    """One kill."""

    point: str
    left: tuple[str, ...]
    took_s: float
    """From the kill to nothing left, or to the end of the wait."""
    problem: str = ""

    def __str__(self) -> str:
        return f"{self.point}: {self.problem or ', '.join(self.left) or 'nothing left'}"


def traced(changes: Sequence[str], file: Path) -> list[str]:
    """Every kill point that such a drill reaches, with its number, in order; without those of the
    renewals, whose number depends on the time."""
    found = Rehearsal.start(changes, {TRACE: str(file)})
    assert found.ended() == 0, found.said
    assert "undo verified" in found.said, found.said
    points = file.read_text(encoding="utf-8").split()
    return [one for one in points if not one.startswith("lease.renew")]


def first_and_last(points: Iterable[str]) -> list[str]:
    """Of each kill point the first and the last time that it is reached."""
    found: dict[str, list[str]] = {}
    for one in points:
        found.setdefault(one.partition("#")[0], []).append(one)
    return [one for many in found.values() for one in dict.fromkeys((many[0], many[-1]))]


def kill_at(point: str, changes: Sequence[str]) -> Outcome:
    """SIGKILL there; then the reaper has until the lease's end and GRACE_S."""
    found = Rehearsal.start(changes, {AT: point})
    try:
        code = found.ended()
        at = time.monotonic()
        if code != -signal.SIGKILL:
            return Outcome(point, (), 0.0, f"it was not reached: {found.said}")
        drill = found.named()
        left = await_nothing(lambda: left_of(drill), at + LEASE_S + GRACE_S)
        return Outcome(point, tuple(left), time.monotonic() - at)
    finally:
        found.end()


def pause_at(point: str, changes: Sequence[str]) -> Outcome:
    """SIGSTOP there until the reaper has undone all; then it goes on, and may change nothing."""
    found = Rehearsal.start(changes, {AT: point, BY: "SIGSTOP"})
    try:
        drill, at = found.named(), time.monotonic()
        while not _is_stopped(found.child.pid):
            if found.child.poll() is not None or time.monotonic() - at > 60:
                return Outcome(point, (), 0.0, f"it was not reached: {found.said}")
            time.sleep(0.05)
        at = time.monotonic()
        left = await_nothing(lambda: left_of(drill), at + LEASE_S + GRACE_S)
        os.kill(found.child.pid, signal.SIGCONT)
        if left:
            return Outcome(point, tuple(left), time.monotonic() - at, "left while it was paused")
        found.ended()
        # What it made after its drill was gone has no owner; the cluster collects that.
        left = await_nothing(lambda: left_of(drill), time.monotonic() + GRACE_S)
        told = any(words in found.said for words in ("undo verified", "undo not needed"))
        problem = "" if told else f"it did not see that it was undone: {found.said}"
        return Outcome(point, tuple(left), time.monotonic() - at, problem)
    finally:
        found.end()


def _is_stopped(process: int) -> bool:
    text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    return text.rpartition(")")[2].split()[0] == "T"


def side_by_side(outcomes: Iterable[tuple[str, Sequence[str]]], paused: bool) -> list[Outcome]:
    """Kill or pause at each point, AT_ONCE at a time."""
    one = pause_at if paused else kill_at
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda each: one(*each), outcomes))
