"""Children: their failures in full, their end with ours."""

from pathlib import Path

import pytest

from drillbook_staging.errors import StageFailed
from drillbook_staging.places import PART_OF, Places
from drillbook_staging.shell import LAST_LINES, Shell, tail


def shell(root: Path) -> Shell:
    return Shell(Places(root / "state", root / "cache", root), "a stage", {"EXTRA": "more"})


def test_what_a_command_prints_is_logged_or_returned(tmp_path: Path) -> None:
    shell(tmp_path).run("echo", "logged")
    assert shell(tmp_path).log.read_text() == "+ echo logged\nlogged\n"
    assert shell(tmp_path).output("echo", "returned") == "returned\n"


def test_a_child_carries_our_mark_and_what_was_added(tmp_path: Path) -> None:
    found = shell(tmp_path).output("env").splitlines()
    assert f"{PART_OF}={tmp_path}/state" in found
    assert "EXTRA=more" in found


def test_a_failure_names_stage_command_code_log_and_next_move(tmp_path: Path) -> None:
    with pytest.raises(StageFailed) as caught:
        shell(tmp_path).run("sh", "-c", "echo why it failed; exit 7")
    text = str(caught.value)
    assert "stage 'a stage'" in text
    assert "ended with exit code 7" in text
    assert "  why it failed" in text
    assert str(shell(tmp_path).log) in text
    assert "drillbook staging up" in text


def test_a_signal_has_a_name(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="ended with signal SIGKILL"):
        shell(tmp_path).output("sh", "-c", "kill -KILL $$")


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match="cannot start no-such-program"):
        shell(tmp_path).run("no-such-program")


@pytest.mark.parametrize("method", ["run", "output"])
def test_what_takes_too_long_is_ended(tmp_path: Path, method: str) -> None:
    with pytest.raises(StageFailed, match="took longer than"):
        getattr(shell(tmp_path), method)("sleep", "60", within_s=0.05)


def test_a_log_is_told_by_its_end(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("\n".join(f"line {number}" for number in range(100)))
    lines = tail(tmp_path / "log").splitlines()
    assert lines[-1] == "  line 99"
    assert len(lines) == LAST_LINES
    assert tail(tmp_path / "none") == "  (no log)"
