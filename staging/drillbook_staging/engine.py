"""The engine's own image: what the reaper runs inside the cluster.

It changes with every edit of the package, so it is no part of the nodes' seed and of a cluster's
fingerprint: it is built beside the others and imported into the running nodes, and an annotation
of the reaper's pods that names its key rolls them over to it.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

import drillbook
from drillbook_staging import builds, debian, digest, images
from drillbook_staging.artifacts import Artifact
from drillbook_staging.errors import StageFailed
from drillbook_staging.images import Buildah, Image
from drillbook_staging.node import inside
from drillbook_staging.places import Places
from drillbook_staging.progress import Progress
from drillbook_staging.shell import Shell

PYTHON = "3.11"
"""Debian 12's own."""
PACKAGE = Path(drillbook.__file__).resolve().parent
LEFT_OUT = ("__pycache__",)
ENGINE = Image("drillbook", "current", (("engine", "drillbook"),))
IMAGES = (
    Image("drillbook-python", PYTHON, (("python-packages", "packages"),)),
    ENGINE,
)
"""In the order of building."""
ALL = (images.DEBIAN, *IMAGES)
ANNOTATION = "drillbook.dev/engine"
"""The annotation of the reaper's pods with the key of the image that they run."""


# --------------------------------------------------------------------------- what it is made of


def artifacts(places: Places, package: Path = PACKAGE) -> dict[str, Artifact]:
    """The engine and the packages that it imports, by name."""
    return {artifact.name: artifact for artifact in (_packages(places), _engine(package))}


def _packages(places: Places) -> Artifact:
    lock = places.sources / "images" / "drillbook-python" / "requirements.txt"

    def make(shell: Shell, target: Path) -> None:
        pip = (sys.executable, "-m", "pip", "install", "--no-cache-dir", "--no-compile")
        # For the image's Python, whichever runs us.
        wheels = ("--python-version", PYTHON, "--only-binary", ":all:")
        pinned = ("--no-deps", "--require-hashes", "-r", str(lock))
        shell.run(*pip, *wheels, *pinned, "--target", str(target / "packages"))

    return Artifact("python-packages", digest.of_text(PYTHON, lock.read_text()), make, "fetch")


def _engine(package: Path) -> Artifact:
    def make(shell: Shell, target: Path) -> None:
        left_out = shutil.ignore_patterns(*LEFT_OUT)
        shutil.copytree(package, target / "drillbook", ignore=left_out)

    return Artifact("engine", digest.of_files(package, LEFT_OUT), make, "fetch")


# --------------------------------------------------------------------------- building, importing


@dataclass(frozen=True)
class Engine:
    """The image as the checkout wants it at one moment."""

    places: Places
    made: Mapping[str, Artifact]
    """What it and its parents are made of."""

    @cached_property
    def key(self) -> str:
        """Its content key."""
        return images.keys(self.places, self.made, ALL)[ENGINE.reference]

    @property
    def _name(self) -> str:
        return images.key_tag(ENGINE, self.key)

    @property
    def archive(self) -> Path:
        """The image as containerd imports it; kept, as a node that is made anew lacks it."""
        return self.places.cache / "engine" / f"{self.key}.tar"

    def ensure(self, shell: Shell, processes: Mapping[str, int], progress: Progress) -> None:
        """Bring it to those running nodes that lack it, building it where the cache lacks it.
        Raises StageFailed."""
        lacking = [node for node in processes if self._name not in names(shell, processes[node])]
        if not lacking:
            return
        if not self.archive.is_file():
            self._build(shell, progress)
        progress.say(f"           importing image {ENGINE.name} into {', '.join(lacking)}")
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: self._import(shell, processes[node]), lacking))

    def _build(self, shell: Shell, progress: Progress) -> None:
        """Each edit makes another: the cache keeps the newest."""
        builds.artifacts(self.places, self.made, progress)
        buildah = Buildah(shell)
        for name in images.build_missing(buildah, self.made, ALL):
            progress.say(f"           building image {name}")
        for name in older(buildah.tags(), self._name):
            buildah.run("rmi", name)
        made = self.made["engine"].path(self.places)
        for folder in made.parent.glob("engine-*"):
            if folder != made:
                shutil.rmtree(folder)
        if self.archive.parent.exists():
            shutil.rmtree(self.archive.parent)
        unfinished = self.archive.with_suffix(".new")
        images.export(buildah, ENGINE, unfinished)
        unfinished.rename(self.archive)

    def _import(self, shell: Shell, process: int) -> None:
        # In this order: the name by key says what `current` is, also when we are ended between.
        for name in older(names(shell, process), self._name):
            shell.run(*_ctr(process, "remove", name))
        shell.run(*_ctr(process, "import", str(self.archive)))
        shell.run(*_ctr(process, "tag", ENGINE.reference, self._name))


def of_checkout(places: Places) -> Engine:
    """The engine as the checkout has it now."""
    base = debian.root_file_system()
    return Engine(places, {base.name: base, **artifacts(places)})


def names(shell: Shell, process: int) -> set[str]:
    """Every image of the node with that first process."""
    return set(shell.output(*_ctr(process, "list", "--quiet")).split())


def older(found: Iterable[str], newest: str) -> list[str]:
    """Those names by key that are not the newest's. Pure."""
    prefix = images.key_tag(ENGINE, "")
    return sorted(name for name in found if name.startswith(prefix) and name != newest)


def _ctr(process: int, *words: str) -> tuple[str, ...]:
    return inside(process, "ctr", "--namespace", "k8s.io", "images", *words)


# --------------------------------------------------------------------------- rolling out


def annotated(manifests: str, key: str) -> str:
    """The platform's manifests, in which the pods that run the engine carry the key of its image:
    another one under the same name rolls them over. Pure.

    Raises StageFailed when no Deployment runs the image: the platform would lack its reaper."""
    objects = [each for each in yaml.safe_load_all(manifests) if each]
    ours = [each for each in objects if _runs_the_engine(each)]
    if not ours:
        raise StageFailed(
            f"stage 'platform': no Deployment of staging/platform runs {ENGINE.reference}. "
            "The reaper's is in staging/platform/drillbook/reaper.yaml; the overlay `embedded` "
            "must take that folder in and name its image so."
        )
    for each in ours:
        metadata = each["spec"]["template"].setdefault("metadata", {})
        metadata.setdefault("annotations", {})[ANNOTATION] = key
    return yaml.safe_dump_all(objects, sort_keys=False)


def _runs_the_engine(found: Mapping[str, Any]) -> bool:
    if found["kind"] != "Deployment":
        return False
    containers = found["spec"]["template"]["spec"]["containers"]
    return any(each["image"] == ENGINE.reference for each in containers)
