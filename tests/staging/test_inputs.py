"""What images take in: files out of archives, somebody's go.mod as ours."""

import tarfile
from pathlib import Path

import pytest

from drillbook_staging.checkout import copied
from drillbook_staging.errors import StageFailed
from drillbook_staging.golang import as_ours
from drillbook_staging.inputs import lay_out
from drillbook_staging.places import Places
from drillbook_staging.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(Places(tmp_path / "state", tmp_path / "cache", tmp_path), "test")


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A folder with an archive that holds `thing-1/a/x` and `thing-1/b`."""
    for name in ("thing-1/a/x", "thing-1/b"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    made = tmp_path / "made"
    made.mkdir()
    with tarfile.open(made / "thing.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "thing-1", "thing-1")
    return made


def test_what_is_wanted_of_an_archive_goes_where_it_is_wanted(shell: Shell, target: Path) -> None:
    lay_out(shell, target / "thing.tar.gz", target, {"*/a": "opt/a", "thing-1/b": "b"})
    found = {str(each.relative_to(target)) for each in target.rglob("*") if each.is_file()}
    assert found == {"opt/a/x", "b"}


@pytest.mark.parametrize("pattern", ["*/c", "*/*"])
def test_a_pattern_must_match_one_thing(shell: Shell, target: Path, pattern: str) -> None:
    with pytest.raises(StageFailed, match=r"thing\.tar\.gz: wanted one file"):
        lay_out(shell, target / "thing.tar.gz", target, {pattern: "x"})


def test_somebodys_go_mod_is_taken_without_its_own_folders() -> None:
    text = "module example.com/a\n\nreplace example.com/b => ./b\nreplace c => d v1.0.0\n"
    assert as_ours(text) == "module drillbook/build\n\nreplace c => d v1.0.0\n"


def test_the_engine_is_copied_without_what_no_pod_runs(shell: Shell, tmp_path: Path) -> None:
    package = tmp_path / "drillbook"
    for name in ("changes/x.py", "__pycache__/x.pyc"):
        (package / name).parent.mkdir(parents=True)
        (package / name).write_text("")
    before = copied("drillbook", package)
    (tmp_path / "target").mkdir()
    before.make(shell, tmp_path / "target")
    found = {each.name for each in (tmp_path / "target").rglob("*") if each.is_file()}
    assert found == {"x.py"}
    (package / "__pycache__" / "y.pyc").write_text("")
    assert copied("drillbook", package).key == before.key
    (package / "changes" / "x.py").write_text("print()\n")
    assert copied("drillbook", package).key != before.key
