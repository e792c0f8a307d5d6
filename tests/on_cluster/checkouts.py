"""A checkout to break, and the command line to drill it with, on the embedded cluster."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from drillbook.changes.undo.lease import RUN_LABEL
from drillbook.cluster import settings
from drillbook.cluster.connections import connections
from drillbook.cluster.objects import Objects
from drillbook.evidence import records

ROOT = Path(__file__).parents[2]
FEATURE = "features/spark/driver-crash-loop.feature"


@dataclass(frozen=True)
class Checkout:
    """A copy of this one; what a test breaks is broken there."""

    root: Path

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace one text; it must be there."""
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert old in text, f"{path} no longer holds {old!r}"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(Path(sys.executable).parent / "drillbook"), *words],
            cwd=self.root,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str, **environment: str) -> tuple[int, str]:
        """A command's exit code, and all that it said."""
        child = self.start(*words, **environment)
        said, _ = child.communicate(timeout=400)
        return child.returncode, said

    def drill(self, *words: str, **environment: str) -> tuple[int, str]:
        return self.run("drill", "-v", *words, **environment)

    @property
    def record(self) -> records.Drill:
        """The only record of the only run."""
        (path,) = (self.root / "reports" / "runs").glob("*/RB-*.json")
        return records.read(path)


def namespaces() -> set[str]:
    """The drill namespaces that the cluster has."""
    objects = Objects(connections(settings.load(root=ROOT)))
    return {one["metadata"]["name"] for one in objects.listed("v1", "Namespace", "", RUN_LABEL)}
