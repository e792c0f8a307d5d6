"""The wheel that `make dist` builds, in a folder of its own and without this checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.bad_input.command_line import environment_of
from tests.forked import ROOT

KUBECTL = """#!/bin/bash
case "$*" in
  "config current-context") echo lab ;;
  *" get pods "*) echo OOMKilled ;;
  *) echo x ;;
esac
"""


def test_the_wheel_diagnoses_from_an_empty_folder(tmp_path: Path) -> None:
    build = ("bash", "scripts/build_dist.sh", str(Path(sys.executable).parent), str(tmp_path))
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("drillbook-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "site")
    for name in ("bin", "empty"):
        (tmp_path / name).mkdir()
    (tmp_path / "bin/kubectl").write_text(KUBECTL)
    (tmp_path / "bin/kubectl").chmod(0o755)
    world = {
        **environment_of(tmp_path / "empty"),
        "PATH": f"{tmp_path}/bin{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{tmp_path}/site",
    }
    words = ("diagnose", "RB-SPARK-001", "--set", "NAMESPACE=shop", "--set", "APP=orders")
    program = "from drillbook.cli.app import main; main()"
    done = subprocess.run(
        (sys.executable, "-c", program, *words),
        cwd=tmp_path / "empty",
        env=world,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    page = f"{tmp_path}/site/drillbook/_book/runbooks/spark/driver-crash-loop.md#cause-driver-oom"
    assert f"its fix: {page}" in done.stdout
    assert list((tmp_path / "empty").iterdir()) == []
