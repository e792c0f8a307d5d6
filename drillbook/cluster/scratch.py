"""This process's private folder: it goes when the process ends, however it ends. Tokens lie in it.
A process that is killed cannot tidy up; the next one does it for it, and knows by a lock that the
kernel lets go of that the other is no more."""

import atexit
import fcntl
import os
import shutil
import tempfile
import threading
from functools import cache
from pathlib import Path

PREFIX = "drillbook-run-"
LOCK = "lock"
_once = threading.Lock()


def folder() -> Path:
    """For this user alone, the same one each time."""
    with _once:
        return _folder(os.getpid())


@cache
def _folder(process: int) -> Path:
    """By process, because a forked one must not remove its parent's."""
    top = Path(tempfile.gettempdir())
    remove_dead(top)
    made = Path(tempfile.mkdtemp(prefix=PREFIX, dir=top))
    new = made / "new"
    fcntl.flock(os.open(new, os.O_RDWR | os.O_CREAT, 0o600), fcntl.LOCK_EX)
    # Under its name it is held from the beginning: nobody finds one that is free by chance.
    new.rename(made / LOCK)
    atexit.register(_remove, made, process)
    return made


def remove_dead(top: Path) -> None:
    """The folders of ours whose process is no more."""
    for path in top.glob(f"{PREFIX}*"):
        if _is_ours(path) and _is_dead(path):
            shutil.rmtree(path, ignore_errors=True)


def _is_ours(path: Path) -> bool:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return found.st_uid == os.getuid() and path.is_dir() and not path.is_symlink()


def _is_dead(path: Path) -> bool:
    """Nobody holds its lock; one that has none yet is about to."""
    try:
        held = os.open(path / LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(held)
    return True


def _remove(made: Path, process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(made, ignore_errors=True)
