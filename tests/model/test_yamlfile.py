"""Strict YAML: what is read, and what is refused with its place."""

from pathlib import Path

import pytest

from drillbook.model import yamlfile
from drillbook.model.errors import UsageError


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "a.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_mapping_knows_its_line(tmp_path: Path) -> None:
    data = yamlfile.read(written(tmp_path, "a:\n  - b: 1\n  - c: 2\n"))
    assert data == {"a": [{"b": 1}, {"c": 2}]}
    assert [data.line, *(item.line for item in data["a"])] == [1, 2, 3]
    assert yamlfile.read_all(written(tmp_path, "a: 1\n---\nb: 2\n")) == ({"a": 1}, {"b": 2})
    with pytest.raises(UsageError, match=r"b\.yaml: cannot be read: No such file"):
        yamlfile.read(tmp_path / "b.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x [1]\nb: *x\n", "a.yaml:2: not usable YAML: aliases are not read here."),
        ("a: [\n", "a.yaml:2: not usable YAML"),
        ("a: 1\n---\nb: 2\n", "a.yaml:2: not usable YAML: but found another document"),
        ("? {a: 1}\n: 1\n", "a.yaml: not usable YAML"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        yamlfile.read(written(tmp_path, text))
    assert said in str(caught.value)
