"""Content hashes, from which the cache's keys are made. Pure, but for reading the files named."""

import hashlib
from collections.abc import Collection
from pathlib import Path

LENGTH = 16
"""Hex digits kept of a SHA-256: 64 bits, enough for a cache of tens of entries."""


def of_text(*parts: str) -> str:
    """The hash of some texts; their borders count."""
    total = hashlib.sha256()
    for part in parts:
        total.update(f"{len(part.encode())}:{part}".encode())
    return total.hexdigest()[:LENGTH]


def of_files(folder: Path, without: Collection[str] = ()) -> str:
    """The hash of a folder's files: their relative names, modes to execute, and contents.
    Files and folders of a name in `without` do not count, however deep."""
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not set(path.relative_to(folder).parts) & set(without)
    )
    return of_text(*(text for path in files for text in _file(folder, path)))


def _file(folder: Path, path: Path) -> tuple[str, str, str]:
    executable = "x" if path.stat().st_mode & 0o100 else "-"
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    return path.relative_to(folder).as_posix(), executable, content
