"""Makes a run the committed proof: all of it, invalid records included, redacted; or nothing. A
record of a clean commit can be drilled again, so it is a true witness even when the tree has moved
on (its page says STALE); one of a dirty tree only when its hash is the present tree's."""

import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final, TypeAlias

from pydantic import BaseModel, ConfigDict, ValidationError

from drillbook.evidence import records
from drillbook.evidence.records import Drill
from drillbook.evidence.redactor import Redactor
from drillbook.model import Control
from drillbook.model.errors import UsageError

MANIFEST: Final = "manifest.json"

Key: TypeAlias = tuple[str, str, Control]
"""Runbook id, cause id (`all` in healthy), control."""


class Manifest(BaseModel):
    """What a run meant to do, written before its first drill."""

    model_config = ConfigDict(frozen=True)

    run: str
    planned: tuple[str, ...]
    """pytest node ids: `features/x/y.feature::cause--control`."""
    commit: str
    started: datetime


def accept(run: Path, proof_root: Path, hashes: Mapping[tuple[str, str], str]) -> Path:
    """Copy a whole run, redacted, to `proof_root/<run>`, and return that folder. `hashes`: (runbook
    id, cause or `all`) -> the present tree's hash. Raises UsageError, with nothing written, for a
    run that is not whole or not sound."""
    manifest, drills = read_manifest(run), records.read_run(run)
    problems = [*_gaps(manifest, drills), *_strays(manifest, drills), *_partial(drills)]
    problems += _unwitnessed(drills, hashes)
    if problems:
        listed = "\n  ".join(problems)
        raise UsageError(f"{run}: not accepted; nothing was written:\n  {listed}")
    redactor = Redactor()
    return _write(proof_root, manifest, [redactor.drill(drill) for drill in drills])


def falsified(run: Path) -> Iterator[str]:
    """Each drill of a run in which a phase held that should not, in words; to be said first."""
    for drill in records.read_run(run):
        if drill.falsified:
            whose = ", ".join(drill.falsified)
            yield f"falsified: {drill.name} shows that {whose} is found where it is not the cause"


def read_manifest(run: Path) -> Manifest:
    """Raises UsageError when there is none, or none that can be read."""
    path = run / MANIFEST
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise UsageError(
            f"{path}: no manifest of a run: {records.why_unreadable(error)}. Without it nobody can "
            "say whether records are missing. Repeat the run with `drillbook drill`."
        ) from error
    if not re.fullmatch(r"\w[\w.-]*", manifest.run):
        raise UsageError(f"{path}: {manifest.run!r} cannot be a folder's name. Repeat the run.")
    return manifest


def node(drill: Drill) -> str:
    """The pytest node id that a record belongs to."""
    return f"{drill.path}::{drill.cause}--{drill.control}"


def _gaps(manifest: Manifest, drills: Sequence[Drill]) -> Iterator[str]:
    """Missing records: a run without its failures would be a better run than it was."""
    if not drills:
        yield "it holds no record. Repeat the run."
        return
    found = {node(drill) for drill in drills}
    for planned in manifest.planned:
        if planned not in found:
            yield f"{planned} was planned but has no record. Repeat the run, all of it."
    attempts: dict[str, set[int]] = {}
    for drill in drills:
        attempts.setdefault(node(drill), set()).add(drill.attempt)
    for name, numbers in attempts.items():
        missing = set(range(1, max(numbers) + 1)) - numbers
        if missing:
            yield f"{name} has no record of attempt {min(missing)}. First attempts are the score."


def _strays(manifest: Manifest, drills: Sequence[Drill]) -> Iterator[str]:
    """Records that were brought in from elsewhere."""
    for drill in drills:
        if drill.run != manifest.run:
            yield f"{drill.name} is of run {drill.run}, not {manifest.run}. Remove it."
        elif node(drill) not in manifest.planned:
            yield f"{drill.name} was not planned in this run. Remove it."
    for name, times in Counter(drill.name for drill in drills).items():
        if times > 1:
            yield f"{name} is there {times} times. Remove the copies."


def _partial(drills: Sequence[Drill]) -> Iterator[str]:
    """Drills that ended before their last phase."""
    for drill in drills:
        if drill.partial:
            how = "it was interrupted" if drill.interrupted else "it was to end early (--until)"
            yield f"{drill.name} is partial: {how}. It proves nothing. Repeat the run to its end."


def _unwitnessed(drills: Sequence[Drill], hashes: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Records of a tree that nobody else has: neither committed nor the present one."""
    for drill in drills:
        if is_clean(drill.commit) or hashes.get((drill.runbook, drill.cause)) == drill.hash:
            continue
        yield (
            f"{drill.name} was drilled from uncommitted changes ({drill.commit}), and what it "
            "drilled is not what the tree holds now, so nobody could ever repeat it. Commit the "
            "changes and repeat the run, or bring the tree back to what was drilled."
        )


def is_clean(commit: str) -> bool:
    """Whether a record's commit can be checked out again."""
    return bool(re.fullmatch(r"[0-9a-f]{7,40}", commit))


def _write(proof_root: Path, manifest: Manifest, drills: Sequence[Drill]) -> Path:
    """Write beside, then rename: a reader sees all of a run or nothing of it."""
    target = proof_root / manifest.run
    proof_root.mkdir(parents=True, exist_ok=True)
    # A dot in front: `newest` looks past what a killed accept left behind.
    beside = Path(tempfile.mkdtemp(prefix=f".{manifest.run}.", dir=proof_root))
    try:
        for drill in drills:
            records.write(drill, beside)
        text = manifest.model_dump_json(indent=2) + "\n"
        (beside / MANIFEST).write_text(text, encoding="utf-8")
        if target.exists():
            _refuse_difference(target, beside)
            return target
        beside.chmod(0o755)  # mkdtemp makes it private
        os.rename(beside, target)
        return target
    finally:
        if beside.exists():
            shutil.rmtree(beside)


def _refuse_difference(target: Path, beside: Path) -> None:
    """Accepting the same run twice is harmless; changing an accepted one is not possible."""
    old, new = (
        {path.name: path.read_bytes() for path in folder.iterdir()} for folder in (target, beside)
    )
    if old != new:
        differing = sorted(n for n in {*old, *new} if old.get(n) != new.get(n))
        raise UsageError(
            f"{target}: this run is accepted already, with another content: "
            f"{', '.join(differing)}. What is accepted does not change; drill a new run."
        )


class Accepted(dict[Key, list[Drill]]):
    """Records by what they drilled, the newest first."""

    @cached_property
    def askers(self) -> Mapping[str, list[Drill]]:
        """Runbook id -> the drills of other runbooks on its Background that asked its causes."""
        found: dict[str, list[Drill]] = {}
        for drill in (drill for drills in self.values() for drill in drills):
            for runbook in {q.runbook for q in drill.questions} - {"", drill.runbook}:
                found.setdefault(runbook, []).append(drill)
        return found


def newest(proof_root: Path, only: str | None = None) -> Accepted:
    """Accepted records by what they drilled, newest first. Raises UsageError."""
    return by_key(drill for folder in _runs(proof_root, only) for drill in records.read_run(folder))


def by_key(drills: Iterable[Drill]) -> Accepted:
    """Records by what they drilled, the newest first."""
    found = Accepted()
    for drill in sorted(drills, key=lambda d: (d.started, d.run, d.attempt), reverse=True):
        found.setdefault((drill.runbook, drill.cause, drill.control), []).append(drill)
    return found


def planned(proof_root: Path, only: str | None = None) -> tuple[str, ...]:
    """The node ids that the accepted runs (or one of them) planned, run by run."""
    manifests = (read_manifest(folder) for folder in _runs(proof_root, only))
    return tuple(name for manifest in manifests for name in manifest.planned)


def _runs(proof_root: Path, only: str | None) -> list[Path]:
    if not proof_root.is_dir():
        return []
    folders = (p for p in sorted(proof_root.iterdir()) if p.is_dir() and p.name[0] != ".")
    return [folder for folder in folders if only in (None, folder.name)]
