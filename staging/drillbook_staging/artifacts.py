"""What is built or fetched once and kept: binaries, a Debian root, an archive's files. An artifact
is a folder in the cache, named after the hash of what it is made of. It appears there whole or not
at all: it is made beside its place and renamed."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drillbook_staging.places import Places
from drillbook_staging.shell import Shell

Make = Callable[[Shell, Path], None]
"""Fills an empty folder."""


@dataclass(frozen=True)
class Artifact:
    """One folder of the cache, and how it is made."""

    name: str
    key: str
    make: Make
    lane: str
    """Artifacts of one lane are made one after the other, lanes at the same time."""
    host: tuple[str, ...] = ()
    """Programs in it that people and scripts run on the host."""

    def path(self, places: Places) -> Path:
        return places.cache / "artifacts" / f"{self.name}-{self.key}"

    def is_made(self, places: Places) -> bool:
        return self.path(places).is_dir()

    def ensure(self, places: Places) -> Path:
        """Make it unless it is there. Raises StageFailed."""
        path = self.path(places)
        if not path.is_dir():
            unfinished = path.with_name(f".{path.name}.unfinished")
            if unfinished.exists():
                shutil.rmtree(unfinished)
            unfinished.mkdir(parents=True)
            self.make(Shell(places, f"build {self.name}"), unfinished)
            unfinished.rename(path)
        path.touch()  # used now, says the time by which old ones go
        return path
