"""The private folder: ended processes leave none, running ones keep theirs."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

from drillbook.cluster import scratch

CODE = """
import sys
from drillbook.cluster import scratch
(scratch.folder() / "token").write_text("secret")
print(scratch.folder(), flush=True)
sys.stdin.readline()
"""


def process(top: Path) -> tuple[subprocess.Popen[str], Path]:
    """One that has a folder, and ends when it is told a line."""
    child = subprocess.Popen(
        [sys.executable, "-c", CODE],
        env={**os.environ, "TMPDIR": str(top)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout
    return child, Path(child.stdout.readline().strip())


def test_it_is_private_and_goes_with_its_process(tmp_path: Path) -> None:
    child, made = process(tmp_path)
    assert made.parent == tmp_path
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    child.communicate("\n", timeout=10)
    assert child.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_the_next_one_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    killed, left = process(tmp_path)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=10)
    assert (left / "token").exists()
    child, made = process(tmp_path)
    assert list(tmp_path.iterdir()) == [made]
    scratch.remove_dead(tmp_path)
    assert (made / "token").exists(), "a running one keeps its own"
    child.communicate("\n", timeout=10)


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    other, linked = tmp_path / "drillbook-other", tmp_path / f"{scratch.PREFIX}linked"
    other.mkdir()
    (other / scratch.LOCK).touch()
    linked.symlink_to(other)
    (tmp_path / f"{scratch.PREFIX}begins").mkdir()
    scratch.remove_dead(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    assert (other / scratch.LOCK).exists()
