"""What the cluster leaves on the host, found by our own marks, and its removal. Nothing here trusts
a record that a killed `up` may not have written: processes carry a variable, cgroups and interfaces
our names, mounts and files our folders."""

import os
import shutil
import time
from collections.abc import Callable, Set
from pathlib import Path

from drillbook_staging import cgroups, debian, mountpoints, network, node
from drillbook_staging.errors import StageFailed
from drillbook_staging.places import Places
from drillbook_staging.shell import Shell

ENDED_WITHIN_S = 20.0


def find(places: Places) -> list[str]:
    """Everything of ours that is on the host, in words."""
    return [
        *(f"process {number}" for number in sorted(_processes(places))),
        *(f"mount {path}" for path in mounts(places)),
        *(f"interface {name}" for name in network.ours()),
        *(f"cgroup {path}" for path in _cgroup_folders()),
        *(f"folder {path}" for path in (places.state,) if path.exists()),
    ]


def remove(places: Places) -> None:
    """Take all of it away; safe to repeat, and on nothing. Raises StageFailed with what stayed."""
    _end(lambda: _processes(places))
    _remove_cgroups()
    shell = Shell(places, "clean up")
    for point in mounts(places):
        shell.run("umount", "--lazy", point)
    if network.ours():
        network.remove(Shell(places, "clean up"))
    mountpoints.remove(places)
    debian.remove_policy()
    if places.state.exists():
        shutil.rmtree(places.state)
    _remove_empty(places.state.parent)
    left = find(places)
    if left:
        raise StageFailed(
            "stage 'clean up': this stayed on the host: " + ", ".join(left) + ". "
            "See what holds it (a shell inside, an open file), end that, and run "
            "`drillbook staging down` again."
        )


def _remove_empty(folder: Path) -> None:
    """The state's parent, when it is ours by name and holds nothing else."""
    if folder.name == "drillbook" and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _processes(places: Places) -> set[int]:
    tree = cgroups.hierarchy()
    inside = cgroups.processes(tree) if tree else set()
    return (node.marked(places) | inside) - {os.getpid()}


def end_children(places: Places, but: Set[int]) -> None:
    """SIGKILL to those that carry our mark and are none of `but`. Raises StageFailed."""
    _end(lambda: node.marked(places) - but)


def _end(find: Callable[[], set[int]]) -> None:
    until = time.monotonic() + ENDED_WITHIN_S
    while (found := find()) and time.monotonic() < until:
        for number in found:
            cgroups.kill(number)
        time.sleep(0.05)
    if found:
        left = ", ".join(str(number) for number in sorted(found))
        raise StageFailed(
            f"stage 'clean up': processes {left} are still there {ENDED_WITHIN_S:g} s after "
            "SIGKILL. See with `ps` what they wait for."
        )


def _remove_cgroups() -> None:
    tree = cgroups.hierarchy()
    left = cgroups.remove(tree) if tree else []
    if left:
        raise StageFailed(
            f"stage 'clean up': these cgroups cannot be removed: {', '.join(map(str, left))}. "
            "Their cgroup.procs name what is still inside."
        )


def _cgroup_folders() -> list[Path]:
    tree = cgroups.hierarchy()
    return [folder for folder in tree.folders() if folder.exists()] if tree else []


def mounts(places: Places) -> list[str]:
    """Mounts of the host inside our folders, the innermost first. Not the folders themselves: a
    disk that somebody mounted there is theirs."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = [_unescaped(line.split()[4]) for line in lines]
    ours = (f"{places.state}/", f"{places.cache}/")
    return [point for point in reversed(points) if point.startswith(ours)]


def _unescaped(text: str) -> str:
    """mountinfo writes blanks and the like as octal numbers."""
    return text.encode().decode("unicode_escape") if "\\" in text else text
