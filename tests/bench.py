"""`make bench`: the figures of docs/benchmarks.md, measured, as a Markdown table.

`python -m tests.bench` measures what needs no cluster, and reads the drills' figures from the
newest run under reports/runs; `--staging` also takes the embedded cluster down and up again (warm
caches).
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from drillbook.evidence import records
from drillbook.model import Control
from tests import generate

ROOT = Path(__file__).parents[1]
CARRIED = ("steps", "fixtures", "scripts", "conftest.py", "pyproject.toml")
RUNS = 3
PURE = ("lint", "render")
PLAIN_TEST = 'from pytest_bdd import scenarios\n\nscenarios("features")\n'


def checkout(n: int, folder: Path) -> Path:
    """A checkout of `n` generated runbooks with the real sentences, workloads and tools."""
    for name in CARRIED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    generate.runbooks(n, folder)
    generate.monitoring(n, folder)
    return folder


def timed(words: Sequence[str], folder: Path, **own: str) -> tuple[float, float]:
    """Wall seconds and peak MB of one command, of the larger of its processes; `own`: of its
    environment. Raises when it fails."""
    begin = time.monotonic()
    environment = {**os.environ, **own}
    child = subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 1):  # 1: lint found problems, which a generated book may have
        raise SystemExit(f"{' '.join(words)}: exit {child.returncode}")
    return time.monotonic() - begin, usage.ru_maxrss / 1024


def pure() -> Iterator[tuple[str, str, str]]:
    """Lint and render of 1,000 runbooks: when all is new, and when nothing changed since."""
    drillbook = str(Path(sys.executable).parent / "drillbook")
    new, same, peak = [], [], 0.0
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as cache:
        folder = checkout(1000, Path(name))
        for _ in range(RUNS):
            shutil.rmtree(folder / "runbooks", ignore_errors=True)
            shutil.rmtree(Path(cache, "drillbook"), ignore_errors=True)
            for seconds in (new, same):
                both = [timed([drillbook, w], folder, XDG_CACHE_HOME=cache) for w in PURE]
                seconds.append(sum(s for s, _ in both))
                peak = max(peak, *(mb for _, mb in both))
    yield "lint + render of 1,000 runbooks, all new", "<= 8 s", f"{median(new):.1f} s"
    yield "the same when nothing changed", "<= 2 s", f"{median(same):.1f} s"
    yield "peak memory of both processes at most", "<= 500 MB", f"{2 * peak:.0f} MB"


def collecting(n: int, folder: Path, target: str) -> float:
    """Milliseconds per collected item, without the start of an empty pytest."""
    words = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-W", "ignore"]
    counted = subprocess.run(
        [*words, target], cwd=folder, capture_output=True, text=True, check=False
    )
    items = sum("::" in line for line in counted.stdout.splitlines())
    if not items:
        raise SystemExit(f"nothing was collected in {folder}: {counted.stdout[-500:]}")
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    idle = median(_seconds([*words, "empty"], folder) for _ in range(RUNS))
    full = median(_seconds([*words, target], folder) for _ in range(RUNS))
    return 1000 * (full - idle) / items


def _seconds(words: Sequence[str], folder: Path) -> float:
    begin = time.monotonic()
    subprocess.run(words, cwd=folder, stdout=subprocess.DEVNULL, check=False)
    return time.monotonic() - begin


def collection() -> Iterator[tuple[str, str, str]]:
    """Each runbook is 18 items: 3 causes of 4 scenarios, and 6 asked again under `healthy`."""
    with tempfile.TemporaryDirectory() as few, tempfile.TemporaryDirectory() as many:
        small = collecting(67, checkout(67, Path(few)), "features")
        large = collecting(667, checkout(667, Path(many)), "features")
        (Path(many) / "conftest.py").unlink()
        (Path(many) / "test_plain.py").write_text(PLAIN_TEST)
        # Without our plugin the runbooks' tags are marks that nobody registered.
        (Path(many) / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
        plain = collecting(667, Path(many), "test_plain.py")
    yield "collecting 12,006 scenarios, each", "<= 1 ms", f"{large:.2f} ms"
    yield "collecting 1,206 scenarios, each", "linear", f"{small:.2f} ms"
    yield "the ratio to plain pytest-bdd, each", "reported", f"{large / plain:.2f} ({plain:.2f} ms)"


def drills() -> Iterator[tuple[str, str, str]]:
    """From the newest run's records."""
    runs = sorted(p for p in (ROOT / "reports" / "runs").glob("*") if list(p.glob("RB-*.json")))
    if not runs:
        yield "drills", "", "no run under reports/runs: `make drill` first"
        return
    found = records.read_run(runs[-1])
    plain = [drill for drill in found if drill.control is Control.PLAIN]
    total = sum(drill.cost.wall_s for drill in found)
    overhead = max(drill.cost.overhead_share for drill in found)
    beyond = [d.times.detection_overhead_s for d in plain]
    late = [seconds for seconds in beyond if seconds is not None]
    each = ", ".join(f"{drill.cause} {drill.cost.wall_s:.0f} s" for drill in plain)
    yield f"{len(found)} drills of {runs[-1].name}", "<= 12 min", f"{total / 60:.1f} min"
    yield "one plain drill", "<= 200 s", each
    yield "harness overhead, the worst", "<= 5 %", f"{100 * overhead:.1f} %"
    yield "(t4 - t1) minus the floor, the worst", "<= 5 s", f"{max(late, default=0):.1f} s"


def staging() -> Iterator[tuple[str, str, str]]:
    drillbook = str(Path(sys.executable).parent / "drillbook")
    warm, again = [], []
    for _ in range(RUNS):
        timed([drillbook, "staging", "down"], ROOT)
        warm.append(timed([drillbook, "staging", "up"], ROOT)[0])
        again.append(timed([drillbook, "staging", "up"], ROOT)[0])
    yield "staging up, warm caches", "<= 90 s", f"{median(warm):.0f} s"
    yield "staging up again", "< 10 s", f"{median(again):.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--staging", action="store_true", help="down and up the embedded cluster")
    chosen = parser.parse_args()
    parts = [pure, collection, drills, *([staging] if chosen.staging else [])]
    print("| figure | target | measured |\n|---|---|---|")
    for part in parts:
        for figure, target, measured in part():
            print(f"| {figure} | {target} | {measured} |", flush=True)


if __name__ == "__main__":
    main()
