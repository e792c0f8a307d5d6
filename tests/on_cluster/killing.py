"""Rehearsals that are killed or paused at one write, and what they leave behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from drillbook.changes.undo.killpoints import AT, BY, TRACE
from drillbook.cluster import settings
from tests.on_cluster.checkouts import ROOT
from tests.on_cluster.snapshot import await_nothing, left_of

GRACE_S = 15.0
"""The invariant: at the baseline within the lease's expiry and this."""
AT_ONCE = 8
"""Kills side by side, as many as the reaper undoes at once: each mostly waits for its lease."""


@dataclass(frozen=True)
class Term:
    """How long a silent lease lasts, and how often it is renewed; a request takes no longer than
    would still leave time for another renewal."""

    lease_s: float
    renew_s: float
    request_s: float

    @property
    def environment(self) -> dict[str, str]:
        return {
            "DRILLBOOK_LEASE_S": str(self.lease_s),
            "DRILLBOOK_RENEW_S": str(self.renew_s),
            "DRILLBOOK_REQUEST_TIMEOUT_S": str(self.request_s),
        }


SHORT = Term(12.0, 3.0, 4.0)
"""What rehearsals live by: nobody learns more from a longer wait."""
REAL = Term(30.0, 10.0, 5.0)
"""The default of every other drill."""
LEASE_S = SHORT.lease_s


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
            env={**os.environ, **SHORT.environment, **environment},
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


CUT_OFF = 47114
"""The group id of the one drill that is cut off, and of nothing else."""


@contextmanager
def api_cut_off(group: int) -> Iterator[None]:
    """For processes of that group id only; what they send is dropped, not refused."""
    table = "drillbook_test"
    address = settings.load(root=ROOT).allowed_hosts[0].partition(":")[0]
    rules = (
        f"add table ip {table}; "
        f"add chain ip {table} out {{ type filter hook output priority 0 ; }}; "
        f"add rule ip {table} out meta skgid {group} ip daddr {address} tcp dport 6443 drop"
    )
    subprocess.run(["nft", rules], check=True)
    try:
        yield
    finally:
        subprocess.run(["nft", f"delete table ip {table}"], check=True)


@dataclass(frozen=True)
class Ending:
    """A drill of these changes that is killed, or paused, at one write."""

    point: str
    changes: Sequence[str]
    paused: bool = False
    term: Term = SHORT

    @property
    def within_s(self) -> float:
        return self.term.lease_s + GRACE_S

    def start(self) -> Rehearsal:
        how = {AT: self.point, **({BY: "SIGSTOP"} if self.paused else {})}
        return Rehearsal.start(self.changes, {**self.term.environment, **how})


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    ending: Ending
    left: tuple[str, ...]
    took_s: float
    """From the kill to nothing left, or to the end of the wait."""
    problem: str = ""

    @property
    def is_wrong(self) -> bool:
        return bool(self.left or self.problem) or self.took_s > self.ending.within_s + 2

    def __str__(self) -> str:
        how = "paused" if self.ending.paused else "killed"
        what = self.problem or ", ".join(self.left) or "nothing left"
        lease = f"{how}, a lease of {self.ending.term.lease_s:g} s"
        return f"{self.took_s:6.1f} s  {self.ending.point} ({lease}): {what}"


def traced(changes: Sequence[str], file: Path) -> list[str]:
    """Every kill point that such a drill reaches, with its number, in order; without those of the
    renewals, whose number depends on the time."""
    found = Rehearsal.start(changes, {TRACE: str(file)})
    assert found.ended() == 0, found.said
    assert "undo verified" in found.said, found.said
    points = file.read_text(encoding="utf-8").split()
    return [one for one in points if not one.startswith("lease.renew")]


def first_and_last(points: Iterable[str]) -> list[str]:
    """Of each kill point the first and the last time that it is reached. How many pods are there to
    be ended is the cluster's to say: of these the first."""
    found: dict[str, list[str]] = {}
    for one in points:
        found.setdefault(one.partition("#")[0], []).append(one)
    ends = {
        name: (many[0],) if "end-pod" in name else (many[0], many[-1])
        for name, many in found.items()
    }
    return [one for pair in ends.values() for one in dict.fromkeys(pair)]


def come_to(ending: Ending) -> Outcome:
    found = ending.start()
    try:
        return _paused(ending, found) if ending.paused else _killed(ending, found)
    finally:
        found.end()


def _killed(ending: Ending, found: Rehearsal) -> Outcome:
    """SIGKILL there; then the reaper has until the lease's end and GRACE_S."""
    code = found.ended()
    at = time.monotonic()
    if code != -signal.SIGKILL:
        return Outcome(ending, (), 0.0, f"it was not reached: {found.said}")
    drill = found.named()
    left = await_nothing(lambda: left_of(drill), at + ending.within_s)
    return Outcome(ending, tuple(left), time.monotonic() - at)


def _paused(ending: Ending, found: Rehearsal) -> Outcome:
    """SIGSTOP there until the reaper has undone all; then it goes on, and may change nothing."""
    drill, at = found.named(), time.monotonic()
    while not _is_stopped(found.child.pid):
        if found.child.poll() is not None or time.monotonic() - at > 60:
            return Outcome(ending, (), 0.0, f"it was not reached: {found.said}")
        time.sleep(0.05)
    at = time.monotonic()
    left = await_nothing(lambda: left_of(drill), at + ending.within_s)
    took_s = time.monotonic() - at
    os.kill(found.child.pid, signal.SIGCONT)
    if left:
        return Outcome(ending, tuple(left), took_s, "left while it was paused")
    found.ended()
    # What it made after its drill was gone has no owner; the cluster collects that.
    left = await_nothing(lambda: left_of(drill), time.monotonic() + GRACE_S)
    told = any(words in found.said for words in ("undo verified", "undo not needed"))
    problem = "" if told else f"it did not see that it was undone: {found.said}"
    return Outcome(ending, tuple(left), took_s, problem)


def _is_stopped(process: int) -> bool:
    text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    return text.rpartition(")")[2].split()[0] == "T"


def all_well(endings: Iterable[Ending], at_once: int = 1) -> None:
    """Come to each of them, so many side by side."""
    with ThreadPoolExecutor(at_once) as pool:
        outcomes = list(pool.map(come_to, endings))
    for one in outcomes:
        print(one)
    assert outcomes
    wrong = [str(one) for one in outcomes if one.is_wrong]
    assert not wrong, "\n".join(wrong)
