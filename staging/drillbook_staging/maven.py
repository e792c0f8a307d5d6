"""What comes from Maven's central repository, by Maven itself."""

import hashlib
import shutil
from pathlib import Path

from pydantic import Field

from drillbook_staging import debian
from drillbook_staging.artifacts import Artifact
from drillbook_staging.digest import of_text
from drillbook_staging.errors import StageFailed
from drillbook_staging.inputs import Files, Home, Input, lay_out, slug
from drillbook_staging.shell import Shell

PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"


class Maven(Input):
    """`[[maven]]`: one artifact under its own name (`name-version.ext`), or files of it."""

    artifact_id: str
    """`group:name:version`, or `group:name:version:ext`; a jar unless it says otherwise."""
    sha256: str
    files: Files = Field(default_factory=dict)

    def artifact(self, home: Home) -> Artifact:
        key = of_text(self.artifact_id, self.sha256, str(sorted(self.files.items())))
        return Artifact(slug(self.artifact_id.split(":")[1]), key, self._make, "fetch", self.host)

    def _make(self, shell: Shell, target: Path) -> None:
        if shutil.which("mvn") is None:
            debian.install(shell, ("maven",))
        repository = shell.places.tmp / "maven"
        options = (f"-Dartifact={self.artifact_id}", f"-DoutputDirectory={target}")
        shell.run("mvn", "-B", "-q", PLUGIN, f"-Dmaven.repo.local={repository}", *options)
        # Maven's own parts stay for the next one; what was asked for is not kept twice.
        shutil.rmtree(repository / self.artifact_id.partition(":")[0].replace(".", "/"))
        (file,) = target.iterdir()
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
        if found != self.sha256:
            raise StageFailed(f"{self.artifact_id}: wanted sha256 {self.sha256}; found {found}.")
        if self.files:
            lay_out(shell, file, target, self.files)
