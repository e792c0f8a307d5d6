"""Files that nothing reads, or that are not as they were committed."""

from __future__ import annotations

from pathlib import Path

import pytest

from drillbook.book import tree


@pytest.mark.parametrize(
    ("name", "data", "rule"),
    [
        ("features/shop/a.feature", b"", ""),
        ("features/README.md", b"", ""),
        ("features/.hidden", b"", ""),
        ("docs/x.md", b"<<<<<<< HEAD\n", ""),
        ("fixtures/workloads/key.p12", b"\0\r\n", ""),
        ("tests/x.feature", b"", ""),
        ("features/shop/a.Feature", b"", "stray-file"),
        ("features/shop/a.feature.bak", b"", "stray-file"),
        ("features/shop/a.txt", b"", "stray-file"),
        ("feature/shop/a.feature", b"", "stray-file"),
        ("a.feature", b"", "stray-file"),
        ("monitoring/alerts/a.yaml", b"a: 1\n<<<<<<< HEAD\n", "merge"),
        ("fixtures/workloads/a/start.sh", b"exit\r\n", "line-ends"),
        ("scripts/a.py", b"pass\r\n", "line-ends"),
        ("steps/nobody_imports_this.py", b"", "unlisted-module"),
    ],
)
def test_a_file_in_the_checkout(tmp_path: Path, name: str, data: bytes, rule: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    found = tree.problems(tmp_path)
    assert [(p.rule, p.path) for p in found] == ([(rule, name)] if rule else [])


def test_a_folder_that_is_a_link(tmp_path: Path) -> None:
    (tmp_path / "features").mkdir()
    (tmp_path / "features" / "shop").symlink_to(tmp_path)
    assert [(p.rule, p.path) for p in tree.problems(tmp_path)] == [("stray-file", "features/shop")]
