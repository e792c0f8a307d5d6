"""A checkout to change, and the ways to change it."""

from collections.abc import Callable
from pathlib import Path

from tests.bad_input.command_line import replace
from tests.bad_input.conftest import checkout

__all__ = ["checkout"]

Edit = Callable[[Path], object]


def put(name: str, old: str, new: str) -> Edit:
    return lambda checkout: replace(checkout, name, old, new)


def write(name: str, text: str) -> Edit:
    return lambda checkout: (checkout / name).write_text(text)
