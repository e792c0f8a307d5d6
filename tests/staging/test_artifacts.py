"""The cache holds whole things only, and lanes end together."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from drillbook_staging import builds
from drillbook_staging.artifacts import Artifact
from drillbook_staging.errors import StageFailed
from drillbook_staging.places import Places
from drillbook_staging.progress import Progress
from drillbook_staging.shell import Shell


def at(root: Path) -> Places:
    return Places(root / "state", root / "cache", root)


def artifact(make: Callable[[Shell, Path], None], lane: str = "a", name: str = "thing") -> Artifact:
    return Artifact(name, "k1", make, lane)


def write(shell: Shell, target: Path) -> None:
    assert not list(target.iterdir())
    (target / "file").write_text("made")


def fail(shell: Shell, target: Path) -> None:
    (target / "half").write_text("")
    raise StageFailed("it broke")


def never(shell: Shell, target: Path) -> None:
    raise AssertionError("made a second time")


def quiet() -> Progress:
    return Progress(Console(file=io.StringIO()))


def test_it_is_made_once(tmp_path: Path) -> None:
    made = artifact(write).ensure(at(tmp_path))
    assert (made / "file").read_text() == "made"
    assert artifact(never).ensure(at(tmp_path)) == made


def test_a_half_made_one_is_not_there_and_the_next_try_begins_afresh(tmp_path: Path) -> None:
    with pytest.raises(StageFailed):
        artifact(fail).ensure(at(tmp_path))
    assert not artifact(fail).is_made(at(tmp_path))
    artifact(write).ensure(at(tmp_path))
    assert artifact(write).is_made(at(tmp_path))


def test_one_lane_that_fails_ends_the_others(tmp_path: Path) -> None:
    def long(shell: Shell, target: Path) -> None:
        shell.run("sleep", "600")

    def after_the_other_began(shell: Shell, target: Path) -> None:
        log = at(tmp_path).logs / "build-long.log"
        shell.run("sh", "-c", 'until [ -e "$0" ]; do sleep 0.05; done', str(log))
        raise StageFailed("it broke")

    every = [artifact(long, "a", "long"), artifact(after_the_other_began, "b", "broken")]
    with pytest.raises(StageFailed, match="it broke"):
        builds.artifacts(at(tmp_path), every, quiet())


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    artifact(write).ensure(at(tmp_path))
    builds.artifacts(at(tmp_path), [artifact(never)], quiet())
