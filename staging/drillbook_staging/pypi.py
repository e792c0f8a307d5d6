"""What comes from PyPI: files of one distribution, or all that a hashed list names."""

import sys
from pathlib import Path

from drillbook_staging.artifacts import Artifact
from drillbook_staging.digest import of_text
from drillbook_staging.inputs import Files, Home, Input, lay_out
from drillbook_staging.shell import Shell

LANE = "fetch"


class Distribution(Input):
    """`[[pypi]]`: files out of a wheel, or out of a source distribution."""

    package: str
    version: str
    sha256: str
    files: Files
    source: bool = False

    def artifact(self, home: Home) -> Artifact:
        key = of_text(self.sha256, str(sorted(self.files.items())))
        return Artifact(self.package, key, self._make, LANE, self.host)

    def _make(self, shell: Shell, target: Path) -> None:
        form = "--no-binary" if self.source else "--only-binary"
        download(shell, self.package, self.version, self.sha256, target, form, self.package)
        (archive,) = target.iterdir()
        lay_out(shell, archive, target, self.files)


def download(
    shell: Shell, package: str, version: str, sha256: str, target: Path, *options: str
) -> None:
    """One file that must have this hash."""
    requirement = shell.places.tmp / f"{package}.txt"
    requirement.parent.mkdir(parents=True, exist_ok=True)
    requirement.write_text(f"{package}=={version} --hash=sha256:{sha256}\n")
    pinned = ("--no-cache-dir", "--no-deps", "--require-hashes", "-r", str(requirement))
    shell.run(sys.executable, "-m", "pip", "download", *pinned, *options, "-d", str(target))


class Requirements(Input):
    """`[[requirements]]`: the folder `packages` with all that a list pins and hashes."""

    file: str
    python: str
    """The image's Python, whichever runs us."""

    def artifact(self, home: Home) -> Artifact:
        lock = home.folder / self.file
        name = f"{home.folder.name}-packages"

        def make(shell: Shell, target: Path) -> None:
            pip = (sys.executable, "-m", "pip", "install", "--no-cache-dir", "--no-compile")
            wheels = ("--python-version", self.python, "--only-binary", ":all:")
            pinned = ("--no-deps", "--require-hashes", "-r", str(lock))
            shell.run(*pip, *wheels, *pinned, "--target", str(target / "packages"))

        return Artifact(name, of_text(self.python, lock.read_text()), make, LANE, self.host)
