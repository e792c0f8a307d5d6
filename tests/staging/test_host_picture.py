"""The comparison itself: it must be able to find each kind of leftover."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.staging.host import LASTING, Picture, differences, picture

EMPTY: Picture = {"file": frozenset({"/a"}), "mount": frozenset({"/m"})}


def test_the_same_is_no_difference() -> None:
    assert differences(EMPTY, EMPTY) == []


def test_what_came_is_told() -> None:
    after = {**EMPTY, "file": frozenset({"/a", "/b"})}
    assert differences(EMPTY, after) == ["file came: /b"]


def test_what_went_is_told_where_it_lasts() -> None:
    assert "mount" in LASTING
    assert differences(EMPTY, {**EMPTY, "mount": frozenset()}) == ["mount went: /m"]
    assert differences(EMPTY, {**EMPTY, "file": frozenset()}) == []


def test_an_orphan_of_ours_is_found(tmp_path: Path) -> None:
    before = picture(tmp_path)
    script = "sleep 4242 >/dev/null 2>&1 & echo $!"
    orphan = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    number = orphan.stdout.strip()
    try:
        found = differences(before, picture(tmp_path, before))
        assert any(f"process came: {number} sleep" in line for line in found)
    finally:
        subprocess.run(["kill", "-KILL", number], check=True)
