"""Spark's files, from the source distribution that PyPI carries: it is the whole of Spark."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from drillbook_staging.artifacts import Artifact
from drillbook_staging.digest import of_text
from drillbook_staging.shell import Shell

VERSION = "4.0.1"
SHA256 = "9d1f22d994f60369228397e3479003ffe2dd736ba79165003246ff7bd48e2c73"
LAYOUT = (
    ("deps/bin", "bin"),
    ("deps/sbin", "sbin"),
    ("deps/jars", "jars"),
    ("pyspark", "python/pyspark"),
    ("lib", "python/lib"),
)
"""Folders of the source distribution, and where a SPARK_HOME has them."""


def files() -> Artifact:
    """A folder `spark` laid out as SPARK_HOME."""

    def make(shell: Shell, target: Path) -> None:
        work = target / "work"
        work.mkdir()
        requirement = work / "requirements.txt"
        requirement.write_text(f"pyspark=={VERSION} --hash=sha256:{SHA256}\n")
        pip = (sys.executable, "-m", "pip", "download", "--no-cache-dir", "--no-deps")
        pinned = ("--no-binary", "pyspark", "--require-hashes", "-r", str(requirement))
        shell.run(*pip, *pinned, "-d", str(work))
        shell.run("tar", "-xzf", str(work / f"pyspark-{VERSION}.tar.gz"), "-C", str(work))
        lay_out(work / f"pyspark-{VERSION}", target / "spark")
        shutil.rmtree(work)

    return Artifact("spark", of_text(SHA256, str(LAYOUT)), make, "fetch")


def lay_out(unpacked: Path, home: Path) -> None:
    """Move a source distribution's folders to where Spark looks for them."""
    for source, place in LAYOUT:
        target = home / place
        target.parent.mkdir(parents=True, exist_ok=True)
        (unpacked / source).rename(target)
