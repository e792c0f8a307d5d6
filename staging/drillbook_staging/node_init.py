"""A node's first process: mount what is the node's own, then become its supervisor.

Runs as process 1 of the node's namespaces: `python -m drillbook_staging.node_init SPEC`. Whatever
it mounts is seen by the node alone. It imports little: a node starts in half a second.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from drillbook_staging.places import PART_OF

CGROUPS = Path("/sys/fs/cgroup")
LINK_WITHIN_S = 30.0


def read_spec(file: str) -> dict[str, Any]:
    """What `node.spec` wrote."""
    spec: dict[str, Any] = json.loads(Path(file).read_text())
    return spec


def main() -> None:
    spec = read_spec(sys.argv[1])
    socket.sethostname(spec["name"])
    mount_own(spec["binds"])
    mount_cgroups()
    bring_up_link(spec["ip"], spec["routes"])
    supervisor: list[str] = spec["supervisor"]
    os.execve(supervisor[0], supervisor, environment(spec["path"]))  # noqa: S606


def environment(path: str) -> dict[str, str]:
    """A node's own: the host's proxies and the like mean nothing there, our mark must stay."""
    kept = {name: os.environ[name] for name in (PART_OF, "PYTHONPATH") if name in os.environ}
    return {"PATH": path, "HOME": "/run", "LC_ALL": "C.UTF-8", **kept}


def run(*words: str) -> None:
    subprocess.run(words, check=True)


# --------------------------------------------------------------------------- mounts


def mount_own(binds: Sequence[Sequence[str]]) -> None:
    """Put the node's folders and files over the host's."""
    # Nothing that is mounted here may reach the host; pods may ask for shared mounts.
    run("mount", "--make-rprivate", "/")
    run("mount", "--make-rshared", "/")
    for source, target in binds:
        run("mount", "--bind", source, target)
    run("mount", "-t", "tmpfs", "-o", "mode=755", "run", "/run")
    run("mount", "-t", "sysfs", "sysfs", "/sys")


def mount_cgroups() -> None:
    """The node's cgroups as the whole tree: the namespace shows no more."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    controllers = [line.split(":")[1] for line in lines if line.split(":")[1]]
    if controllers:
        _mount_version_1(controllers)
    else:
        _mount_version_2()


def _mount_version_1(controllers: Sequence[str]) -> None:
    run("mount", "-t", "tmpfs", "-o", "mode=755", "cgroup", str(CGROUPS))
    for joined in controllers:
        folder = CGROUPS / joined.removeprefix("name=")
        folder.mkdir()
        option = f"none,{joined}" if joined.startswith("name=") else joined
        run("mount", "-t", "cgroup", "-o", option, "cgroup", str(folder))
        for single in joined.split(",") if "," in joined else ():
            (CGROUPS / single).symlink_to(joined)


def _mount_version_2() -> None:
    run("mount", "-t", "cgroup2", "cgroup2", str(CGROUPS))
    # A group that hands controllers down may hold no process itself: we move to a leaf. The host
    # moves its own end of us meanwhile, so that the first tries may be refused.
    (CGROUPS / "init").mkdir(exist_ok=True)
    (CGROUPS / "init" / "cgroup.procs").write_text(str(os.getpid()))
    wanted = " ".join(f"+{name}" for name in (CGROUPS / "cgroup.controllers").read_text().split())
    until = time.monotonic() + LINK_WITHIN_S
    while True:
        try:
            (CGROUPS / "cgroup.subtree_control").write_text(wanted)
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


# --------------------------------------------------------------------------- network


def bring_up_link(ip: str, routes: Sequence[Sequence[str]]) -> None:
    """Wait for the cable that the host plugs in, then address it. There is no default route: a
    packet for the outside is refused at once. (An `unreachable` default would say the same, but
    kubeadm takes it for an interface.)"""
    run("ip", "link", "set", "lo", "up")
    until = time.monotonic() + LINK_WITHIN_S
    while not Path("/sys/class/net/eth0").exists():
        if time.monotonic() > until:
            raise SystemExit(f"no eth0 appeared within {LINK_WITHIN_S:g} s")
        time.sleep(0.02)
    run("ip", "address", "add", f"{ip}/24", "dev", "eth0")
    run("ip", "link", "set", "eth0", "up")
    for network, gateway in routes:
        run("ip", "route", "add", network, "via", gateway)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


if __name__ == "__main__":
    main()
