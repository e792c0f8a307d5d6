"""The nodes' cgroups: one folder of ours at the top of every controller, version 1 or 2."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from drillbook_staging.places import CGROUP

MOUNTINFO = Path("/proc/self/mountinfo")


@dataclass(frozen=True)
class Hierarchy:
    """Where the host's cgroups are mounted."""

    version: int
    """1 or 2. A version 2 tree beside controllers of version 1 ("hybrid") counts as 1."""
    mounts: tuple[Path, ...]
    """The root of each controller; one root for version 2."""

    def folders(self, node: str | None = None) -> tuple[Path, ...]:
        """Our folder in every controller, or a node's within."""
        inner = Path(CGROUP) / (node or "")
        return tuple(mount / inner for mount in self.mounts)


def parse(mountinfo: str) -> Hierarchy | None:
    """From /proc/self/mountinfo, co-mounted controllers once; None without cgroups. Pure."""
    rows = [line.split(" - ", 1) for line in mountinfo.splitlines() if " - " in line]
    found = [(right.split()[0], left.split()[4], left.split()[2]) for left, right in rows]
    by_device = {device: Path(mount) for kind, mount, device in found if kind == "cgroup"}
    if by_device:
        return Hierarchy(1, tuple(by_device.values()))
    unified = [Path(mount) for kind, mount, _ in found if kind == "cgroup2"]
    return Hierarchy(2, (unified[0],)) if unified else None


def hierarchy() -> Hierarchy | None:
    return parse(MOUNTINFO.read_text())


def create(tree: Hierarchy, node: str) -> None:
    """Make a node's cgroup in every controller."""
    for mount in tree.mounts:
        for folder in (mount / CGROUP, mount / CGROUP / node):
            folder.mkdir(exist_ok=True)
            if tree.version == 2:
                # Version 2: let the children of a folder use all of its controllers.
                controllers = (folder.parent / "cgroup.controllers").read_text().split()
                if controllers:
                    wanted = " ".join(f"+{name}" for name in controllers)
                    (folder.parent / "cgroup.subtree_control").write_text(wanted)
            elif (folder / "cpuset.cpus").exists():
                # A new cpuset is empty, and nothing may run in an empty one.
                for file in ("cpuset.cpus", "cpuset.mems"):
                    (folder / file).write_text((mount / file).read_text())


def enter(tree: Hierarchy, node: str) -> None:
    """Put the calling process into a node's cgroups."""
    for folder in tree.folders(node):
        (folder / "cgroup.procs").write_text(str(os.getpid()))


def processes(tree: Hierarchy, node: str | None = None) -> set[int]:
    """Every process in our cgroups, or in a node's, on the host's count."""
    return {
        int(line)
        for folder in _all_folders(tree, node)
        for line in _read(folder / "cgroup.procs").split()
        if line != "0"
    }


def _all_folders(tree: Hierarchy, node: str | None) -> Iterator[Path]:
    """Ours, or a node's, children before their parents."""
    for top in tree.folders(node):
        for folder, _, _ in os.walk(top, topdown=False):
            yield Path(folder)


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""  # the folder went away while we walked: nothing is in it any more


def remove(tree: Hierarchy, node: str | None = None, within_s: float = 20.0) -> list[Path]:
    """Kill what is inside and remove the folders, ours or a node's; returns those that stayed."""
    until = time.monotonic() + within_s
    while True:
        for process in processes(tree, node):
            kill(process)
        left = [folder for folder in _all_folders(tree, node) if not _rmdir(folder)]
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.1)


def _rmdir(folder: Path) -> bool:
    with suppress(OSError):  # a process in it is not quite dead: the caller comes again
        folder.rmdir()
    return not folder.exists()


def kill(process: int) -> None:
    """SIGKILL; one that ended by itself is what we want."""
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
