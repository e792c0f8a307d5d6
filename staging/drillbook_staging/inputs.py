"""What an image takes in, as its data file says: one class for each place that has things."""

import re
import shutil
import zipfile
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from drillbook_staging.artifacts import Artifact
from drillbook_staging.errors import StageFailed
from drillbook_staging.shell import Shell

Files = Mapping[str, str]
"""Of an archive: a path in it (a pattern that one file or folder matches), and where that goes."""


@dataclass(frozen=True)
class Home:
    """Where a data file lies."""

    folder: Path
    sources: Path
    """The checkout's `staging/`."""


class Input(BaseModel):
    """One thing that is fetched or built; a table of the data file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: tuple[str, ...] = ()
    """Programs of it that people and scripts run on the host."""

    @abstractmethod
    def artifact(self, home: Home) -> Artifact:
        """How it is made. Raises UsageError, OSError."""


def lay_out(shell: Shell, archive: Path, target: Path, files: Files) -> None:
    """Take out of an archive what is wanted, to where it is wanted; the archive goes. Raises
    StageFailed, also when a pattern does not match exactly one thing."""
    work = target / ".unpacked"
    work.mkdir()
    if archive.suffix == ".deb":
        shell.run("dpkg-deb", "-x", str(archive), str(work))
    elif zipfile.is_zipfile(archive):
        zipfile.ZipFile(archive).extractall(work)
    else:
        shell.run("tar", "-xf", str(archive), "-C", str(work))
    for pattern, place in files.items():
        found = list(work.glob(pattern))
        if len(found) != 1:
            names = ", ".join(str(path.relative_to(work)) for path in found[:5]) or "nothing"
            raise StageFailed(f"{archive.name}: wanted one file {pattern!r} in it; found {names}.")
        (target / place).parent.mkdir(parents=True, exist_ok=True)
        found[0].rename(target / place)
    shutil.rmtree(work)
    archive.unlink()


def slug(text: str) -> str:
    """A name for a folder of the cache. Pure."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-")
