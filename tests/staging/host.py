"""A picture of what is the embedded cluster's on the host, to compare before and after. Other
people's shells, caches and servers are not in it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from pathlib import Path

from drillbook_staging.addresses import RANGE
from drillbook_staging.node import FOLDERS, KERNEL_SETTINGS
from drillbook_staging.places import BRIDGE, CGROUP, PART_OF, Places

Picture = Mapping[str, frozenset[str]]
"""Of each kind of thing, what there is."""

ELSEWHERE = (
    *FOLDERS.values(),
    *("/var/lib/containers", "/run/containerd", "/run/containers", "/run/netns", "/run/buildah"),
    *("/usr/sbin/policy-rc.d", "/etc/containers"),
)
"""Where the programs that we start write, unless they are told otherwise."""
AT_HOME = ("go", ".kube", ".cache/go-build", ".config/go")
"""What they would make there; what others do inside of it is theirs."""
LASTING = ("mount", "interface", "route", "firewall", "kernel setting")
"""What may not go, either."""
SETTINGS = (*KERNEL_SETTINGS, "net/ipv4/ip_forward", "net/netfilter/nf_conntrack_max")
"""Of the kernel: what kubelet, kube-proxy and the nodes' routing would set for all."""


def picture(at: Places) -> Picture:
    """All of it."""
    return {
        "process": frozenset(_processes(at)),
        "mount": frozenset(_lines(Path("/proc/self/mountinfo").read_text(), at)),
        "interface": frozenset(p.name for p in Path("/sys/class/net").glob(f"{BRIDGE}*")),
        "route": frozenset(_routes()),
        "firewall": frozenset(_firewall()),
        "cgroup": frozenset(_cgroups()),
        "kernel setting": frozenset(_settings()),
        "file": frozenset(_files(at)),
    }


def differences(before: Picture, after: Picture) -> list[str]:
    """What came and what went, in words. Pure."""
    return [
        f"{kind} {sign}: {name}"
        for kind in before
        for sign, names in (
            ("came", after[kind] - before[kind]),
            ("went", before[kind] - after[kind] if kind in LASTING else frozenset()),
        )
        for name in sorted(names)
    ]


def _lines(text: str, at: Places) -> Iterable[str]:
    """Those that speak of our folders."""
    return (line for line in text.splitlines() if str(at.state) in line or str(at.cache) in line)


# --------------------------------------------------------------------------- processes


def _processes(at: Places) -> Iterable[str]:
    """Those that carry our mark, stand in our cgroup, or work on our folders."""
    marks = (f"{PART_OF}={at.state}", f"{at.state}/", f"{at.cache}/")
    for folder in Path("/proc").glob("[0-9]*"):
        if int(folder.name) != os.getpid():
            words = _read(folder / "cmdline").replace("\0", " ")
            told = f"{words}\n{_read(folder / 'environ')}\n{_link(folder / 'cwd')}"
            grouped = f"/{CGROUP}/" in _read(folder / "cgroup")
            if grouped or any(mark in told for mark in marks):
                yield f"{folder.name} {words[:100]}"


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""  # it ended while we looked


def _link(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


# --------------------------------------------------------------------------- the kernel's things


def _output(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def _routes() -> Iterable[str]:
    for row in json.loads(_output("ip", "-json", "-4", "route", "show", "table", "all") or "[]"):
        to = row["dst"]
        within = to != "default" and ip_network(to, strict=False).overlaps(RANGE)
        if within or str(row.get("dev", "")).startswith(BRIDGE):
            yield json.dumps(row)


def _firewall() -> Iterable[str]:
    """What names our network, and what kube-proxy and the CNI would make."""
    ours = (BRIDGE, "kube", "KUBE", "CNI", str(RANGE.network_address).rsplit(".", 2)[0])
    rules = _output("nft", "list", "ruleset").splitlines()
    return (line for line in rules if any(word in line for word in ours))


def _cgroups() -> Iterable[str]:
    found = (folder for folder, _, _ in os.walk("/sys/fs/cgroup"))
    return (each for each in found if {CGROUP, "kubepods"} & set(Path(each).parts))


def _settings() -> Iterable[str]:
    files = (Path("/proc/sys", name) for name in SETTINGS)
    return (f"{file} = {file.read_text().strip()}" for file in files if file.exists())


# --------------------------------------------------------------------------- files


def _files(at: Places) -> Iterable[str]:
    yield from (str(p) for name in AT_HOME if (p := Path.home() / name).exists())
    for top in (str(at.state.parent), *ELSEWHERE):
        if os.path.exists(top):
            yield top
        for folder, _, files in os.walk(top):
            yield from (os.path.join(folder, name) for name in files)
