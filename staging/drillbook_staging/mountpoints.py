"""Folders of the host that a node mounts its own over: made when missing, taken away afterwards.
Each is written down before it is made, so that `down` finds those of a killed `up`."""

from collections.abc import Iterable
from pathlib import Path

from drillbook_staging.places import Places


def ensure(places: Places, folders: Iterable[str]) -> None:
    """Make these folders and their parents."""
    for folder in folders:
        for path in reversed([Path(folder), *Path(folder).parents]):
            if not path.is_dir():
                _note(places, path)
                path.mkdir()


def _note(places: Places, path: Path) -> None:
    places.state.mkdir(parents=True, exist_ok=True)
    with places.mountpoints.open("a") as ledger:
        ledger.write(f"{path}\n")


def remove(places: Places) -> None:
    """Take away those that we made and that nobody has used since."""
    if not places.mountpoints.is_file():
        return
    for line in reversed(places.mountpoints.read_text().splitlines()):
        path = Path(line)
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    places.mountpoints.unlink()
