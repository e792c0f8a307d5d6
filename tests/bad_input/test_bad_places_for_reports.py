"""Report folder read-only, disk full: no journal, no injection; a report that cannot be written
says so and ends with exit 4."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import runbook_examples as examples

from drillbook.cli.dispatch import Dispatcher
from drillbook.evidence import records
from drillbook.model.errors import CouldNotTell
from tests.bad_input.command_line import ROOT

CAN_MOUNT = (
    os.geteuid() == 0
    and shutil.which("unshare") is not None
    and subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False, capture_output=True
    ).returncode
    == 0
)
mounting = pytest.mark.skipif(not CAN_MOUNT, reason="needs a mount namespace (root)")
FULL = "mount -t tmpfs -o size=4k tmpfs {0} && head -c 4096 /dev/zero > {0}/filler"
READ_ONLY = "mount --bind {0} {0} && mount -o remount,bind,ro {0}"
PLACES = {"disk full": FULL, "read-only": READ_ONLY}
SAYS = {"disk full": "No space left on device", "read-only": "Read-only file system"}


def inside(
    mount: str, checkout: Path, place: Path, program: str
) -> subprocess.CompletedProcess[str]:
    """Run a Python program where `place` is bad for it alone."""
    return subprocess.run(
        [
            *("unshare", "-m", "bash", "-eu", "-c", f'{mount.format(place)}; exec "$@"', "bash"),
            *(sys.executable, "-c", program),
        ],
        cwd=checkout,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("DRILLBOOK_")},
            **{"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "DRILLBOOK_STATE": str(checkout / "no")},
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )


COMMAND = "import sys; from drillbook.cli.app import main; sys.argv[1:] = {0!r}; main()"


@mounting
@pytest.mark.parametrize("place", PLACES)
def test_pages_that_cannot_be_written(checkout: Path, place: str) -> None:
    page = checkout / "runbooks/spark/driver-crash-loop.md"
    page.write_text("an older page\n")
    done = inside(PLACES[place], checkout, page.parent, COMMAND.format(["render"]))
    assert done.returncode == 4, done.stdout
    assert SAYS[place] in done.stdout
    assert "the page cannot be written" in done.stdout
    assert "Traceback" not in done.stdout


RECORD = """
from pathlib import Path
import runbook_examples as examples
from drillbook.cli import app as cli
from drillbook.evidence import records
raise SystemExit(cli._run(lambda: records.write(examples.drill(), Path("reports"))))
"""


@mounting
@pytest.mark.parametrize("place", PLACES)
def test_a_record_that_cannot_be_written_leaves_no_torn_one(checkout: Path, place: str) -> None:
    (checkout / "reports").mkdir()
    listing = "\nimport os\nprint(sorted(os.listdir('reports')))"
    program = RECORD.replace("raise SystemExit(", "code = (") + listing + "\nraise SystemExit(code)"
    done = inside(PLACES[place], checkout, checkout / "reports", program)
    assert done.returncode == 4, done.stdout
    assert "the record cannot be written" in done.stdout
    assert SAYS[place] in done.stdout
    left = "['filler']" if place == "disk full" else "[]"
    assert done.stdout.splitlines()[-1] == left


RUN = """
from pathlib import Path
from drillbook.cli import app as cli
from drillbook.cli.dispatch import Dispatcher
from drillbook.model import Phase
run = Dispatcher(
    root=Path("."), folder=Path("reports/run")
)
raise SystemExit(cli._run(lambda: run.begin([], "abc")))
"""


@mounting
@pytest.mark.parametrize("place", PLACES)
def test_a_run_that_cannot_be_recorded_does_not_begin(checkout: Path, place: str) -> None:
    (checkout / "reports").mkdir()
    done = inside(PLACES[place], checkout, checkout / "reports", RUN)
    assert done.returncode == 4, done.stdout
    assert SAYS[place] in done.stdout


def test_a_file_in_the_folder_s_place(checkout: Path) -> None:
    (checkout / "reports").touch()
    run = Dispatcher(
        root=checkout,
        folder=checkout / "reports/runs/r",
    )
    with pytest.raises((CouldNotTell, OSError), match="Not a directory"):
        run.begin([], "abc")
    with pytest.raises(CouldNotTell, match="the record cannot be written: File exists"):
        records.write(examples.drill(), checkout / "reports")


@pytest.mark.parametrize("command", ["lint", "list", "show RB-SPARK-001"])
def test_what_cannot_be_printed_is_no_success(checkout: Path, command: str) -> None:
    program = COMMAND.format(command.split())
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": str(ROOT), "DRILLBOOK_STATE": str(checkout / "no")},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 4, done.stderr
    assert done.stderr == ("drillbook: its output could not be written: No space left on device.\n")


def test_an_error_s_own_code_stays(checkout: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", COMMAND.format(["lint", "nothing-here"])],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=full,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2
