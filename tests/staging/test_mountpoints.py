"""Folders that were made for a node to mount over, and only those, are taken away."""

from pathlib import Path

from drillbook_staging import mountpoints
from drillbook_staging.places import Places


def at(root: Path) -> Places:
    return Places(root / "state", root / "cache", root)


def test_what_was_made_is_removed_and_what_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    mountpoints.ensure(at(tmp_path), [f"{tmp_path}/there/a/b", f"{tmp_path}/there"])
    assert (tmp_path / "there/a/b").is_dir()
    mountpoints.remove(at(tmp_path))
    assert not (tmp_path / "there/a").exists()
    assert (tmp_path / "there").is_dir()
    assert not at(tmp_path).mountpoints.exists()


def test_one_that_somebody_used_since_stays(tmp_path: Path) -> None:
    mountpoints.ensure(at(tmp_path), [f"{tmp_path}/new"])
    (tmp_path / "new" / "file").write_text("theirs")
    mountpoints.remove(at(tmp_path))
    assert (tmp_path / "new" / "file").is_file()


def test_nothing_made_is_nothing_to_remove(tmp_path: Path) -> None:
    mountpoints.remove(at(tmp_path))
    assert not (tmp_path / "state").exists()
