"""Text -> `model.Runbook`, and the only importer of gherkin-official.

What is not a runbook's text raises `UnreadableFeature` with every place that is wrong, in words
for somebody who does not know the parser; what is readable but no good runbook is lint's business.
"""

from __future__ import annotations

import difflib
import os
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from gherkin.dialect import DIALECTS
from gherkin.errors import CompositeParserException, ParserException
from gherkin.parser import Parser

from drillbook.book import gherkin_errors, prose
from drillbook.model import Cause, Problem, Runbook, Scenario, Step, Tag
from drillbook.model.errors import UnreadableFeature, UsageError

FEATURES = "features"
SUFFIX = ".feature"
PAGES = "runbooks"
LIMIT_BYTES = 1_000_000
"""A runbook is read by a person; 1 MB is a hundred times the longest one we know."""
LIMIT_LINES = 5_000
"""Likewise: an outline of 100,000 examples would keep the parser busy for seconds."""
UNREADABLE = "unreadable"
"""The rule id of every problem that the reader reports."""
DEFAULT_CAUSE = "runbook"
"""The cause of a runbook without a `Rule` and without a `@cause:` tag."""


class MalformedFeature(UnreadableFeature):
    """An unreadable feature file, with one problem for each place that is wrong."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


# --------------------------------------------------------------------------- files


def discover(root: Path, paths: Sequence[Path] = ()) -> list[Path]:
    """The feature files that are meant, sorted, each once; all of `root/features` when nothing is
    given. A runbook is named by its file, a folder above it, or its page (looked up from the
    working folder, then from `root`), or by its id, title or alert, in any case. Raises UsageError
    when one is missing, is no feature file or leads out of `root`, or when there is nothing."""
    given = [place for path in paths for place in _given(root, path)] or [root / FEATURES]
    found = sorted({_inside(root, file) for path in given for file in _features(path)})
    if not found:
        where = ", ".join(str(path) for path in given)
        raise UsageError(
            f"{where}: no *{SUFFIX} file here, so there is no runbook to work on. "
            f"Name a runbook or a folder under {root / FEATURES}."
        )
    return found


def read(path: Path, root: Path) -> Runbook:
    """One runbook. Raises MalformedFeature for what is not one, UsageError for a path outside."""
    inside = _inside(root, path)
    shown = PurePosixPath(inside.relative_to(root).as_posix())
    return parse(_text(inside, shown), shown)


def read_all(paths: Iterable[Path], root: Path) -> tuple[list[Runbook], list[Problem]]:
    """The runbooks that can be read, and the problems of the others. Raises UsageError for a path
    outside."""
    runbooks: list[Runbook] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            runbooks.append(read(path, root))
        except MalformedFeature as error:
            problems += error.problems
    return runbooks, problems


def names_of(runbook: Runbook) -> tuple[str, ...]:
    """What a person may call a runbook by."""
    path = runbook.path
    named = (runbook.id, *runbook.alerts, str(path), path.stem, path.name, str(runbook.page))
    return tuple(name for name in (*named, runbook.title) if name)


def _given(root: Path, path: Path) -> list[Path]:
    for candidate in (path, root / path):
        if candidate.exists():
            page = candidate.suffix == ".md" and candidate.resolve().is_relative_to(
                root.resolve() / PAGES
            )
            area = candidate.resolve().parent.name
            return [root / FEATURES / area / f"{path.stem}{SUFFIX}" if page else candidate]
    runbooks, _ = read_all(sorted(_features(root / FEATURES)), root)
    wanted, by_name = path.as_posix().casefold(), dict[str, list[Path]]()
    for runbook in runbooks:
        for name in names_of(runbook):
            by_name.setdefault(name.casefold(), []).append(root / runbook.path)
    if wanted in by_name:
        return by_name[wanted]
    near = difflib.get_close_matches(wanted, by_name, n=1, cutoff=0.5)
    hint = "`drillbook list` shows every runbook."
    if near:
        known = (name for runbook in runbooks for name in names_of(runbook))
        hint = f"Did you mean {next(name for name in known if name.casefold() == near[0])}?"
    raise UsageError(
        f"{path}: no such file or folder, and no runbook of this id, title or alert. {hint}"
    )


def _features(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file for file in path.rglob(f"*{SUFFIX}") if not file.is_dir())
    elif path.suffix == SUFFIX:
        yield path
    elif path.exists():
        raise UsageError(f"{path}: not a *{SUFFIX} file. Name a runbook or a folder of runbooks.")


def _inside(root: Path, path: Path) -> Path:
    """The path below `root`, with links as the person wrote them, when it leads into `root`."""
    home, target = root.resolve(), path.resolve()
    if not target.is_relative_to(home):
        raise UsageError(
            f"{path}: leads to {target}, which is outside the checkout {root}. "
            "Copy the runbook into the checkout, or work in its own one."
        )
    # Only the text: `resolve` would replace a link's name by its target's.
    plain = Path(os.path.normpath(path.absolute()))
    if plain.is_relative_to(root.absolute()) and plain.resolve() == target:
        return root / plain.relative_to(root.absolute())
    return root / target.relative_to(home)


def _text(path: Path, shown: PurePosixPath) -> str:
    try:
        size = path.stat().st_size
        if path.is_file() and size <= LIMIT_BYTES:
            return _decoded(path.read_bytes(), shown)
    except OSError as error:
        raise _wrong(
            shown, 1, f"the file cannot be read: {error.strerror}.", "Mend it, or name another."
        ) from error
    if not path.is_file():
        raise _wrong(shown, 1, "this is not a regular file.", "Put a text file in its place.")
    raise _wrong(
        shown,
        1,
        f"the file has {size} bytes; a runbook may have {LIMIT_BYTES}.",
        _SPLIT,
    )


_SPLIT = "Split it: one file holds the causes of one symptom."


def _decoded(data: bytes, shown: PurePosixPath) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # `object` and `start` are those of the text after a byte order mark.
        line = bytes(error.object)[: error.start].count(b"\n") + 1
        fix = "Save the file as UTF-8."
        raise _wrong(shown, line, "this line is not valid UTF-8.", fix) from error
    before, nul, _ = text.partition("\0")
    if nul:
        line = before.count("\n") + 1
        raise _wrong(shown, line, "this line holds a NUL byte.", "Remove it; save as UTF-8.")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.count("\n") > LIMIT_LINES:
        what = f"the file has more than {LIMIT_LINES} lines."
        raise _wrong(shown, LIMIT_LINES + 1, what, _SPLIT)
    return text


# --------------------------------------------------------------------------- text


def parse(text: str, path: PurePosixPath) -> Runbook:
    """A runbook from its text; `path` is relative to the checkout. Raises MalformedFeature."""
    named = re.match(r"\s*#\s*language\s*:\s*([\w-]+)", text)
    file = _File(path, named[1] if named else "en")
    if conflict := _CONFLICT.search(text):
        line = text.count("\n", 0, conflict.start()) + 1
        raise _wrong(path, line, "a merge was not finished here.", "Choose what is to stay.")
    try:
        document: Any = Parser().parse(text)
    except CompositeParserException as error:
        raise MalformedFeature(_explained(file, text, error.errors)) from error
    if "feature" not in document:
        raise _wrong(path, 1, "the file holds no Feature.", "Begin it with `Feature: <symptom>`.")
    return _runbook(document["feature"], file)


class _File(NamedTuple):
    path: PurePosixPath
    language: str


_CONFLICT = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)


def _runbook(feature: Any, file: _File) -> Runbook:
    tags = _tags(feature)
    return Runbook(
        path=file.path,
        title=feature["name"],
        line=feature["location"]["line"],
        tags=tags,
        description=_description(feature, file),
        background=_background(feature, file),
        causes=tuple(_causes(feature, file, tags)),
    )


def _causes(feature: Any, file: _File, tags: tuple[Tag, ...]) -> Iterator[Cause]:
    fallback = next((tag.value for tag in tags if tag.name == "cause"), DEFAULT_CAUSE)
    rules = [child["rule"] for child in feature["children"] if "rule" in child]
    scenarios = _scenarios(feature, file)
    # Scenarios outside every Rule are a cause: the only one, or one that lint rejects.
    if scenarios or not rules:
        yield Cause(
            id=fallback,
            name=feature["name"],
            line=feature["location"]["line"],
            tags=tuple(tag for tag in tags if tag.name == "cause"),
            description="",
            background=(),
            scenarios=scenarios,
        )
    for rule in rules:
        yield _cause(rule, file, fallback if len(rules) == 1 and not scenarios else "")


def _cause(rule: Any, file: _File, fallback: str) -> Cause:
    tags = _tags(rule)
    return Cause(
        id=next((tag.value for tag in tags if tag.name == "cause"), fallback),
        name=rule["name"],
        line=rule["location"]["line"],
        tags=tags,
        description=_description(rule, file),
        background=_background(rule, file),
        scenarios=_scenarios(rule, file),
    )


def _background(parent: Any, file: _File) -> tuple[Step, ...]:
    for child in parent["children"]:
        if "background" in child:
            _refuse_prose(child["background"], file)
            return tuple(_steps(child["background"], file))
    return ()


def _scenarios(parent: Any, file: _File) -> tuple[Scenario, ...]:
    children = parent["children"]
    return tuple(_scenario(child["scenario"], file) for child in children if "scenario" in child)


def _scenario(node: Any, file: _File) -> Scenario:
    _refuse_prose(node, file)
    return Scenario(
        name=node["name"],
        line=node["location"]["line"],
        tags=_tags(node),
        steps=tuple(_steps(node, file)),
        # `Scenario` with Examples is an outline too, whatever its keyword says.
        is_outline=bool(node["examples"]) or node["keyword"] in _OUTLINES,
    )


def _refuse_prose(node: Any, file: _File) -> None:
    """Gherkin takes lines between a title and its first step as prose: a first step with a typing
    error would vanish there without a word, and a drill would prove less than the page says."""
    line, _, _ = node["description"].strip().partition("\n")
    if line:
        raise _wrong(
            file.path, node["location"]["line"], *gherkin_errors.prose(line, file.language)
        )


_OUTLINES = frozenset(word for d in DIALECTS.values() for word in d["scenarioOutline"]) - frozenset(
    word for d in DIALECTS.values() for word in d["scenario"]
)

_KEYWORDS = {"Context": "given", "Action": "when", "Outcome": "then"}
"""gherkin's keyword types, the same in every language. And, But and `*` are none of them."""


def _steps(parent: Any, file: _File) -> Iterator[Step]:
    keyword = ""
    for node in parent["steps"]:
        keyword = _KEYWORDS.get(node["keywordType"], keyword)
        if not keyword:
            raise _wrong(
                file.path,
                node["location"]["line"],
                f"the first step begins with {node['keyword'].strip()!r}.",
                "Begin it with Given, When or Then.",
            )
        yield Step(
            keyword=keyword,
            text=node["text"],
            line=node["location"]["line"],
            doc_string=node["docString"]["content"] if "docString" in node else None,
            table=_table(node["dataTable"]) if "dataTable" in node else None,
        )


def _table(node: Any) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(cell["value"] for cell in row["cells"]) for row in node["rows"])


def _tags(node: Any) -> tuple[Tag, ...]:
    return tuple(_tag(tag["name"], tag["location"]["line"]) for tag in node["tags"])


def _tag(text: str, line: int) -> Tag:
    name, _, value = text.removeprefix("@").partition(":")
    return Tag(name=name, value=value, line=line)


def _description(node: Any, file: _File) -> str:
    text = prose.canonical(textwrap.dedent(node["description"]).strip(), file.language)
    if found := gherkin_errors.swallowed(text, file.language):
        raise _wrong(file.path, node["location"]["line"], *found)
    return text


def _wrong(path: PurePosixPath, line: int, what: str, fix: str) -> MalformedFeature:
    return MalformedFeature([_problem(path, line, what, fix)])


def _problem(path: PurePosixPath, line: int, what: str, fix: str) -> Problem:
    return Problem(path=str(path), line=line, rule=UNREADABLE, what=what, fix=fix)


def _explained(file: _File, text: str, errors: Sequence[ParserException]) -> Iterator[Problem]:
    """gherkin's complaints in plain words."""
    lines = text.rstrip("\n").split("\n")
    # What the end of the file lacks, after an earlier complaint, mostly follows from that.
    within = [error for error in errors if error.location["line"] <= len(lines)]
    for error in within or errors:
        # The end of the file is reported one line after the last.
        at = min(error.location["line"], len(lines))
        yield _problem(
            file.path, at, *gherkin_errors.explain(lines[at - 1].strip(), str(error), file.language)
        )
