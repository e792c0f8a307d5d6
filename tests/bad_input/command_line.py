"""The command line on a checkout that something is wrong with."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FEATURE = "features/spark/driver-crash-loop.feature"
MANIFESTS = "fixtures/spark/orders/manifests.yaml"
RULES = "monitoring/alerts/spark.yaml"
VALUES = "monitoring/values/staging.yaml"


@dataclass(frozen=True)
class Answer:
    """What a command said and did."""

    code: int
    said: str
    took_s: float
    """Of the processor: what else this machine does at the time is not the command's."""


def drillbook(checkout: Path, *words: str, **environment: str) -> Answer:
    """Run a command there. Whatever it is given, it ends in words, never in a bare traceback."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DRILLBOOK_")}
    own = {"DRILLBOOK_STATE": str(checkout / "state"), "TMPDIR": str(checkout.parent)}
    begin = _processor_s()
    done = subprocess.run(
        [sys.executable, "-c", "from drillbook.cli.app import main; main()", *words],
        cwd=checkout,
        env={**kept, **own, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    took = _processor_s() - begin
    assert "Traceback" not in done.stdout, done.stdout
    return Answer(done.returncode, done.stdout, took)


def _processor_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def replace(checkout: Path, name: str, old: str, new: str) -> None:
    text = (checkout / name).read_text(encoding="utf-8")
    assert old in text, f"{name} no longer holds {old!r}"
    (checkout / name).write_text(text.replace(old, new, 1), encoding="utf-8")
