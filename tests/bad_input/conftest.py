"""A checkout to break."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.bad_input.command_line import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    copy = tmp_path / "checkout"
    copy.mkdir()
    for name in ("features", "steps", "fixtures", "scripts", "monitoring", "runbooks"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy
