"""How many drills this machine carries at once, by its processors, its memory and the workloads."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from drillbook.cli.schedule import Room
from drillbook.drill.caps import declared_pods
from drillbook.model import BoundCause, Manifest

PER_PROCESSOR = 4
"""Drills mostly wait: for pods, scrapes and alerts."""
OWN_BYTES = 150 * 2**20
"""What a drill's own process takes."""
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)([kMG]|[KMG]i)?")
_UNITS = {"k": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
CGROUP = Path("/sys/fs/cgroup")


def room(jobs: int | None, workloads_here: bool, cgroup: Path = CGROUP) -> Room:
    """For `jobs` drills at once; None: for as many as this machine carries. `workloads_here`:
    whether the cluster's nodes are on it, so that the workloads take its memory."""
    if jobs is not None:
        return Room(jobs)
    most = PER_PROCESSOR * len(os.sched_getaffinity(0))
    free = _free_bytes(cgroup)
    if not workloads_here:
        return Room(max(1, min(most, int(free // OWN_BYTES))))
    return Room(most, free)


def _free_bytes(cgroup: Path) -> float:
    """Of the machine, or of the control group that this process is in, whichever is less."""
    free = [float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))]
    with suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        kib = next(line.split()[1] for line in lines if line.startswith("MemAvailable"))
        free = [int(kib) * 1024.0]
    with suppress(OSError, ValueError):  # "max": no limit
        most = int((cgroup / "memory.max").read_text())
        free.append(float(most - int((cgroup / "memory.current").read_text())))
    return min(free)


def memory(cause: BoundCause) -> float:
    """Bytes that a drill asks for: its own process, and what its containers declare."""
    return OWN_BYTES + sum(_declared(one) for one in cause.workload.manifests)


def _declared(manifest: Manifest) -> float:
    each = sum(_bytes(container) for container in _containers(manifest))
    return each * declared_pods(manifest) if each else 0.0


def _containers(value: Any) -> Iterator[Mapping[str, Any]]:
    """Those of the pods that a manifest describes, wherever its kind has them."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from one if key == "containers" and isinstance(one, list) else _containers(one)


def _bytes(container: Mapping[str, Any]) -> float:
    """What it requests; without a word on that, what it is limited to."""
    resources = container.get("resources") or {}
    for said in ("requests", "limits"):
        found = _QUANTITY.fullmatch(str((resources.get(said) or {}).get("memory", "")))
        if found:
            return float(found[1]) * _UNITS.get(found[2] or "", 1)
    return 0.0
