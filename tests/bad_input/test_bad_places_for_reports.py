"""Report folder read-only, disk full: no journal, no injection; a report that cannot be written
says so and ends with exit 4."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import runbook_examples as examples

from drillbook.cli import app as cli
from drillbook.cli.dispatch import Dispatcher
from drillbook.evidence import records
from drillbook.model.errors import CouldNotTell
from tests.bad_input.command_line import environment_of
from tests.forked import Ended, forked

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
NEW_MOUNTS = 0x00020000


def inside(place: str, checkout: Path, folder: Path, program: Callable[[], Any]) -> str:
    """What a program said that could not tell, because `folder` is bad for it alone."""

    def there() -> None:
        assert ctypes.CDLL(None).unshare(NEW_MOUNTS) == 0
        mount = f"mount --make-rprivate / && {PLACES[place].format(folder)}"
        subprocess.run(["bash", "-euc", mount], check=True)
        program()

    done = forked(there, ("drillbook", "render"), checkout, environment_of(checkout), together=True)
    assert done.code == 4, done.out
    assert SAYS[place] in done.out
    assert "Traceback" not in done.out
    return done.out


@mounting
@pytest.mark.parametrize("place", PLACES)
def test_pages_that_cannot_be_written(checkout: Path, place: str) -> None:
    page = checkout / "runbooks/spark/driver-crash-loop.md"
    page.write_text("an older page\n")
    said = inside(place, checkout, page.parent, cli.main)
    assert "the page cannot be written" in said


@mounting
@pytest.mark.parametrize("place", PLACES)
def test_a_record_that_cannot_be_written_leaves_no_torn_one(checkout: Path, place: str) -> None:
    folder = checkout / "reports"
    folder.mkdir()

    def program() -> None:
        code = cli._run(lambda: records.write(examples.drill(), folder))
        print(sorted(os.listdir(folder)))
        raise SystemExit(code)

    said = inside(place, checkout, folder, program)
    assert "the record cannot be written" in said
    assert ("['filler']" if place == "disk full" else "[]") in said.splitlines()


def dispatcher(checkout: Path) -> Dispatcher:
    folder = checkout / "reports" / "run"
    return Dispatcher(root=checkout, folder=folder)


@mounting
@pytest.mark.parametrize("place", PLACES)
def test_a_run_that_cannot_be_recorded_does_not_begin(checkout: Path, place: str) -> None:
    (checkout / "reports").mkdir()

    def program() -> None:
        raise SystemExit(cli._run(lambda: dispatcher(checkout).begin([], "abc")))

    inside(place, checkout, checkout / "reports", program)


def test_a_file_in_the_folder_s_place(checkout: Path) -> None:
    (checkout / "reports").touch()
    with pytest.raises((CouldNotTell, OSError), match="Not a directory"):
        dispatcher(checkout).begin([], "abc")
    with pytest.raises(CouldNotTell, match="the record cannot be written: File exists"):
        records.write(examples.drill(), checkout / "reports")


def without_room(checkout: Path, *words: str) -> Ended:
    """A command whose output goes where nothing can be written."""

    def program() -> None:
        with open("/dev/full", "w") as full:
            os.dup2(full.fileno(), 1)
        cli.main()

    return forked(program, ("drillbook", *words), checkout, environment_of(checkout))


@pytest.mark.parametrize("command", ["lint", "list", "show RB-SPARK-001"])
def test_what_cannot_be_printed_is_no_success(checkout: Path, command: str) -> None:
    done = without_room(checkout, *command.split())
    assert done.code == 4, done.err
    assert done.err == "drillbook: its output could not be written: No space left on device.\n"


def test_an_error_s_own_code_stays(checkout: Path) -> None:
    assert without_room(checkout, "lint", "nothing-here").code == 2
