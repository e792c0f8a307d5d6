"""What a proof is a proof of: one hash per cause, and one per runbook for its healthy drill.

Covered is what was bound, not the code that bound it: every value with its command lines, the tags
that say how it is drilled, manifests, the recipes of the images that they start, the tools' files
with what they import inside `scripts/`, and the rendered rules; variables, never their values.
Not covered: words for people (PROSE), where something stands, and fields at their default, so that
the model can grow. The only I/O is reading tools and recipes.
"""

import ast
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any, Final

from drillbook.model import BoundCause, BoundRunbook, Command, Runbook, Tag, Workload, parts_of
from drillbook.model.errors import RunbookProblem

ENGINE: Final = 3
"""Raised when a drill would judge the same values differently: older proofs are stale."""

ALL: Final = "all"
"""The healthy drill's name in a cause's place."""

_TOOLS: Final = "scripts"
_UNSEEN: Final = frozenset({"line", "file"})
"""Where something stands is not what it says."""
_JUDGED: Final = frozenset({"alert", "domain", "kind"})
"""The tags that change what a drill does; the others say who, how urgent and how fast."""
_IMAGES: Final = ("staging/images", "fixtures/*/images")
"""Where an image has its recipe: a folder of its name."""


def hashes(bound: BoundRunbook, root: Path, rules: Mapping[str, Any]) -> dict[str, str]:
    """Cause id -> hash (64 hex digits; 16 are enough to print), and `all` for the healthy drill.
    `rules`: alert name -> rendered rule, of which the runbook's own count. Raises RunbookProblem
    for an alert without a rule and for a tool that is not there."""
    shared = [ENGINE, _judged(bound.runbook.tags), _rules_of(bound.runbook, rules)]
    # Causes of one runbook have one workload, and its manifests are most of what there is to hash.
    workloads = {id(c.workload): _workload(c.workload, root) for c in bound.causes}
    one_by_one = {
        c.cause.id: _digest([*shared, workloads[id(c.workload)], *_cause(c, root)])
        for c in bound.causes
    }
    return {**one_by_one, ALL: _digest([*shared, one_by_one])}


def _workload(workload: Workload, root: Path) -> str:
    return _digest([workload, [recipe(image, root) for image in workload.images]])


def _cause(bound: BoundCause, root: Path) -> list[Any]:
    """The values of a cause's steps by phase, and its tools' contents. The workload is apart."""
    values = [
        [scenario.scenario.phase, [[step.step.keyword, step.value] for step in scenario.steps]]
        for scenario in bound.scenarios
    ]
    return [_judged(bound.cause.tags), bound.fault, values, _tools(bound, root)]


def _judged(tags: tuple[Tag, ...]) -> list[tuple[str, str]]:
    return sorted((tag.name, tag.value) for tag in tags if tag.name in _JUDGED)


def recipe(image: str, root: Path) -> str:
    """The digest of the folder of an image of ours; empty for one that has no recipe here."""
    name = image.rpartition("/")[2].partition(":")[0]
    folders = sorted(folder / name for place in _IMAGES for folder in root.glob(place))
    files = [f for folder in folders for f in sorted(folder.rglob("*")) if f.is_file()]
    stamps = tuple((str(f), _stamp(str(f)) or (0, 0)) for f in files)
    return _recipe(stamps, len(folders[0].parts)) if stamps else ""


@lru_cache(maxsize=256)
def _recipe(stamps: tuple[tuple[str, tuple[int, int]], ...], above: int) -> str:
    """By what stands where in the folder, wherever that is; read again only when a file changed."""
    digest = hashlib.sha256()
    for path, _ in stamps:
        inside = "/".join(PurePath(path).parts[above:])
        digest.update(f"{inside}\0".encode() + Path(path).read_bytes() + b"\0")
    return digest.hexdigest()


def _rules_of(runbook: Runbook, rules: Mapping[str, Any]) -> list[Any]:
    missing = [name for name in runbook.alerts if name not in rules]
    if missing:
        raise RunbookProblem(
            f"{runbook.path}: no rule for the alert {', '.join(missing)}. "
            "Write it in monitoring/alerts, or correct the runbook's @alert tag."
        )
    return [rules[name] for name in runbook.alerts]


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def canonical(value: Any) -> str:
    """A value as JSON that says its types: a dataclass becomes its fields with its class name, a
    source or a command also its line. Raises TypeError for what has no canonical form."""
    return json.dumps(
        value, default=_plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )


def _plain(value: Any) -> Any:
    """One level of a value that JSON does not know."""
    if is_dataclass(value) and not isinstance(value, type):
        return _fields_of(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=canonical)
    if isinstance(value, PurePath):
        return value.as_posix()
    raise TypeError(
        f"a {type(value).__name__} cannot be hashed: {value!r}. What steps return is made of "
        "frozen dataclasses, text, numbers, tuples and mappings."
    )


def _fields_of(value: Any) -> dict[str, Any]:
    kind = type(value)
    if kind is Command:
        # Its line says all of it: literals are quoted, variables are not.
        return {"type": "Command", "line": str(value)}
    found = {
        one.name: inner
        for one in _fields(kind)
        if not _is_default(one, inner := getattr(value, one.name))
    }
    found["type"] = kind.__name__
    if revision := getattr(kind, "REVISION", 0):
        found["revision"] = revision
    if _is_source(kind):
        found["command line"] = str(value.command())
    return found


def _is_default(one: Field[Any], value: Any) -> bool:
    """A field that a class grew later is no other proof for those that do not use it."""
    if one.default is not MISSING:
        return bool(value == one.default)
    return one.default_factory is not MISSING and bool(value == one.default_factory())


_FIELDS: dict[type[Any], tuple[Field[Any], ...]] = {}
_SOURCES: dict[type[Any], bool] = {}


def _fields(kind: type[Any]) -> tuple[Field[Any], ...]:
    """What of a class a proof covers; cached, as a large book has a million values."""
    if kind not in _FIELDS:
        _FIELDS[kind] = tuple(
            f for f in fields(kind) if f.name not in _UNSEEN and not f.metadata.get("prose")
        )
    return _FIELDS[kind]


def _is_source(kind: type[Any]) -> bool:
    """As `isinstance(value, Source)`, which looks at every method of every value again."""
    if kind not in _SOURCES:
        _SOURCES[kind] = all(hasattr(kind, name) for name in ("read", "command", "parse"))
    return _SOURCES[kind]


def tools(bound: BoundCause, root: Path) -> tuple[str, ...]:
    """Sorted files under scripts/ that its commands run or import. Raises RunbookProblem."""
    return tuple(sorted(_tools(bound, root)))


def _tools(bound: BoundCause, root: Path) -> dict[str, str]:
    """Each of the cause's tools and the digest of its bytes."""
    named = {name for line in commands(bound) for name in _named_tools(line, root)}
    return {name: digest for tool in named for name, digest in _closure(tool, root).items()}


def commands(bound: BoundCause) -> Iterator[Command]:
    """Every command line of a cause: its steps', its fault's, its workload's, its names'."""
    yield from bound.workload.lines()
    yield from bound.fault.lines()
    for scenario in bound.scenarios:
        for step in scenario.steps:
            yield from step.value.lines()


def tools_of(line: Command) -> Iterator[str]:
    """The files under scripts/ that a command line runs, whether they are there or not."""
    literals = (p for word in line.words for p in parts_of(word) if isinstance(p, str))
    for literal in (text for text in literals if _TOOLS in text):
        path = literal.removeprefix("./")
        if re.fullmatch(rf"{_TOOLS}(\.\w+)+", literal):
            path = literal.replace(".", "/") + ".py"  # python3 -m scripts.area.tool
        if not re.fullmatch(rf"{_TOOLS}/[\w./-]*[\w-]", path):
            continue
        yield path


def _named_tools(line: Command, root: Path) -> Iterator[str]:
    for path in tools_of(line):
        if not (root / path).is_file():
            raise RunbookProblem(
                f"`{line}` runs {path}, which is not there. Write the tool, or correct the step."
            )
        yield path


@dataclass(frozen=True)
class _Closure:
    """One tool with what it imports, as last read."""

    stamps: dict[str, tuple[int, int]]
    digests: dict[str, str]


_CLOSURES: dict[tuple[Path, str], _Closure] = {}


def _closure(name: str, root: Path) -> dict[str, str]:
    """Pages of many causes share tools: these are read again only when one of them changed."""
    known = _CLOSURES.get((root, name))
    if known is None or any(_stamp(path) != stamp for path, stamp in known.stamps.items()):
        known = _CLOSURES[root, name] = _read_closure(name, root)
    return known.digests


def _read_closure(name: str, root: Path) -> _Closure:
    stamps: dict[str, tuple[int, int]] = {}
    digests: dict[str, str] = {}
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one not in digests:
            path = root / one
            stamps[str(path)] = _stamp(str(path)) or (0, 0)
            digests[one] = hashlib.sha256(path.read_bytes()).hexdigest()
            waiting += _imported(one, root)
    return _Closure(stamps, digests)


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_size


def _imported(name: str, root: Path) -> list[str]:
    """The files inside scripts/ that one of them imports, runs or sources."""
    mentioned = _mentions(root / name)
    folder = PurePath(name).parent
    candidates = [
        str(place / f"{stem}{ending}")
        for stem in mentioned
        # A script finds its neighbours by their bare names, packages from the checkout.
        for place in (PurePath(), folder)
        for ending in (".py", "/__init__.py", "")
    ]
    return [c for c in candidates if c.startswith(f"{_TOOLS}/") and (root / c).is_file()]


def _mentions(path: Path) -> tuple[str, ...]:
    """What a file names: modules it imports, as paths without ending; paths under scripts/."""
    text = path.read_text("utf-8", "replace")
    paths = tuple(re.findall(rf"\b{_TOOLS}/[\w./-]*[\w-]", text))
    return paths + (_imports(text, path) if path.suffix == ".py" else ())


def _imports(text: str, path: Path) -> tuple[str, ...]:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return ()  # its bytes are hashed all the same
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = _from(node, path)
        else:
            continue
        found += [stem for name in names for stem in _with_packages(name)]
    return tuple(dict.fromkeys(found))


def _from(node: ast.ImportFrom, path: Path) -> list[str]:
    """`from a.b import c` names a.b and a.b.c; a relative import is spelled out."""
    words = (node.module or "").split(".") if node.module else []
    if node.level:
        parents = path.parts[: -node.level]
        if _TOOLS not in parents:
            return []
        words = [*parents[len(parents) - 1 - parents[::-1].index(_TOOLS) :], *words]
    return [".".join([*words, alias.name]) for alias in node.names]


def _with_packages(name: str) -> list[str]:
    """`scripts/a/b` and the packages that hold it, whose `__init__.py` runs first."""
    words = name.split(".")
    return ["/".join(words[:n]) for n in range(1, len(words) + 1)]
