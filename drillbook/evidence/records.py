"""Drill records: one JSON file per drill, read and written here and nowhere else.

The schema is published as `docs/schema/drill.v1.json` and versioned by `schema_version`: a change
that a reader of old files would trip over raises the number. Times are UTC stamps or seconds.
Sources: the times t0..t9 and the three axes (verdict, injection, undo) are the design's.
"""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drillbook.model import Control, Injection, Phase, Undo, Verdict
from drillbook.model.errors import CouldNotTell, UsageError

SCHEMA_VERSION: Final = 1


class Frozen(BaseModel):
    """Data that nobody changes, and that refuses fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StepRecord(Frozen):
    """What one step saw. `command` has its variables unfilled, exactly as the page prints it."""

    text: str
    line: int
    kind: Literal["probe", "action", "advice", "reinject"]
    verdict: Verdict
    command: str = ""
    expected: str = ""
    observed: str = ""
    started: datetime | None = None
    took_s: float = 0.0
    printed: str = Field("", description="the first lines that the command printed in a shell")
    outcome: str = Field("", description="a reinjection's: blocked, absorbed, took effect, ...")


class PrintedLine(Frozen):
    """The line of a read that is no step's: the steady state's, the effect's."""

    command: str
    printed: str


class ScenarioRecord(Frozen):
    """One scenario of the cause (or, under a control, of the cause that `cause` names)."""

    cause: str
    name: str
    line: int
    phase: Phase
    verdict: Verdict
    steps: tuple[StepRecord, ...]


class Question(Frozen):
    """A phase that should not hold here, and whether it did: in a plain drill the diagnosis of
    every other cause that stands on the same Background, of other runbooks too; in `healthy` each
    cause's detection and diagnosis."""

    runbook: str = Field("", description="whose cause it is; empty: the drilled runbook's")
    cause: str
    hash: str = Field("", description="of the cause that was asked, as it was then")
    phase: Phase
    held: bool | None = Field(description="None: could not tell")
    scenarios: tuple[ScenarioRecord, ...]


class Times(Frozen):
    """Seconds after t0, by a monotonic clock, at the runner's first sight (+- one poll).

    t0 injected, t1 symptom, t2 pending, t3 firing, t4 listed by Alertmanager, t5 diagnosed,
    t6 remediation begun, t7 recovery verified, t8 silent, t9 undone and steady. None: not seen.
    """

    injected_at: datetime | None = Field(None, description="t0 as a UTC stamp")
    t1: float | None = None
    t2: float | None = None
    t3: float | None = None
    t4: float | None = None
    t5: float | None = None
    t6: float | None = None
    t7: float | None = None
    t8: float | None = None
    t9: float | None = None
    begun: float | None = Field(None, description="an operation's: its operator began")
    siblings_s: float = Field(0.0, description="waited for other causes' answers; not part of ttr")
    floor_s: float | None = Field(None, description="scrape + evaluation + for, at worst")
    skew_s: float | None = Field(None, description="the servers' clock minus the runner's")

    @property
    def ttd_s(self) -> float | None:
        """Time to detect: t4 - t0."""
        return self.t4

    @property
    def ttl_s(self) -> float | None:
        """Time to locate: t5 - t4."""
        return None if self.t5 is None or self.t4 is None else self.t5 - self.t4

    @property
    def ttr_s(self) -> float | None:
        """Time to recover: t7 - t0, without the waiting for other causes' answers. Nothing tells of
        an operation's need: its clock begins with its operator."""
        return None if self.t7 is None else self.t7 - (self.begun or 0.0) - self.siblings_s

    @property
    def ttr_words(self) -> str:
        """The time to recover as a log says it, with what it leaves out; empty without one."""
        if self.t7 is None or self.ttr_s is None:
            return ""
        whole_s = self.ttr_s + self.siblings_s
        asking = f" ({whole_s:.0f} s, of which {self.siblings_s:.0f} s asking other causes)"
        return f"{self.ttr_s:.0f} s{asking if self.siblings_s else ''}"

    @property
    def fix_s(self) -> float | None:
        """Fix time: t7 - t6."""
        return None if self.t7 is None or self.t6 is None else self.t7 - self.t6

    @property
    def detection_overhead_s(self) -> float | None:
        """(t4 - t1) minus the worst-case floor: what detection itself adds."""
        if self.t4 is None or self.t1 is None or self.floor_s is None:
            return None
        return self.t4 - self.t1 - self.floor_s


class Cost(Frozen):
    """Where the drill's wall time went, in seconds."""

    wall_s: float
    waiting_s: float = Field(
        description="waiting for facts: slept between two reads, and for questions"
    )
    commands_s: float = Field(description="running actions and tools")
    printed_s: float = Field(0.0, description="waiting for printed lines; in no moment t0..t9")

    @property
    def overhead_share(self) -> float:
        """The harness's own share of the wall time, its reads and writes included, 0..1."""
        if self.wall_s <= 0:
            return 0.0
        known_s = self.waiting_s + self.commands_s + self.printed_s
        return max(0.0, (self.wall_s - known_s) / self.wall_s)


class Cluster(Frozen):
    """Where the drill ran."""

    uid: str
    name: str
    version: str
    environment: str
    cluster_admin: bool = Field(
        False, description="drilled with credentials that may do everything, by the override"
    )


class Drill(Frozen):
    """One drill: one runbook x one cause x one control."""

    schema_version: Literal[1] = SCHEMA_VERSION
    run: str
    runbook: str
    runbook_version: str
    path: str
    cause: str = Field(description="a cause's id, or 'all' in healthy")
    control: Control
    attempt: int = Field(1, ge=1)
    commit: str = Field(description="the checkout's commit; '+dirty' follows when it had changes")
    hash: str = Field(description="of what was bound: what a proof is a proof of")
    engine: int = Field(description="the engine's behaviour, as one number")
    started: datetime
    ended: datetime
    namespace: str
    cluster: Cluster | None
    verdict: Verdict
    injection: Injection
    undo: Undo
    partial: bool = Field(False, description="ended early by --until or an interruption")
    interrupted: bool = False
    refused: bool = Field(False, description="by a guard or another run's lock, before it began")
    reason: str = Field("", description="why the drill is not PASSED and valid, for a person")
    rto_s: float | None = None
    times: Times
    scenarios: tuple[ScenarioRecord, ...]
    questions: tuple[Question, ...] = ()
    manual: int = Field(0, description="steps that only a person can do")
    workload: tuple[str, ...] = Field((), description="what setting up and undoing saw")
    printed: tuple[PrintedLine, ...] = Field((), description="what is no step's, in a shell")
    left: tuple[str, ...] = Field((), description="what a failed undo left behind")
    cost: Cost

    @property
    def valid(self) -> bool:
        """Steady before, the effect confirmed (or absent, in healthy), the undo verified."""
        injected = Injection.NONE if self.control is Control.HEALTHY else Injection.CONFIRMED
        return (
            not self.partial
            and not self.interrupted
            and self.injection is injected
            and self.undo is Undo.VERIFIED
            and bool(self.scenarios or self.questions)
        )

    @property
    def falsified(self) -> tuple[str, ...]:
        """The causes that this drill shows to be wrong because a phase held that should not; with
        the runbook's id before it when it is another one's."""
        own = ("", self.runbook)
        held = (q for q in self.questions if q.held)
        named = (q.cause if q.runbook in own else f"{q.runbook} {q.cause}" for q in held)
        return tuple(dict.fromkeys(named))

    def asked(self, runbook: str) -> tuple[Question, ...]:
        """What was asked of the causes of one runbook."""
        return tuple(q for q in self.questions if (q.runbook or self.runbook) == runbook)

    @property
    def name(self) -> str:
        """The file's stem."""
        return f"{self.runbook}--{self.cause}--{self.control}--{self.attempt}"


def exit_code(drills: Iterable[Drill]) -> int:
    """The design's table: the first of 5, 130, 3, 1, 4 that applies, else 0; 2 when nothing ran.

    A usage error's 2, and the 3 of a guard that is asked for a whole run, come before any record.
    """
    found = list(drills)
    if not found:
        return 2
    if any(d.undo is Undo.FAILED for d in found):
        return 5
    if any(d.interrupted for d in found):
        return 130
    if any(d.refused for d in found):
        return 3
    if any(d.verdict is Verdict.FAILED or d.falsified for d in found):
        return 1
    passed = all(d.verdict is Verdict.PASSED for d in found)
    sound = all(d.valid or d.partial or d.undo is Undo.KEPT for d in found)
    answered = all(q.held is not None for d in found for q in d.questions)
    return 0 if passed and sound and answered else 4


def write(drill: Drill, folder: Path) -> Path:
    """Write a record whole or not at all (write beside, then rename). Raises CouldNotTell when it
    cannot be written."""
    path = folder / f"{drill.name}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, drill.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise CouldNotTell(
            f"{path}: the record cannot be written: {error.strerror}. Its undo is told in the "
            "drill's log. Make room, or give the right to write there, and drill again."
        ) from error
    return path


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all: beside it first, then in its place. Raises OSError."""
    beside = path.with_suffix(".tmp")
    try:
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def why_unreadable(error: OSError | ValidationError) -> str:
    """In our words, and without the values, which may be anything."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    wrong = [f"{'.'.join(map(str, e['loc'])) or 'the file'}: {e['msg']}" for e in error.errors()]
    return "; ".join(wrong[:3]) + (f"; and {len(wrong) - 3} more" if len(wrong) > 3 else "")


def read(path: Path) -> Drill:
    """Raises UsageError when the file is no record of this schema."""
    try:
        return Drill.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UsageError(
            f"{path}: not a drill record of schema {SCHEMA_VERSION}: {why_unreadable(error)}. "
            "Remove the file or repeat the drill."
        ) from error


def read_run(folder: Path) -> tuple[Drill, ...]:
    """Every record of one run, by name."""
    return tuple(read(path) for path in sorted(folder.glob("RB-*.json")))


def schema_text() -> str:
    """The published JSON Schema, as committed."""
    schema = Drill.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"
