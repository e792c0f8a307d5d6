"""A key changes with whatever counts, and with nothing else."""

from pathlib import Path

import pytest

from drillbook_staging.digest import LENGTH, of_files, of_text


def folder(root: Path) -> Path:
    (root / "inner").mkdir(parents=True)
    (root / "inner" / "a").write_text("one")
    (root / "b").write_text("two")
    return root


def test_a_hash_is_short_hexadecimal() -> None:
    assert len(of_text("x")) == LENGTH
    assert int(of_text("x"), 16) >= 0


def test_the_borders_between_texts_count() -> None:
    assert of_text("ab", "c") != of_text("a", "bc")
    assert of_text("ab") == of_text("ab")


def test_the_same_files_elsewhere_have_the_same_hash(tmp_path: Path) -> None:
    assert of_files(folder(tmp_path / "x")) == of_files(folder(tmp_path / "y"))


@pytest.mark.parametrize("change", ["content", "name", "mode", "another"])
def test_a_changed_folder_has_another(tmp_path: Path, change: str) -> None:
    root = folder(tmp_path / "x")
    before = of_files(root)
    if change == "content":
        (root / "b").write_text("TWO")
    elif change == "name":
        (root / "b").rename(root / "c")
    elif change == "mode":
        (root / "b").chmod(0o755)
    else:
        (root / "d").write_text("")
    assert of_files(root) != before


def test_a_time_is_not_content(tmp_path: Path) -> None:
    root = folder(tmp_path / "x")
    before = of_files(root)
    (root / "b").write_text("two")
    assert of_files(root) == before


@pytest.mark.parametrize("name", ["left", "inner/left", "left/x"])
def test_what_is_left_out_does_not_count_however_deep(tmp_path: Path, name: str) -> None:
    root = folder(tmp_path / "x")
    before = of_files(root, ("left",))
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text("")
    assert of_files(root, ("left",)) == before
    assert of_files(root) != before
