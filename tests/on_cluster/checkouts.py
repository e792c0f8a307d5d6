"""A checkout to break, and the command line to drill it with, on the embedded cluster."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from drillbook.changes.undo.lease import RUN_LABEL
from drillbook.cluster import settings
from drillbook.cluster.connections import connections
from drillbook.cluster.objects import Objects
from drillbook.evidence import records
from drillbook.model import Undo

ROOT = Path(__file__).parents[2]
IDLE = Path(__file__).parent / "idle"
FEATURE = "features/spark/driver-crash-loop.feature"
CARRIED = ("features", "fixtures", "monitoring", "scripts", "staging", "steps")
WRONG = ("--cause", "wrong-mode", "--control", "plain")
"""The first cause of the idle runbook."""


@dataclass(frozen=True)
class Checkout:
    """A copy of this one; what a test breaks is broken there."""

    root: Path
    runbook: str = "RB-SPARK-001"

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
        """Drills of its runbook; the book has others."""
        return self.run("drill", "-v", self.runbook, *words, **environment)

    def begin(self, *words: str, drills: int = 1, **environment: str) -> subprocess.Popen[str]:
        """A drill under way: so many namespaces of it are there."""
        child = self.start("drill", "-v", self.runbook, *words, **environment)
        while len(self.namespaces()) < drills:
            assert child.poll() is None, child.communicate()[0]
            time.sleep(0.2)
        return child

    def namespaces(self) -> set[str]:
        """Those of this runbook's drills that the cluster has; other tests may be at work there."""
        objects = Objects(connections(settings.load(root=ROOT)))
        listed = objects.listed("v1", "Namespace", "", RUN_LABEL)
        names = {one["metadata"]["name"] for one in listed}
        return {name for name in names if name.startswith(f"drill-{self.runbook.lower()}-")}

    @property
    def drills(self) -> list[records.Drill]:
        """Those of the only run."""
        (folder,) = (self.root / "reports" / "runs").iterdir()
        return list(records.read_run(folder))

    @property
    def record(self) -> records.Drill:
        (only,) = self.drills
        return only

    def is_interrupted_and_undone(self) -> bool:
        found = [(one.interrupted, one.undo) for one in self.drills]
        return bool(found) and set(found) == {(True, Undo.VERIFIED)} and not self.namespaces()


def copied(folder: Path) -> Checkout:
    for name in CARRIED:
        shutil.copytree(ROOT / name, folder / name)
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    return Checkout(folder)


def idle(folder: Path) -> Checkout:
    """One with a runbook of its own, which breaks a shell that sleeps; in the place of the first
    runbook, because the alert that it waits for leads there. Each of pytest's processes has its
    own id for it, and so its own drills; no catalogue knows them."""
    copied(folder)
    (folder / "features/catalogue.yaml").unlink()
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    found = Checkout(folder, f"RB-TEST-{100 + number}")
    shutil.copy(IDLE / "feature.txt", folder / FEATURE)
    found.edit(FEATURE, "RB-TEST-002", found.runbook)
    shutil.copy(IDLE / "sentences.py", folder / "steps" / "idle.py")
    found.edit("steps/__init__.py", '"steps.spark"', '"steps.idle"')
    (folder / "steps" / "spark.py").unlink()
    return found
