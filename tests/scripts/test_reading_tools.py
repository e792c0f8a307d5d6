"""The tools that `drillbook.model.reading` lists: every request of theirs is seen here, and none of
them writes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from drillbook.model.reading import TOOLS
from drillbook.sources import Moment
from tests.bad_input.servers import Bad, serving

ROOT = Path(__file__).parents[2]


def run(tool: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, tool, *words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        ([[1.0, "5"], [2.0, "1764332000"]], "s ago, at 1764332000; your last change: "),
        ([], "last batch: no sample in that time; your last change: "),
    ],
)
def test_a_moment_is_asked_for_by_one_get(samples: list[list[object]], said: str) -> None:
    series = [{"metric": {}, "values": samples}] if samples else []
    body = {"status": "success", "data": {"resultType": "matrix", "result": series}}
    with serving(lambda path: Bad(body=json.dumps(body))) as server:
        changed = {"PROMETHEUS": server.url, "CHANGED_AT": "1764331990"}
        done = run("scripts/prometheus/moment.py", "last batch", "x[1m]", **changed)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
    assert [line.split()[0] for line in server.asked] == ["GET"]
    answer = Moment(metric="x", labels=(), of="last batch").parse(done.stdout)
    assert str(answer) == ("1764332000" if samples else f"absent: {done.stdout.strip()}")


@pytest.mark.parametrize(
    ("environment", "code", "said"),
    [
        ({}, 2, "PROMETHEUS is not set to an address"),
        ({"PROMETHEUS": "http://127.0.0.1:9"}, 4, "no usable answer from http://127.0.0.1:9"),
    ],
)
def test_no_moment_without_an_answer(environment: dict[str, str], code: int, said: str) -> None:
    done = run("scripts/prometheus/moment.py", "x", "x[1m]", **environment)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


@pytest.mark.parametrize(
    ("factor", "quantity", "code", "said"),
    [
        ("3", "1Gi", 0, "3Gi\n"),
        ("3", "512Mi", 0, "1536Mi\n"),
        ("1.5", "1Gi", 0, "1536Mi\n"),
        ("2", "500m", 0, "1000m\n"),
        ("3", "1073741824", 0, "3221225472\n"),
        ("3", "", 2, "is no quantity"),
        ("3", "1GB", 2, "is no quantity"),
        ("x", "1Gi", 2, "'x' is no number"),
        ("0", "1Gi", 2, "is not above zero"),
        ("nan", "1Gi", 2, "is not above zero"),
    ],
)
def test_a_quantity_times_a_number(factor: str, quantity: str, code: int, said: str) -> None:
    done = run("scripts/kubernetes/quantity.py", "--times", factor, "--", quantity)
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done.stderr


@pytest.mark.parametrize(
    ("revision", "code", "said"),
    [
        ("7", 0, "6\n"),
        ("1", 2, "none to go back to"),
        ("0", 2, "is no revision"),
        ("", 2, "is no revision"),
        ("7.5", 2, "is no revision"),
    ],
)
def test_the_revision_before(revision: str, code: int, said: str) -> None:
    done = run("scripts/kubernetes/revision_before.py", revision)
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done.stderr


def test_every_tool_that_is_listed_is_there() -> None:
    assert all((ROOT / tool).is_file() for tool in TOOLS)


@pytest.mark.parametrize(
    ("key", "value", "code", "patched"),
    [
        ("path", "/app/lib", 0, True),
        ("path", '/app"},"immutable":true,"x":{"y":"z', 0, True),
        ("path", '-Dx="a b" -Dy=$HOME', 0, True),
        ("pfad", "/app/lib", 1, False),
        ("path", "", 2, False),
    ],
)
def test_a_value_is_data_and_never_structure(
    key: str, value: str, code: int, patched: bool, tmp_path: Path
) -> None:
    program = tmp_path / "kubectl"
    program.write_text(
        '#!/bin/bash\nif [[ $* == *\' get \'* ]]; then echo \'{"data":{"path":"x"}}\'; exit; fi\n'
        f"printf '%s' \"${{@: -1}}\" > {tmp_path}/patch\n"
    )
    program.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    words = ("--context", "c", "-n", "n", "conf", key, "--", value)
    done = run("scripts/kubernetes/set_key.py", *words, PATH=path)
    assert done.returncode == code, done.stderr
    assert (tmp_path / "patch").exists() is patched
    if patched:
        assert json.loads((tmp_path / "patch").read_text()) == {"data": {"path": value}}
