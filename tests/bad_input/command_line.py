"""The command line on a checkout that something is wrong with."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from drillbook.cli import app as cli
from tests.forked import ROOT, forked

FEATURE = "features/spark/driver-crash-loop.feature"
MANIFESTS = "fixtures/spark/orders/manifests.yaml"
RULES = "monitoring/alerts/spark.yaml"
VALUES = "monitoring/values/staging.yaml"
CARRIED = ("features", "steps", "fixtures", "scripts", "monitoring", "runbooks")


@dataclass(frozen=True)
class Answer:
    """What a command said and did."""

    code: int
    said: str
    took_s: float
    """Of the processor."""
    peak_kb: int


def copied(folder: Path) -> Path:
    """A checkout like this one with the first runbook only, without runs."""
    folder.mkdir()
    for name in CARRIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name in ("features", "runbooks"):
        for other in (one for one in (folder / name).iterdir() if one.is_dir()):
            if other.name != "spark":
                shutil.rmtree(other)
    for rules in (folder / "monitoring/alerts").iterdir():
        if rules != folder / RULES:
            rules.unlink()
    for values in (folder / "monitoring/values").iterdir():
        lines = values.read_text("utf-8").splitlines(keepends=True)
        known = ("for:", "  SparkDriver", "#")
        values.write_text("".join(line for line in lines if line.startswith(known)), "utf-8")
    return folder


def environment_of(checkout: Path) -> dict[str, str]:
    """This one's, without a cluster."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DRILLBOOK_")}
    own = {"TMPDIR": str(checkout.parent), "XDG_CACHE_HOME": str(checkout.parent / "cache")}
    return {**kept, **own, "DRILLBOOK_STATE": str(checkout / "state")}


def drillbook(checkout: Path, *words: str, answers: str = "", **environment: str) -> Answer:
    """Run a command there. Whatever it is given, it ends in words, never in a bare traceback."""
    world = {**environment_of(checkout), **environment}
    program = ("drillbook", *words)
    done = forked(cli.main, program, checkout, world, together=True, given=answers)
    assert "Traceback" not in done.out, done.out
    return Answer(done.code, done.out, done.cpu_s, done.peak_kb)


def replace(checkout: Path, name: str, old: str, new: str) -> None:
    text = (checkout / name).read_text(encoding="utf-8")
    assert old in text, f"{name} no longer holds {old!r}"
    (checkout / name).write_text(text.replace(old, new, 1), encoding="utf-8")
