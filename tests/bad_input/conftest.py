"""A checkout to break."""

from pathlib import Path

import pytest

from tests.bad_input.command_line import copied


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return copied(tmp_path / "checkout")
