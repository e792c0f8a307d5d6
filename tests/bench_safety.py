"""What leaving nothing behind costs: `python -m tests.bench_safety`, with the embedded cluster up
and nobody drilling. Prints rows for docs/benchmarks.md.

The seconds that journal, lease and reaper add to a drill are those spent in their functions, the
waiting for the reaper's word included; the namespace itself was there before them and is not
counted. The reaper's idle cost is its process's CPU time, by /proc.
"""

import argparse
import os
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from statistics import median
from typing import Any

from drillbook.changes.host_agent import HostAgent
from drillbook.changes.undo import journal, residue
from drillbook.changes.undo import lease as leases
from drillbook.changes.undo.custody import Custody
from drillbook.cluster import settings
from tests.on_cluster.rehearsal import ROOT, incident

CHANGES = ["create", "delete", "scale", "patch", "restart"]


class Spent:
    """Seconds in functions that are watched, those inside of each other counted once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._depth = 0

    def watch(self, owner: Any, name: str) -> None:
        function: Callable[..., Any] = getattr(owner, name)

        @wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self._depth += 1
            begin = time.monotonic()
            try:
                return function(*args, **kwargs)
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self.seconds += time.monotonic() - begin

        setattr(owner, name, watched)


def added_s(runs: int) -> list[float]:
    """Seconds that each of these small drills, with five kinds of changes, spent on its safety."""
    spent = Spent()
    for owner, name in (
        (Custody, "open"),
        (Custody, "plan"),
        (Custody, "applied"),
        (journal, "records_of"),
        (journal, "move"),
        (residue, "of_drill"),
        (leases, "let_go"),
    ):
        spent.watch(owner, name)
    found = []
    for _ in range(runs):
        spent.seconds = 0.0
        asked = argparse.Namespace(changes=CHANGES, volume=False, standing="")
        drill = incident(asked, settings.load(root=ROOT))
        try:
            drill.begin()
        finally:
            record = drill.end()
        if record.undo != "verified":
            raise SystemExit(f"the undo of {record.namespace} is {record.undo}: {record.left}")
        found.append(spent.seconds)
    return found


def cpu_s(process: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def processes(word: bytes) -> list[int]:
    """Those with that word on their command line."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if word in words and b"python" in words[0]:
            found.append(int(folder.name))
    return found


def idle_share(found: list[int], for_s: float) -> float:
    """The share of one core that these processes took."""
    before = sum(map(cpu_s, found))
    time.sleep(for_s)
    return (sum(map(cpu_s, found)) - before) / for_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--idle", type=float, default=120.0, help="seconds of watching the reaper")
    asked = parser.parse_args()
    socket = settings.load(root=ROOT).agent_socket
    if socket is not None:
        HostAgent(socket).hello()
    seconds = added_s(asked.runs)
    shown = ", ".join(f"{one:.2f}" for one in sorted(seconds))
    print(
        f"| journal, lease and reaper add to a drill | <= 2 s | {median(seconds):.2f} s ({shown}) |"
    )
    for name, word in (
        ("reaper", b"drillbook.changes.reaper"),
        ("host agent", b"drillbook_staging.agent"),
    ):
        share = idle_share(processes(word), asked.idle)
        print(f"| {name}, idle, of one core | <= 1 % | {100 * share:.2f} % ({asked.idle:g} s) |")


if __name__ == "__main__":
    main()
