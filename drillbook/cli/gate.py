"""What a change needs before it may pass: versions, proofs that it made stale, a sample. Pure but
for reading git."""

import hashlib
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from drillbook.book import reader, rule_cases
from drillbook.book.bind import Binder
from drillbook.book.rule_files import VALUES, RuleFiles
from drillbook.cli import estimate
from drillbook.cli.due import Hashes
from drillbook.cli.selection import Selected
from drillbook.evidence import proof
from drillbook.model import BoundRunbook, Problem, Runbook
from drillbook.model.errors import CouldNotTell, RunbookProblem, UsageError


def git(root: Path, *words: str) -> str | None:
    """What git prints; None when it refuses. Raises CouldNotTell where there is no git."""
    try:
        told = subprocess.run(["git", "-C", str(root), *words], capture_output=True, check=False)
    except FileNotFoundError as error:
        raise CouldNotTell(
            "git is not on your PATH, and only git knows what changed. Install it, then try again."
        ) from error
    return None if told.returncode else told.stdout.decode("utf-8", "replace")


def base_of(root: Path, base: str) -> str:
    """The commit to compare with: the one named, else the parent; empty without a parent. Raises
    UsageError for a name that is no commit."""
    found = git(root, "rev-parse", "--verify", "--quiet", f"{base or 'HEAD^'}^{{commit}}")
    if found is None and base:
        raise UsageError(
            f"--base {base}: not a commit of this checkout. Fetch it, or name another."
        )
    return (found or "").strip()


def changed_files(root: Path, base: str) -> tuple[str, ...]:
    """Relative to the checkout, what is not committed among them. Raises UsageError."""
    told = git(root, "diff", "--name-only", "-z", "--relative", base, "--", ".")
    new = git(root, "ls-files", "--others", "--exclude-standard", "-z")
    if told is None or new is None:
        raise UsageError(f"git cannot say what changed since {base}.")
    return tuple(sorted({name for name in (told + new).split("\0") if name}))


def alerts_of(files: Iterable[str], rules: RuleFiles) -> list[str]:
    """The alerts whose rules, cases or values are among changed files, by name. Pure."""
    changed = {PurePosixPath(file) for file in files}
    if any(str(file.parent) == VALUES for file in changed):
        return sorted(rules.names)
    groups = (g for one in rules.files if PurePosixPath(one.shown) in changed for g in one.groups)
    written = {rule.alert for group in groups for rule in group.rules}
    cases = {file.stem for file in changed if str(file.parent) == rule_cases.FOLDER}
    return sorted((written | cases) & rules.names)


@dataclass(frozen=True)
class Old:
    """A runbook's text at the base, and its hashes by the sentences and rules of today."""

    runbook: Runbook
    text: str
    hashes: Mapping[str, str] | None
    """None: it cannot be bound any more."""


def old(
    root: Path, base: str, changed: Sequence[str], rules: Mapping[str, object], binder: Binder
) -> dict[str, Old]:
    """By path, what the changed features were; one that was none is left out."""
    found = {}
    for path in changed:
        inside = path.startswith(f"{reader.FEATURES}/") and path.endswith(reader.SUFFIX)
        text = git(root, "show", f"{base}:./{path}") if inside else None
        if text is None:
            continue
        try:
            runbook = reader.parse(text, PurePosixPath(path))
        except UsageError:
            continue
        hashes = None
        with suppress(RunbookProblem):
            bound, problems = binder.bind(runbook)
            hashes = proof.hashes(bound, root, rules) if bound and not problems else None
        found[path] = Old(runbook, text, hashes)
    return found


def unbumped(
    root: Path, base: str, bounds: Sequence[BoundRunbook], now: Hashes, before: Mapping[str, Old]
) -> Iterator[Problem]:
    """Runbooks whose own steps or values are others than at `base`, under the same version. The old
    text is bound by the sentences of today: what differs then is the runbook's own, and neither a
    number that the engine raised nor a shared component. Old text that cannot be bound any more is
    compared as text."""
    for bound in bounds:
        path = str(bound.runbook.path)
        was = before.get(path)
        if was is None or was.runbook.tag("version") != bound.runbook.tag("version"):
            continue
        if was.hashes is None:
            same = _steps(was.text) == _steps((root / path).read_text("utf-8"))
        else:
            same = was.hashes == now[bound.runbook.id]
        if not same:
            line = next((t.line for t in bound.runbook.tags if t.name == "version"), 1)
            what = f"its steps or values are others than at {base[:12]}, its version is not."
            fix = "Raise @version: whoever has the page sees by it that it is another."
            yield bound.runbook.problem(line, "version", what, fix)


def _steps(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and "@version" not in line]


def sample(
    proven: Sequence[Selected], commit: str, known: Mapping[str, float], jobs: int, budget_s: float
) -> list[Selected]:
    """As many as fit into the budget by their last durations, in an order that each commit has of
    its own, so that all get their turn. Pure."""
    chosen: list[Selected] = []
    order = sorted(proven, key=lambda o: hashlib.sha256(f"{commit} {o.node}".encode()).digest())
    for one in order:
        if estimate.expected_s([*chosen, one], known, jobs) <= budget_s:
            chosen.append(one)
    return chosen


def markdown(
    base: str,
    wrong: Sequence[Problem],
    stale: Sequence[Selected],
    need: Sequence[Selected],
    known: Mapping[str, float],
) -> str:
    """What a change invalidates, as a comment. Pure."""
    rows = [
        f"| {one.runbook.id} | {one.cause} | {one.control} | "
        f"{'to be drilled' if one in need else 'proven anew'} | "
        f"{known.get(one.node, estimate.UNKNOWN_S):.0f} s |"
        for one in stale
    ]
    head = ["| runbook | cause | control | state | last took |", "|---|---|---|---|---|"]
    what = [*head, *rows] if rows else ["No proof: nothing that a drill does is another."]
    told = ["", *(f"- {one}" for one in wrong)] if wrong else []
    since = f"since {base[:12]}" if base else "of all there is (no commit to compare with)"
    return "\n".join([f"### What this change makes stale, {since}", "", *what, *told, ""])


def annotation(one: Problem) -> str:
    """A problem as GitHub shows it on its line. Pure."""

    def escaped(text: str, more: str = "") -> str:
        for sign in f"%\r\n{more}":
            text = text.replace(sign, f"%{ord(sign):02X}")
        return text

    place = f"file={escaped(one.path, ':,')},line={one.line},title={escaped(one.rule, ':,')}"
    return f"::error {place}::{escaped(f'{one.what} {one.fix}')}"
