"""Container images as data: a folder with a Containerfile and an `image.toml`, under
`staging/images/` or beside a component under `fixtures/*/images/`. An image's key is the hash of
its folder, of what it takes in and of its parents' keys."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from drillbook.model.errors import UsageError
from drillbook_staging import digest
from drillbook_staging.artifacts import Artifact
from drillbook_staging.checkout import PythonPackage
from drillbook_staging.debian import DebianPackage, DebianRoot
from drillbook_staging.golang import Go
from drillbook_staging.inputs import Home
from drillbook_staging.maven import Maven
from drillbook_staging.places import Places
from drillbook_staging.pypi import Distribution, Requirements

ROOTS = ("staging/images", "fixtures/*/images")
"""Folders of a checkout that hold images."""
DATA = "image.toml"
SHARED = "artifact.toml"
LOCAL = "localhost/"
T = TypeVar("T", bound=BaseModel)


class _Inputs(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    go: tuple[Go, ...] = ()
    debian: tuple[DebianPackage, ...] = ()
    debian_root: tuple[DebianRoot, ...] = ()
    pypi: tuple[Distribution, ...] = ()
    requirements: tuple[Requirements, ...] = ()
    maven: tuple[Maven, ...] = ()
    package: tuple[PythonPackage, ...] = ()

    def artifacts(self, home: Home) -> tuple[Artifact, ...]:
        tables = (getattr(self, name) for name in _Inputs.model_fields)
        return tuple(each.artifact(home) for table in tables for each in table)


class _Image(_Inputs):
    """An `image.toml`."""

    tag: str
    core: bool = False
    """Whether every node is set up with it: then it counts for what the cluster is made of."""
    uses: tuple[str, ...] = ()
    """`kube/etcd`: a file of what staging/kube/artifact.toml makes."""


@dataclass(frozen=True)
class Image:
    """One image, with all that its build needs."""

    folder: Path
    tag: str
    core: bool
    parents: tuple[str, ...]
    """References of images of ours."""
    files: tuple[tuple[Artifact, str], ...]
    """What is found beside the Containerfile during the build; an empty name: all of it."""
    key: str

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def reference(self) -> str:
        return f"{LOCAL}{self.name}:{self.tag}"

    @property
    def by_key(self) -> str:
        """The name under which exactly this one is found again, once built or imported."""
        return f"{self.family}{self.key}"

    @property
    def family(self) -> str:
        """What such names begin with."""
        return f"{LOCAL}by-key/{self.name}:"


@dataclass(frozen=True)
class Images:
    """All images of a checkout, by reference; a parent stands before its children."""

    every: Mapping[str, Image]

    @property
    def core(self) -> tuple[Image, ...]:
        return tuple(image for image in self.every.values() if image.core)

    def named(self, wanted: str) -> Image:
        """By name or reference. Raises UsageError, naming the known ones."""
        for image in self.every.values():
            if wanted in (image.name, image.reference):
                return image
        known = ", ".join(self.every)
        raise UsageError(
            f"{wanted}: no image of that name is described in this checkout. There are: {known}. A "
            f"new one is a folder with a Containerfile and an {DATA} under staging/images/, or "
            "under fixtures/SYSTEM/images/."
        )

    def tag(self, name: str) -> str:
        """The tag of the image of that name. Raises UsageError."""
        return self.named(name).tag

    def with_parents(self, wanted: Iterable[Image]) -> tuple[Image, ...]:
        """These and all that they start from, in the order of building."""
        needed: set[str] = set()
        left = [image.reference for image in wanted]
        while left:
            reference = left.pop()
            needed.add(reference)
            left += [each for each in self.every[reference].parents if each not in needed]
        return tuple(image for image in self.every.values() if image.reference in needed)


def artifacts(images: Iterable[Image]) -> tuple[Artifact, ...]:
    """Everything that these are made of, each once."""
    found = {(each.name, each.key): each for image in images for each, _ in image.files}
    return tuple(found.values())


def read(places: Places) -> Images:
    """All of a checkout's. Raises UsageError for data that cannot be used."""
    folders = _folders(places)
    origins = {
        name: parents((folder / "Containerfile").read_text()) for name, folder in folders.items()
    }
    every: dict[str, Image] = {}
    for name in (each for each in _in_order(origins) if each in folders):
        for parent in origins[name]:
            if parent not in every:
                raise UsageError(f"{folders[name]}/Containerfile: no image {parent} is described.")
        inherited = [every[parent].key for parent in origins[name]]
        image = _image(places, folders[name], origins[name], inherited)
        every[image.reference] = image
    return Images(every)


def _folders(places: Places) -> dict[str, Path]:
    """By the image's name."""
    found: dict[str, Path] = {}
    for pattern in ROOTS:
        for data in sorted(places.root.glob(f"{pattern}/*/{DATA}")):
            other = found.setdefault(data.parent.name, data.parent)
            if other != data.parent:
                raise UsageError(f"{data.parent}: an image of that name is in {other} too.")
    return found


def _in_order(origins: Mapping[str, Iterable[str]]) -> list[str]:
    """Names, parents before their children. Raises UsageError."""
    graph = {
        name: [parent.removeprefix(LOCAL).partition(":")[0] for parent in of_it]
        for name, of_it in origins.items()
    }
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise UsageError(f"an image starts from itself: {' from '.join(error.args[1])}.") from error


def _image(places: Places, folder: Path, origins: tuple[str, ...], inherited: list[str]) -> Image:
    data = _parsed(folder / DATA, _Image)
    home = Home(folder, places.sources)
    own = [(each, "") for each in data.artifacts(home)]
    shared = [(_shared(places, folder, word), word.partition("/")[2]) for word in data.uses]
    files = (*own, *shared)
    taken = [f"{each.name}/{file} {each.key}" for each, file in files]
    recipe = digest.of_files(folder, without=(DATA,))
    reference = f"{LOCAL}{folder.name}:{data.tag}"
    key = digest.of_text(reference, recipe, *inherited, *taken)
    return Image(folder, data.tag, data.core, origins, files, key)


def _shared(places: Places, folder: Path, word: str) -> Artifact:
    name = word.partition("/")[0]
    file = places.sources / name / SHARED
    if not file.is_file():
        raise UsageError(f"{folder}/{DATA}: uses {word!r}, and there is no {file}.")
    (made,) = _parsed(file, _Inputs).artifacts(Home(file.parent, places.sources))
    return made


def _parsed(file: Path, model: type[T]) -> T:
    try:
        return model.model_validate(tomllib.loads(file.read_text()))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise UsageError(f"{file}: {error}") from error


def parents(containerfile: str) -> tuple[str, ...]:
    """The images of ours that a Containerfile starts from. Pure."""
    found = re.findall(rf"^FROM ({LOCAL}\S+)", containerfile, re.MULTILINE)
    return tuple(dict.fromkeys(found))
