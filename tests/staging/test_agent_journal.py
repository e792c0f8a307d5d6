"""The journal on a real disk."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from drillbook_staging.agent.change import Change, State, Verb
from drillbook_staging.agent.journal import Found, Journal

CHANGE = Change(drill="drill-a", sequence=1, verb=Verb.KILL_NODE, node="node2", expires=1e9)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "agent")
    assert journal.read() == Found((), ())
    journal.write(CHANGE)
    other = CHANGE.model_copy(update={"sequence": 2, "state": State.UNDOING, "said": "why"})
    journal.write(other)
    assert journal.read() == Found((CHANGE, other), ())
    assert sorted(path.name for path in journal.folder.iterdir()) == [
        "drill-a-1.json",
        "drill-a-2.json",
    ]


def test_it_is_roots_alone(tmp_path: Path) -> None:
    Journal(tmp_path / "agent").write(CHANGE)
    assert (tmp_path / "agent").stat().st_mode & 0o777 == 0o700


def test_a_record_is_removed_once_and_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(CHANGE)
    journal.remove(CHANGE.key)
    journal.remove(CHANGE.key)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_write_left_is_no_change_and_is_taken_away(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    (tmp_path / "drill-a-1.new").write_text('{"drill": "dri')
    (tmp_path / "agent.log").write_text("not ours to take")
    assert journal.read() == Found((), ())
    journal.clean()
    assert [path.name for path in tmp_path.iterdir()] == ["agent.log"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"drill": "drill-a"}', "\0\0\0"])
def test_what_cannot_be_read_is_told(tmp_path: Path, text: str) -> None:
    journal = Journal(tmp_path)
    journal.write(CHANGE)
    (tmp_path / "drill-b-1.json").write_text(text)
    assert journal.read() == Found((CHANGE,), (tmp_path / "drill-b-1.json",))


def test_a_disk_that_takes_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match=r"File exists|Not a directory"):
        Journal(tmp_path / "file").write(CHANGE)
    with pytest.raises(OSError, match="No such file"):
        Journal(tmp_path / "none").remove(CHANGE.key)


@pytest.mark.parametrize("field", [{"drill": "a/b"}, {"sequence": -1}, {"verb": "format"}])
def test_a_change_is_of_a_closed_set(field: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Change.model_validate({**CHANGE.model_dump(), **field})


def test_a_change_in_words() -> None:
    told = CHANGE.model_copy(update={"said": "no disk"}).told()
    assert told == (
        "node2 (kill-node by drill-a, PLANNED, until 2001-09-09T01:46:40Z; "
        "its undo failed: no disk)"
    )
