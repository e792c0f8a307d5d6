"""A command on a leash ends with its holder's death, silence or word, and all that it started."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from drillbook.drill import command_run, leash
from drillbook.model.clock import since_boot
from tests.waiting import await_


def run(line: str, folder: Path, within_s: float = 20.0, **given: object) -> command_run.Ran:
    return command_run.run(
        line,
        environment={**os.environ, "APP": "orders"},
        folder=folder,
        within_s=within_s,
        **{"held_for_s": lambda: 30.0, "lost": lambda: "", **given},  # type: ignore[arg-type]
    )


def test_it_runs_the_line_in_its_folder_with_its_environment(tmp_path: Path) -> None:
    ran = run('echo "$APP"; pwd; echo beside >&2', tmp_path)
    assert (ran.code, ran.cut) == (0, "")
    assert ran.said.splitlines() == ["orders", str(tmp_path), "beside"]
    assert run("cat; echo end", tmp_path).said == "end", "it reads from the terminal"
    for line, code in (("exit 3", 3), ("exit 125", 125), ("kill -9 $$", 137), ("$NOTHING", 1)):
        ran = run(line, tmp_path)
        assert (ran.code, ran.cut) == (code, "")


def test_a_budget_that_is_used_up_or_a_leash_that_is_not_paid_out_ends_it(tmp_path: Path) -> None:
    ran = run("echo begun; sleep 60; touch done", tmp_path, within_s=0.6)
    assert (ran.code, ran.said, ran.cut) == (None, "begun", "")
    assert not (tmp_path / "done").exists()
    """The thread that holds it may hang; the leash does not."""
    begin = since_boot()
    ran = run("sleep 60", tmp_path, held_for_s=lambda: begin + 1 - since_boot())
    assert ran.code is None
    assert ran.cut


def test_a_lost_lease_ends_it_with_all_that_it_started(tmp_path: Path) -> None:
    begin = time.monotonic()
    line = "(sleep 1.5; touch late) & sleep 60"
    ran = run(line, tmp_path, lost=lambda: "gone" if time.monotonic() - begin > 0.5 else "")
    assert (ran.code, ran.cut) == (None, "gone")
    time.sleep(1.5)
    assert not (tmp_path / "late").exists()


@pytest.mark.parametrize(
    "given", [{"held_for_s": lambda: 0.0}, {"lost": lambda: "gone"}], ids=["run out", "lost"]
)
def test_nothing_begins_without_a_lease(tmp_path: Path, given: dict[str, object]) -> None:
    ran = run("touch begun", tmp_path, **given)
    assert ran.code is None
    assert ran.cut
    assert not (tmp_path / "begun").exists()


def test_a_leash_that_begins_late_begins_nothing(tmp_path: Path) -> None:
    """It was paused between the look at the lease and the start."""
    words = [sys.executable, "-I", leash.__file__, "1.0", "touch", "begun"]
    done = subprocess.run(words, cwd=tmp_path, stdin=subprocess.PIPE, check=False)
    assert done.returncode == -leash.CUT
    assert not (tmp_path / "begun").exists()


@pytest.mark.parametrize(
    "escape",
    [
        "timeout 60 bash -c 'sleep 1.5; touch late' & sleep 0.2",
        "setsid bash -c 'sleep 1.5; touch late' & sleep 0.2",
        "set -m; (sleep 1.5; touch late) & sleep 0.2",
        "nohup setsid bash -c 'setsid bash -c \"sleep 1.5; touch late\" & exit' & sleep 0.3",
    ],
)
@pytest.mark.parametrize("end", ["", "; sleep 60"])
def test_nothing_escapes_into_another_session(tmp_path: Path, escape: str, end: str) -> None:
    begin = time.monotonic()
    ran = run(escape + end, tmp_path, lost=lambda: "x" if time.monotonic() - begin > 0.8 else "")
    assert (ran.code, ran.cut) in ((0, ""), (None, "x"))
    time.sleep(1.7)
    assert not (tmp_path / "late").exists()


def test_a_holder_that_is_killed_takes_it_along(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "until = str(time.clock_gettime(time.CLOCK_BOOTTIME) + 60)\n"
        f"child = subprocess.Popen([sys.executable, '-I', {leash.__file__!r}, until, 'bash', '-c',"
        " 'echo $$ > pid; sleep 60'], stdin=subprocess.PIPE)\n"
        "time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path)
    pid = tmp_path / "pid"
    command = int(await_("it runs", lambda: pid.exists() and pid.read_text().strip(), 20))
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    await_("it ends", lambda: not _is_alive(command), 20)


def _is_alive(process: int) -> bool:
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"
