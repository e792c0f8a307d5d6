"""One pytest process per drill, each in a session of its own, with signals passed on to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from drillbook import records
from drillbook.collect import drill_name, drills_of
from drillbook.errors import UsageError
from drillbook.model import Control, Duration, Phase, Runbook
from drillbook.signals import DISPATCHED, handled_by

MANIFEST = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class Selected:
    """One drill to run."""

    runbook: Runbook
    cause: str
    control: Control

    @property
    def node(self) -> str:
        """Its pytest node id."""
        return f"{self.runbook.path}::{drill_name(self.cause, self.control)}"

    @property
    def record(self) -> str:
        """Its record's file name, first attempt."""
        return f"{self.runbook.id}--{self.cause}--{self.control}--1.json"


def select(
    runbooks: Sequence[Runbook], causes: Sequence[str], controls: Sequence[Control]
) -> list[Selected]:
    """The drills that were asked for. Raises UsageError when there is none, naming them all."""
    every = [
        Selected(runbook=runbook, cause=cause, control=control)
        for runbook in runbooks
        for cause, control in drills_of(runbook)
    ]
    chosen = [
        one
        for one in every
        if (not causes or one.cause in causes) and (not controls or one.control in controls)
    ]
    unknown = [cause for cause in causes if cause not in {one.cause for one in every}]
    if unknown or not chosen:
        known = ", ".join(drill_name(one.cause, one.control) for one in every)
        raise UsageError(
            f"no drill matches --cause {' '.join(causes) or '(any)'} "
            f"--control {' '.join(controls) or '(any)'}. There is: {known}."
        )
    return chosen


@dataclass
class Dispatcher:
    """Runs drills one after the other into one run's folder."""

    root: Path
    folder: Path
    until: Phase
    keep: Duration | None
    environment: Mapping[str, str] = field(default_factory=dict)
    """On top of this process's: what makes the child drill the cluster that was admitted here."""
    interrupted: bool = False
    _child: subprocess.Popen[bytes] | None = None

    def begin(self, selected: Sequence[Selected], commit: str) -> None:
        """Write the manifest: what was planned, so that nothing can go missing silently."""
        (self.folder / "logs").mkdir(parents=True, exist_ok=True)
        planned = {
            "run": self.folder.name,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "commit": commit,
            "planned": [one.node for one in selected],
        }
        (self.folder / MANIFEST).write_text(json.dumps(planned, indent=2) + "\n", "utf-8")

    def run(self, selected: Sequence[Selected]) -> list[records.Drill]:
        """Run every drill until one is interrupted. Returns the records that were written."""
        found = []
        with handled_by(self._pass_on):
            for number, one in enumerate(selected, start=1):
                if self.interrupted:
                    break
                print(f"[{number}/{len(selected)}] {one.node}", file=sys.stderr, flush=True)
                drill = self._drill(one)
                if drill is not None:
                    found.append(drill)
        return found

    def _drill(self, one: Selected) -> records.Drill | None:
        log = self.folder / "logs" / f"{one.record.removesuffix('.json')}.log"
        with log.open("wb") as out:
            self._child = subprocess.Popen(
                self._command(one),
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=out,
                env={**os.environ, **self.environment, DISPATCHED: str(os.getpid())},
                start_new_session=True,
            )
            if self.interrupted:  # by a signal that came while the process was made
                self._child.send_signal(signal.SIGTERM)
            status = self._child.wait()
            self._child = None
        path = self.folder / one.record
        if not path.exists():
            tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-25:])
            print(
                f"{one.node}: the drill left no record (pytest's exit code {status}):\n{tail}\n"
                f"The whole log: {log}",
                file=sys.stderr,
            )
            return None
        return records.read(path)

    def _command(self, one: Selected) -> list[str]:
        keep = [f"--drill-keep={self.keep}"] if self.keep else []
        return [
            *(sys.executable, "-m", "pytest", one.node, "--drill", f"--drill-run={self.folder}"),
            *(f"--drill-until={self.until}", *keep, "-s", "-q", "--no-header", "--tb=short"),
            # A warning of a client library must not end a drill; the engine's tests catch it.
            *("-p", "no:cacheprovider", "-W", "default"),
        ]

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self.interrupted = True
        if self._child is not None:
            # All signals take the same path in a drill: undo, record, end.
            self._child.send_signal(signal.SIGTERM)
