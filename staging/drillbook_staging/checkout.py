"""What comes from this checkout itself: the engine, as the reaper runs it inside the cluster."""

import shutil
from importlib.util import find_spec
from pathlib import Path

from drillbook.model.errors import UsageError
from drillbook_staging import digest
from drillbook_staging.artifacts import Artifact
from drillbook_staging.inputs import Home, Input
from drillbook_staging.shell import Shell

LEFT_OUT = ("__pycache__",)


class PythonPackage(Input):
    """`[[package]]`: a Python package as it is imported here."""

    name: str

    def artifact(self, home: Home) -> Artifact:
        found = find_spec(self.name)
        if found is None or found.origin is None:
            raise UsageError(f"{home.folder}: the Python package {self.name} is not to be found.")
        return copied(self.name, Path(found.origin).parent)


def copied(name: str, package: Path) -> Artifact:
    """A package's files."""

    def make(shell: Shell, target: Path) -> None:
        shutil.copytree(package, target / name, ignore=shutil.ignore_patterns(*LEFT_OUT))

    return Artifact(f"package-{name}", digest.of_files(package, LEFT_OUT), make, "fetch")
