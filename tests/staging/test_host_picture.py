"""The comparison itself: it must find what is ours, and nothing of others."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from drillbook_staging.places import PART_OF, Places
from tests.staging.host import differences, picture


@pytest.fixture
def at(tmp_path: Path) -> Places:
    return Places(tmp_path / "state", tmp_path / "cache", tmp_path)


@pytest.fixture
def orphan(request: pytest.FixtureRequest, at: Places) -> Iterator[str]:
    """A process that nobody waits for, with these variables."""
    script = "sleep 4242 >/dev/null 2>&1 & echo $!"
    environ = {"PATH": "/usr/bin:/bin", **request.param(at)}
    child = subprocess.run(
        ["sh", "-c", script], env=environ, capture_output=True, text=True, check=True
    )
    yield child.stdout.strip()
    subprocess.run(["kill", "-KILL", child.stdout.strip()], check=True)


def came(at: Places, number: str) -> bool:
    nothing = {kind: frozenset[str]() for kind in picture(at)}
    found = differences(nothing, picture(at))
    return any(line.startswith(f"process came: {number} sleep") for line in found)


@pytest.mark.parametrize("orphan", [lambda at: {PART_OF: str(at.state)}], indirect=True)
def test_an_orphan_of_ours_is_found(orphan: str, at: Places) -> None:
    assert came(at, orphan)


@pytest.mark.parametrize("orphan", [lambda at: {}], indirect=True)
def test_somebody_elses_shell_is_no_matter_of_ours(orphan: str, at: Places) -> None:
    assert not came(at, orphan)


def test_what_came_and_what_went_is_told(at: Places) -> None:
    # Of the files alone: beside this test drills come and go, and so do their mounts and cables.
    before = picture(at)
    at.state.mkdir()
    (at.state / "left").write_text("")
    after = {**before, "file": picture(at)["file"]}
    assert differences(before, before) == []
    assert differences(before, after) == [f"file came: {at.state}/left"]
    assert differences(after, before) == []
    assert "mount went: x" in differences({**before, "mount": frozenset({"x"})}, before)
