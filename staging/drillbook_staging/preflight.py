"""What this machine lacks for the embedded cluster: everything at once, each with its fix.

Reads only; it is the first second of `up`, and a part of `drillbook doctor`. As a program
(`python3 -m drillbook_staging.preflight`) it runs before anything is installed, so that `make` says
in its first second that this machine will not do: nothing here needs more than Python itself.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from drillbook_staging import addresses, cgroups, network
from drillbook_staging import places as folders
from drillbook_staging.places import BRIDGE, Places

GIB = 1024**3
CACHE_COLD = 8 * GIB
"""Go's caches take 4 GiB beside the programs that are ready; servers come on top, later."""
CACHE_IMAGES = 4 * GIB
"""Every program is there: the layers take 1.5 GiB, the seed 1.8, an archive on its way 0.5."""
STATE = 5 * GIB
"""What two nodes write while they are drilled, and the servers' images: Spark takes 2.7 GiB. The
core's are links into the cache."""
SEED = 2 * GIB
"""One node's core images, where the state is on another disk and they have to be copied."""
NODES = 2
MEMORY = 6 * GIB
"""Two nodes with the platform take 0.9 GiB, two Spark drills 4 GiB at most."""
UNSUITABLE = ("overlay", "nfs", "nfs4", "9p", "fuse", "proc", "sysfs")
MACHINES = ("x86_64",)
DEBIAN = "12"
PACKAGES = "the Python packages"
NEEDED = ("pydantic", "supervisor")


@dataclass(frozen=True)
class Problem:
    """One thing that is in the way."""

    want: str
    find: str
    fix: str

    def __str__(self) -> str:
        return f"wanted {self.want}; found {self.find}. {self.fix}"


@dataclass(frozen=True)
class Machine:
    """What the checks are told: the folders, and how much of the work is done already."""

    places: Places
    cache_grows_by: int
    """Bytes at the highest."""
    is_up: bool
    """Whether nodes of ours hold their memory and addresses already."""


def problems(places: Places) -> list[Problem]:
    """All of them; empty when the cluster can be set up, or is up and can go on."""
    if sys.platform != "linux":
        fix = "Use a Linux machine, or a cluster of your own (README)."
        return [Problem("Linux", sys.platform, fix)]
    machine = Machine(places, _growth(places), is_up=bool(network.ours()))
    return [problem for check in CHECKS for problem in check(machine)]


def _growth(places: Places) -> int:
    """How much the cache will grow, by what it lacks."""
    if _lacking():
        return CACHE_COLD
    # Only now: it needs packages that a bare machine does not have yet.
    from drillbook_staging import builds, images

    known = images.read(places)
    if builds.is_complete(places, known):
        return 0
    every = all(artifact.is_made(places) for artifact in images.artifacts(known.core))
    return CACHE_IMAGES if every else CACHE_COLD


Check = Callable[[Machine], Iterator[Problem]]


def is_root() -> bool:
    return os.geteuid() == 0


def _root(machine: Machine) -> Iterator[Problem]:
    if not is_root():
        yield Problem("root", f"user {os.geteuid()}", "Run it with sudo.")


def _debian(machine: Machine) -> Iterator[Problem]:
    found = os_release(Path("/etc/os-release").read_text())
    if found != f"debian {DEBIAN}" or not shutil.which("apt-get"):
        fix = "The images and the nodes use its packages: use Debian 12, in a virtual machine say."
        yield Problem(f"Debian {DEBIAN} with apt", found, fix)


def os_release(text: str) -> str:
    """`debian 12`, from /etc/os-release. Pure."""
    fields = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE))
    return f"{fields.get('ID', 'unknown')} {fields.get('VERSION_ID', 'unknown')}"


def _architecture(machine: Machine) -> Iterator[Problem]:
    if platform.machine() not in MACHINES:
        yield Problem(f"a machine of type {MACHINES[0]}", platform.machine(), "Use such a machine.")


def _python(machine: Machine) -> Iterator[Problem]:
    missing = _lacking()
    if missing:
        fix = "Install what staging/pyproject.toml names: `make setup`."
        find = f"no {' and '.join(missing)}"
        yield Problem(f"{PACKAGES} {' and '.join(NEEDED)}", find, fix)


def _lacking() -> list[str]:
    """Of the packages that the embedded cluster needs, those that are not installed."""
    return [name for name in NEEDED if not find_spec(name)]


def _folders(machine: Machine) -> Iterator[Problem]:
    """Folders that cannot be written, or from whose disk nothing may be run."""
    for what, variable, path in _places(machine.places):
        standing = _existing(path)
        fix = f"Set {variable} to a folder on a local, writable disk."
        if not standing.is_dir():
            yield Problem(f"a folder for the {what} at {path}", f"a file at {standing}", fix)
        elif is_root() and not os.access(standing, os.W_OK):
            yield Problem(f"a folder for the {what} at {path}", f"{standing} is read-only", fix)
        elif os.statvfs(standing).f_flag & os.ST_NOEXEC:
            find = f"{standing} is mounted noexec"
            yield Problem(f"a disk for the {what} at {path} that programs may run from", find, fix)


def _places(places: Places) -> tuple[tuple[str, str, Path], ...]:
    return (
        ("cache", "DRILLBOOK_CACHE", places.cache),
        ("state", "DRILLBOOK_STATE", places.state),
    )


def _disk(machine: Machine) -> Iterator[Problem]:
    paths = [path for _, _, path in _places(machine.places)]
    cache, state = (os.stat(_existing(path)).st_dev for path in paths)
    needed = space(machine, same_disk=cache == state)
    for (what, variable, path), wanted in zip(_places(machine.places), needed, strict=True):
        free = shutil.disk_usage(_existing(path)).free
        if free < wanted:
            yield Problem(
                f"{wanted / GIB:.0f} GiB free for the {what} at {path}",
                f"{free / GIB:.1f} GiB",
                f"Make room, or set {variable} to a folder on another disk.",
            )


def space(machine: Machine, *, same_disk: bool) -> tuple[int, int]:
    """Bytes that must be free on the disk of the cache and on that of the state. Pure."""
    if machine.is_up:
        return machine.cache_grows_by, 0
    state = STATE if same_disk else STATE + NODES * SEED
    return machine.cache_grows_by + (state if same_disk else 0), state


def _existing(path: Path) -> Path:
    # os.path's `exists` is False, not an error, where we may not look.
    return next(folder for folder in (path, *path.parents) if os.path.exists(folder))


def _file_system(machine: Machine) -> Iterator[Problem]:
    mountinfo = Path("/proc/self/mountinfo").read_text()
    for what, variable, path in _places(machine.places):
        kind = file_system(mountinfo, _existing(path))
        if kind in UNSUITABLE:
            want = f"a file system that overlays can lie on for the {what} at {path}"
            yield Problem(want, kind, f"Set {variable} to a folder on a local ext4 or xfs disk.")


def file_system(mountinfo: str, path: Path) -> str:
    """The type of the file system that holds a path, from /proc/self/mountinfo. Pure."""
    rows = [line.split(" - ", 1) for line in mountinfo.splitlines() if " - " in line]
    mounts = [(Path(left.split()[4]), right.split()[0]) for left, right in rows]
    holding = [(mount, kind) for mount, kind in mounts if path.is_relative_to(mount)]
    return max(holding, key=lambda held: len(held[0].parts), default=(Path("/"), "unknown"))[1]


def _memory(machine: Machine) -> Iterator[Problem]:
    available = memory_available(Path("/proc/meminfo").read_text())
    if available < MEMORY and not machine.is_up:
        find = f"{available / GIB:.1f} GiB"
        fix = "End something large (`ps aux --sort=-rss | head`), or use a machine with 8 GiB."
        yield Problem(f"{MEMORY / GIB:.0f} GiB of memory available", find, fix)


def memory_available(meminfo: str) -> int:
    """Bytes, from /proc/meminfo. Pure."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo, re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0


def _addresses(machine: Machine) -> Iterator[Problem]:
    for device, taken in addresses.overlapping(network.host_routes(), BRIDGE):
        fix = f"Take that network down (`ip route show dev {device}`); the range is for tests only."
        yield Problem(f"the range {addresses.RANGE} for the cluster", f"{taken} on {device}", fix)


def _kernel(machine: Machine) -> Iterator[Problem]:
    for what, command in KERNEL_PROBES:
        if is_root() and not _works(command):
            fix = "Use a kernel that has it (Debian's own does), outside of a restricted container."
            yield Problem(f"a kernel with {what}", "none that works here", fix)
    if cgroups.hierarchy() is None:
        yield Problem("cgroups mounted", "none", "mount -t cgroup2 cgroup2 /sys/fs/cgroup")


# Each in a network namespace of its own, so that nothing is made on the host. A tool that is not
# installed yet proves nothing: the packages come later, and the probes are run again then.
KERNEL_PROBES = (
    ("namespaces", "true"),
    ("bridges", "ip link add drillbook0 type bridge"),
    ("veth pairs", "ip link add drillbook0 type veth peer name drillbook1"),
    ("nftables", "nft add table ip drillbook"),
    ("overlay file systems", "modprobe --quiet overlay; grep -qw overlay /proc/filesystems"),
)


def _works(command: str) -> bool:
    tool = command.split()[0]
    if tool not in ("true", "modprobe") and not shutil.which(tool):
        return True
    namespaces = ("unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--fork")
    done = subprocess.run(
        [*namespaces, "sh", "-c", command], capture_output=True, check=False, timeout=10
    )
    return done.returncode == 0


CHECKS: tuple[Check, ...] = (
    _root,
    _debian,
    _architecture,
    _python,
    _folders,
    _disk,
    _file_system,
    _memory,
    _addresses,
    _kernel,
)


def main() -> int:
    """Print what is in the way; the packages that `make setup` installs are not. The exit code."""
    found = [
        problem for problem in problems(folders.places()) if not problem.want.startswith(PACKAGES)
    ]
    for problem in found:
        print(f"this machine cannot run the embedded cluster: {problem}", file=sys.stderr)
    return 2 if found else 0


if __name__ == "__main__":
    sys.exit(main())
