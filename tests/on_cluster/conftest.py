"""What the tests on the embedded cluster share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.on_cluster.checkouts import ROOT, Checkout, namespaces

CARRIED = ("features", "fixtures", "monitoring", "scripts", "staging", "steps")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    for name in CARRIED:
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return Checkout(tmp_path)


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """However a drill ends, its namespace is gone."""
    before = namespaces()
    yield
    assert not namespaces() - before
