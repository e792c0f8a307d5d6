"""The agent's journal: one file for each change that is not undone, written before it."""

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from drillbook_staging.agent.change import Change, Key

ENDING = ".json"
UNFINISHED = ".new"


@dataclass(frozen=True)
class Found:
    """What the folder holds."""

    changes: tuple[Change, ...]
    unreadable: tuple[Path, ...]
    """Files that are no changes of ours, though named so: something unknown, not nothing."""


@dataclass(frozen=True)
class Journal:
    """A folder of changes. Its methods raise OSError: a full or read-only disk."""

    folder: Path

    def read(self) -> Found:
        """All of it; nothing where there is no folder."""
        changes, unreadable = [], []
        for file in sorted(self.folder.glob(f"*{ENDING}")):
            try:
                changes.append(Change.model_validate_json(file.read_bytes()))
            except FileNotFoundError:
                continue  # undone while we looked
            except ValidationError:
                unreadable.append(file)
        return Found(tuple(changes), tuple(unreadable))

    def write(self, change: Change) -> None:
        """On the disk when this returns, whole or not at all."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._file(change.key).with_suffix(UNFINISHED)
        with new.open("wb") as file:
            file.write(change.model_dump_json(indent=1).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._file(change.key))
        self._sync()

    def remove(self, key: Key) -> None:
        """Gone from the disk when this returns."""
        self._file(key).unlink(missing_ok=True)
        self._sync()

    def clean(self) -> None:
        """Take away what a killed write left. Nothing relied on it yet."""
        for file in self.folder.glob(f"*{UNFINISHED}"):
            file.unlink()

    def _file(self, key: Key) -> Path:
        drill, sequence = key
        return self.folder / f"{drill}-{sequence}{ENDING}"

    def _sync(self) -> None:
        handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
