"""Files that nothing reads, or that are not as they were committed."""

from pathlib import Path

import pytest

from drillbook.book import tree


@pytest.mark.parametrize(
    ("name", "data", "rule"),
    [
        ("features/shop/a.feature", b"", ""),
        ("features/README.md", b"", ""),
        ("docs/x.md", b"<<<<<<< HEAD\n", ""),
        ("fixtures/workloads/key.p12", b"\0\r\n", ""),
        ("tests/x.feature", b"", ""),
        ("features/shop/a.feature.bak", b"", "stray-file"),
        ("features/shop/a.txt", b"", "stray-file"),
        ("feature/shop/a.feature", b"", "stray-file"),
        ("monitoring/alerts/a.yaml", b"a: 1\n<<<<<<< HEAD\n", "merge"),
        ("fixtures/workloads/a/start.sh", b"exit\r\n", "line-ends"),
        ("steps/nobody_imports_this.py", b"", "unlisted-module"),
    ],
)
def test_a_file_in_the_checkout(tmp_path: Path, name: str, data: bytes, rule: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    found = tree.problems(tmp_path)
    assert [(p.rule, p.path) for p in found] == ([(rule, name)] if rule else [])


@pytest.mark.parametrize(
    ("name", "target", "found"),
    [
        ("features/shop", ".", True),
        ("steps", ".", True),
        ("scripts/a.py", "..", True),
        ("scripts/a.py", "pyproject.toml", False),
    ],
)
def test_a_link(tmp_path: Path, name: str, target: str, found: bool) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).symlink_to(tmp_path / target)
    ones = [(p.rule, p.path) for p in tree.problems(tmp_path)]
    assert ones == ([("stray-file", name)] if found else [])
