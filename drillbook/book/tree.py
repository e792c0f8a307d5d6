"""What is wrong with the checkout's files, whatever they say: files that nothing reads, unfinished
merges, line ends that change what runs in a cluster. Reads files and nothing else."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from drillbook.book.catalogue import FILE as CATALOGUE
from drillbook.book.reader import FEATURES, SUFFIX
from drillbook.model import Problem

_OURS: Final = (FEATURES, "fixtures", "monitoring", "scripts", "steps")
_AS_BYTES: Final = ("fixtures", "scripts")
"""What is proven, and run in a cluster, byte by byte."""
_PASSED_BY: Final = frozenset({"node_modules", "tests", "__pycache__"})
_CONFLICT: Final = re.compile(rb"^(?:<{7}|>{7}) ", re.MULTILINE)


def problems(root: Path) -> list[Problem]:
    """To be asked after the step modules were imported."""
    return [*stray(root), *_conflicts(root), *line_ends(root), *_unlisted(root)]


def line_ends(root: Path) -> Iterator[Problem]:
    """One problem for all files: git gave them these line ends in one go."""
    found = [path for path, data in _texts(root, _AS_BYTES) if b"\r\n" in data]
    if found:
        number = f"{len(found)} files have" if len(found) > 1 else "the file has"
        what = (
            f"{number} Windows line ends, so no proof is of these bytes, and no shell in a "
            "container takes them."
        )
        fix = "Clone again: .gitattributes keeps them as they are committed."
        yield _problem(root, found[0], "line-ends", what, fix)


def stray(root: Path) -> Iterator[Problem]:
    """Files that nothing reads. Looks at names alone, and at all of the checkout."""
    for folder, folders, files in os.walk(root):
        inside = Path(folder).relative_to(root)
        hidden = [n for n in folders if n[0] == "." or n in _PASSED_BY or _is_venv(folder, n)]
        folders[:] = sorted(set(folders) - set(hidden))
        ours = inside.parts[:1] == (FEATURES,)
        for path in (Path(folder, name) for name in (*folders, *files)):
            mine = path.relative_to(root).parts[0] in _OURS and path.is_symlink()
            if mine and (path.is_dir() or not path.resolve().is_relative_to(root.resolve())):
                what = (
                    "this is a link, and links to folders or out of the checkout are not followed."
                )
                yield _problem(root, path, "stray-file", what, "Put in its place what it leads to.")
        for name in sorted(files):
            runbook = name.casefold().endswith(SUFFIX)
            expected = name.endswith(SUFFIX) if ours else not runbook
            listed = (inside / name).as_posix() == CATALOGUE
            if not expected and not listed and name[0] != "." and name != "README.md":
                what = f"nothing reads this file: a runbook is {FEATURES}/<area>/<name>{SUFFIX}."
                fix = "Give it that place and name, or move it elsewhere."
                yield _problem(root, Path(folder, name), "stray-file", what, fix)


def _is_venv(folder: str, name: str) -> bool:
    return Path(folder, name, "pyvenv.cfg").exists()


def _conflicts(root: Path) -> Iterator[Problem]:
    for path, data in _texts(root, _OURS):
        # A runbook's are the reader's to tell, who reads it for everybody.
        if path.suffix != SUFFIX and (found := _CONFLICT.search(data)):
            line = data[: found.start()].count(b"\n") + 1
            what = "a merge was not finished here."
            yield _problem(root, path, "merge", what, "Choose what is to stay.", line)


def _texts(root: Path, folders: tuple[str, ...]) -> Iterator[tuple[Path, bytes]]:
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                data = path.read_bytes()
                if b"\0" not in data:
                    yield path, data


def _unlisted(root: Path) -> Iterator[Problem]:
    """A step module that pytest_plugins does not name: its sentences are in no runbook's reach."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    imported = {Path(file).resolve() for file in files if file}
    for path in sorted((root / "steps").rglob("*.py")):
        if path.resolve() not in imported:
            name = ".".join(path.relative_to(root).with_suffix("").parts)
            what = f"no sentence of this file is known: pytest_plugins does not name {name}."
            fix = f'Add "{name}" to the list in steps/__init__.py.'
            yield _problem(root, path, "unlisted-module", what, fix)


def _problem(root: Path, path: Path, rule: str, what: str, fix: str, line: int = 1) -> Problem:
    shown = path.relative_to(root).as_posix()
    return Problem(path=shown, line=line, rule=rule, what=what, fix=fix)
