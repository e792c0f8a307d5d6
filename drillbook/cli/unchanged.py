"""What was found right before, so that nobody looks again where nothing changed. Kept are digests
and nothing else, of what a lint without problem looked at and of each page, so nothing that is read
back is shown, written or run. The file stands in the user's cache folder: in the checkout it could
be committed, and a gate would believe a stranger. Covered are the engine and what it stands on, the
settings, and the files that steps are made from."""

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from drillbook.cluster.settings import Settings

ENGINE: Final = Path(__file__).parents[1]
READ: Final = ("fixtures", "monitoring", "scripts", "staging/images", "steps")
"""The folders of a checkout that steps, rules, tools and recipes of images stand in."""


@dataclass
class Unchanged:
    """What was right when it was last looked at. A broken or foreign file counts as none."""

    file: Path | None
    lint: str = ""
    pages: dict[str, str] = field(default_factory=dict)
    """The page's path below the checkout -> the digest of what it was made from, and of itself."""

    @classmethod
    def load(cls, root: Path) -> "Unchanged":
        file = _file(root)
        if file is None:
            return cls(None)
        try:
            with file.open("rb") as kept:
                if os.fstat(kept.fileno()).st_uid != os.getuid():
                    return cls(None)
                found = json.load(kept)
            pages = {str(name): str(value) for name, value in found["pages"].items()}
            return cls(file, str(found["lint"]), pages)
        except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return cls(file)

    def save(self) -> None:
        """Whole or not at all; where it cannot be kept, everything is looked at again."""
        if self.file is None:
            return
        with suppress(OSError):
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, beside = tempfile.mkstemp(prefix=f".{self.file.name}.", dir=self.file.parent)
            try:
                with open(handle, "w", encoding="utf-8") as out:
                    json.dump({"lint": self.lint, "pages": self.pages}, out)
                os.replace(beside, self.file)
            except OSError:
                os.unlink(beside)


def _file(root: Path) -> Path | None:
    """None where this user has no folder for it."""
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("HOME")
    if not home or not Path(home).is_absolute():
        return None
    base = Path(home) if os.environ.get("XDG_CACHE_HOME") else Path(home, ".cache")
    return base / "drillbook" / f"{digest([str(root.resolve())])[:32]}.json"


def digest(parts: Iterable[Any]) -> str:
    """Of texts and bytes in order; None is not the empty text."""
    found = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else repr(part).encode()
        found.update(f"{type(part).__name__}{len(data)}:".encode())
        found.update(data)
    return found.hexdigest()


def surroundings(settings: Settings) -> str:
    """The digest of all that runbooks are judged and rendered by. To be asked before anything is
    read, and again before what was found is kept: it differs when a file changed meanwhile, and
    when a step module was imported that stands elsewhere, of which nobody could tell a change."""
    folders = [ENGINE, *(settings.root / name for name in READ)]
    files = {path for folder in folders for path in below(folder)} | set(_modules())
    return digest([*_versions(), settings.model_dump_json(), *contents(sorted(files))])


def below(folder: Path) -> list[Path]:
    """Every file and link below a folder, in order."""
    found = (path for path in folder.rglob("*") if "__pycache__" not in path.parts)
    return sorted(path for path in found if path.is_symlink() or path.is_file())


def contents(paths: Iterable[Path]) -> Iterator[str | bytes | None]:
    """Each path and the digest of what it holds; None for what is no file that can be read."""
    for path in paths:
        yield str(path)
        try:
            if path.is_file():
                with path.open("rb") as file:
                    yield hashlib.file_digest(file, "sha256").digest()
            else:
                # Nobody looks behind a link to a folder, so it is never what it was.
                yield os.urandom(16) if path.is_dir() and path.is_symlink() else None
        except OSError:
            yield None


def _modules() -> Iterator[Path]:
    """Whatever was imported that is neither Python's nor a distribution's."""
    theirs = tuple({str(Path(os.__file__).parent), *_sites()})
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if file and not file.startswith(theirs) and not file.startswith("<"):
            yield Path(file)


def _versions() -> Iterator[str]:
    """Python and every distribution, by the name of its metadata, which holds its version."""
    yield sys.version
    for place in _sites():
        yield from sorted(path.name for path in Path(place).glob("*-info"))


def _sites() -> list[str]:
    return sorted({p for p in sys.path if Path(p).name in ("site-packages", "dist-packages")})
