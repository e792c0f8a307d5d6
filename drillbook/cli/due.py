"""Which drills are due, and which a change made stale: by hashes, never by dates of files."""

import io
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from drillbook.book import checkout as book
from drillbook.book.bind import Binder
from drillbook.cli.selection import Selected
from drillbook.cluster.settings import Settings
from drillbook.evidence import proof
from drillbook.evidence.judge import judged
from drillbook.evidence.proof_state import Proofs
from drillbook.evidence.records import Drill
from drillbook.model import Phase, Verdict
from drillbook.model.errors import UsageError

Hashes = Mapping[str, Mapping[str, str]]
"""Runbook id -> cause id, or `all` -> hash."""
NOT_DRILLED = ("drillbook", "tests", "docs", "reports", "runbooks")
"""Folders of a checkout that no hash covers."""
_IN_THE_TREE = "from drillbook.cli.due import main; main()"


def due(
    selected: Sequence[Selected],
    proofs: Proofs,
    hashes: Hashes,
    together: Mapping[str, Collection[str]],
    today: date,
    days: int,
) -> list[Selected]:
    """Those that no accepted record proves today, what is due longest first: never drilled; then
    failing or stale; then past its last valid day; then those that did not ask every other cause
    on the Background as it is now. Pure.

    `together`: runbook id -> those that stand on one Background, itself among them. `days`: how
    long a drill is valid."""
    found = []
    for place, one in enumerate(selected):
        beside = together[one.runbook.id]
        whose = beside if one.is_healthy else [one.runbook.id]
        records = [d for rb in whose for d in proofs.get((rb, one.cause, one.control), ())]
        counting = sorted(filter(judged, records), key=lambda d: (d.started, d.attempt))
        # Of the newest run its first attempt: a repetition does not better what failed.
        newest = next((d for d in counting if d.run == counting[-1].run), None)
        if newest is None:
            found.append((0, date.min, place, one))
            continue
        until = newest.started.date() + timedelta(days=days)
        # One healthy drill serves every runbook on its Background: it counts by what it asked.
        same = one.is_healthy or newest.hash == hashes[one.runbook.id][one.cause]
        asked = _asks(one, hashes, beside) <= _answered(newest, hashes)
        if newest.verdict is not Verdict.PASSED or newest.falsified or not same:
            found.append((1, until, place, one))
        elif until < today:
            found.append((2, until, place, one))
        elif not asked:
            found.append((1 if one.is_healthy else 3, until, place, one))
    return [one for _, _, _, one in sorted(found, key=lambda each: each[:3])]


Asking = tuple[str, str, Phase]
"""Runbook, cause and phase."""


def _asks(one: Selected, hashes: Hashes, beside: Collection[str]) -> set[Asking]:
    """What a drill asks where it should not hold; a healthy one, for its own runbook."""
    phases = (Phase.DETECTION, Phase.DIAGNOSIS) if one.is_healthy else (Phase.DIAGNOSIS,)
    whose = [one.runbook.id] if one.is_healthy else beside
    causes = [(rb, cause) for rb in whose for cause in hashes[rb] if cause != proof.ALL]
    own = (one.runbook.id, one.cause)
    return {(*each, phase) for each in causes if each != own for phase in phases}


def _answered(drill: Drill, hashes: Hashes) -> set[Asking]:
    """What it asked of causes as they are now, and got an answer to."""
    return {
        (rb, question.cause, question.phase)
        for question in drill.questions
        for rb in [question.runbook or drill.runbook]
        if question.held is not None and question.hash == hashes.get(rb, {}).get(question.cause)
    }


def changed(selected: Sequence[Selected], now: Hashes, before: Hashes) -> list[Selected]:
    """Those whose hash is another one than `before`. Pure."""
    both = [
        [tree.get(one.runbook.id, {}).get(one.cause) for tree in (now, before)] for one in selected
    ]
    return [one for one, (new, old) in zip(selected, both, strict=True) if new != old]


def tree_hashes(settings: Settings) -> dict[str, dict[str, str]]:
    """Of every runbook of a checkout that can be bound. Raises UsageError, RunbookProblem."""
    found, _ = book.runbooks(settings, [])
    binder, rules = Binder(book.definitions(settings.root)), book.alerts(settings)
    bound = [one for one, problems in map(binder.bind, found) if one is not None and not problems]
    return {one.runbook.id: proof.hashes(one, settings.root, rules) for one in bound}


def hashes_at(settings: Settings, base: str) -> dict[str, dict[str, str]]:
    """The hashes of the tree at a commit, by this engine in another process. Raises UsageError."""
    with tempfile.TemporaryDirectory(prefix="drillbook-base-") as folder:
        _extract(settings.root, base, Path(folder))
        # -P: the engine that is imported is this one, not the one of that commit.
        words = [sys.executable, "-P", "-c", _IN_THE_TREE, folder, settings.environment]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise UsageError(
            f"--changed {base}: this engine cannot bind the runbooks of that commit ({said}), so "
            "what changed since is not known. Drill without --changed, or with --due."
        )
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    return found


def _extract(root: Path, base: str, folder: Path) -> None:
    words = ["git", "-C", str(root), "archive", "--format=tar", f"{base}^{{commit}}"]
    done = subprocess.run(words, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise UsageError(f"--changed {base}: not a commit of this checkout: {said}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tree:
        wanted = [m for m in tree.getmembers() if m.name.split("/")[0] not in NOT_DRILLED]
        tree.extractall(folder, members=wanted, filter="data")


def main() -> None:
    """In the other process: the hashes of the tree that is its first argument."""
    root, environment = sys.argv[1:]
    print(json.dumps(tree_hashes(Settings(root=Path(root), environment=environment))))
