"""The table of docs/safety.md names tests that exist, and every test module here stands in it."""

import ast
import re
from pathlib import Path

import pytest

from tests.forked import ROOT

NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def section() -> str:
    text = (ROOT / "docs/safety.md").read_text("utf-8")
    return text.partition("\n## Bad input\n")[2].partition("\n## ")[0]


def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    found = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return {name for name in found if name.startswith("test_")}


@pytest.mark.parametrize(("path", "name"), sorted(set(NAMED.findall(section()))))
def test_a_test_that_is_named_is_there(path: str, name: str) -> None:
    assert name in names_in(ROOT / path)


def test_every_row_has_a_test_or_says_why_not() -> None:
    rows = [line for line in section().splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 20
    bare = [row for row in rows if not NAMED.search(row)]
    assert len(bare) == 1
    assert "nothing here makes or restores backups yet" in bare[0]


def test_every_module_here_stands_in_the_table() -> None:
    here = {f"tests/bad_input/{path.name}" for path in Path(__file__).parent.glob("test_*.py")}
    named = {path for path, _ in NAMED.findall(section())}
    assert here - named == {"tests/bad_input/test_bad_table.py"}
