"""A picture of the host, to compare before and after. It looks at the host, not at our marks."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

Picture = Mapping[str, frozenset[str]]
"""Of each kind of thing, what there is."""

LOOKED = ("/bin", "/etc", "/lib", "/mnt", "/opt", "/run", "/sbin", "/srv", "/usr", "/var")
"""Where programs of a system write; elsewhere other people's come and go."""
TEMPORARY = ("/var/tmp",)  # noqa: S108 - looked at by nobody
VOLATILE = ("random/", "ns_last_pid", "nf_conntrack_count", "pty/nr", "usermodehelper/", "sched_")


def picture(cache: Path, known: Picture | None = None) -> Picture:
    """All of it. Processes that others started since `known` are left out."""
    return {
        "process": frozenset(_processes(known)),
        "mount": frozenset(_mounts()),
        "interface": frozenset(path.name for path in Path("/sys/class/net").iterdir()),
        "route": frozenset(_ip("-4", "route") | _ip("-6", "route") | _ip("rule")),
        "firewall": frozenset(_output("nft", "list", "ruleset").splitlines()),
        "cgroup": frozenset(_cgroups()),
        "network namespace": frozenset(_network_namespaces()),
        "kernel setting": frozenset(_settings()),
        "file": frozenset(_files(cache)),
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


LASTING = ("mount", "interface", "route", "firewall", "kernel setting")
"""What nobody else takes away while we look."""


# --------------------------------------------------------------------------- processes


def _processes(known: Picture | None) -> Iterable[str]:
    parents = _parents()
    alibi = _alibi(known["process"], parents) if known else set()
    for process in parents:
        if not alibi & set(_line(process, parents)) and not _is_kernels(process, parents):
            yield f"{process} {_words(process)}"


def _alibi(before: frozenset[str], parents: Mapping[int, int]) -> set[int]:
    """Processes that ran before and are no ancestors of ours: what descends from them is no
    matter of ours. An orphan of ours is taken in by process 1, which is an ancestor."""
    return {int(told.split()[0]) for told in before} - set(_line(os.getpid(), parents))


def _line(process: int, parents: Mapping[int, int]) -> list[int]:
    """A process and its ancestors."""
    found = [process]
    while found[-1] in parents and parents[found[-1]]:
        found.append(parents[found[-1]])
    return found


def _is_kernels(process: int, parents: Mapping[int, int]) -> bool:
    return 2 in _line(process, parents)


def _parents() -> dict[int, int]:
    found: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            found[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    return found


def _words(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:100]
    except (FileNotFoundError, ProcessLookupError):
        return "(ended)"


# --------------------------------------------------------------------------- the kernel's things


def _output(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def _mounts() -> set[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return {f"{line.split()[4]} {line.split(' - ')[1]}" for line in lines}


def _ip(*words: str) -> set[str]:
    shown = [] if words == ("rule",) else ["table", "all"]
    rows = json.loads(_output("ip", "-json", *words, "show", *shown) or "[]")
    return {json.dumps({k: v for k, v in row.items() if k != "expires"}) for row in rows}


def _cgroups() -> set[str]:
    return {folder for folder, _, _ in os.walk("/sys/fs/cgroup")}


def _network_namespaces() -> set[str]:
    names = {f"{path}" for path in Path("/run").glob("netns/*")}
    held = _output("lsns", "--type", "net", "--noheadings", "--output", "NS").split()
    return names | set(held)


def _settings() -> set[str]:
    found = set()
    for tree in ("vm", "kernel", "net/ipv4", "net/ipv6", "net/netfilter"):
        for file in Path("/proc/sys", tree).rglob("*"):
            if not any(part in str(file) for part in VOLATILE) and os.access(file, os.R_OK):
                found |= _setting(file)
    return found


def _setting(file: Path) -> set[str]:
    # Each interface has settings of its own, which come and go with it.
    if not file.is_file() or "/conf/" in str(file) or "/neigh/" in str(file):
        return set()
    try:
        return {f"{file} = {file.read_text().strip()}"}
    except OSError:
        return set()


# --------------------------------------------------------------------------- files


def _files(cache: Path) -> Iterable[str]:
    skipped = {*TEMPORARY, str(cache)}
    yield from (str(path) for path in (*Path.home().iterdir(), *Path.home().glob(".config/*")))
    for top in LOOKED:
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if os.path.join(folder, name) not in skipped]
            yield folder
            yield from (_file(folder, name) for name in files if "__pycache__" not in folder)


def _file(folder: str, name: str) -> str:
    path = os.path.join(folder, name)
    if not folder.startswith("/etc") or os.path.islink(path):
        return path
    # What people configure must be as it was, not only be there.
    return f"{path} {os.stat(path).st_size} {os.stat(path).st_mtime_ns}"
