"""Building images by buildah, whose storage lies in our cache."""

import json
import re
import shutil
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from drillbook_staging import mountpoints
from drillbook_staging.errors import StageFailed
from drillbook_staging.images import Image, Images
from drillbook_staging.places import Places
from drillbook_staging.shell import SANDBOX, Shell

CONTAINERS = "/var/lib/containers"
SEALING = "sealing memfd copy: Device or resource busy"
TRIES = 3
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
CA_INSIDE = "/run/host-certificates.crt"


@dataclass(frozen=True)
class Buildah:
    """buildah with its storage in our cache."""

    shell: Shell

    @property
    def _storage(self) -> Path:
        return self.shell.places.cache / "buildah"

    @property
    def _policy(self) -> tuple[str, str]:
        policy = self.shell.places.sources / "images" / "policy.json"
        return ("--signature-policy", str(policy))

    def _words(self, *words: str) -> tuple[str, ...]:
        # buildah also keeps a cache in /var/lib/containers, with no option to move it: in its own
        # mount namespace that folder is ours.
        self._storage.mkdir(parents=True, exist_ok=True)
        mountpoints.ensure(self.shell.places, (CONTAINERS,))
        inner = f'mount --bind "$0" {CONTAINERS} && exec buildah "$@"'
        run = self.shell.places.tmp / "buildah-run"
        root = f"{CONTAINERS}/storage"
        options = ("--root", root, "--runroot", str(run), "--storage-driver", "overlay")
        return (*SANDBOX, "sh", "-c", inner, str(self._storage), *options, *words)

    def run(self, *words: str) -> None:
        self.shell.run(*self._words(*words))

    def sizes(self) -> dict[str, str]:
        """Every name in the storage, with its image's size in words, layers of parents included."""
        if not self._storage.is_dir():
            return {}
        listed = json.loads(self.shell.output(*self._words("images", "--json")) or "null") or []
        return {name: str(each["size"]) for each in listed for name in each["names"] or ()}

    def build(self, image: Image, images: Images) -> None:
        """Build one whose parents are there. Raises StageFailed."""
        context = _context(self.shell.places, image)
        for parent in image.parents:
            self.run("tag", images.every[parent].by_key, parent)
        options = ("--isolation", "chroot", "--network", "host", "--layers=false", "--pull-never")
        # The name by key last, so that a half-built image is never found by it.
        names = ("--tag", image.reference, "--tag", image.by_key)
        words = ("build", *options, *self._policy, *_apt(self.shell), *names, str(context))
        patiently(lambda: self.run(*words))
        shutil.rmtree(context)

    def export(self, image: Image, archive: Path) -> None:
        """Write an image as the archive that containerd imports, whole or not at all."""
        archive.parent.mkdir(parents=True, exist_ok=True)
        unfinished = archive.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        # The archive holds the name that is pushed too, and a node gives that by key itself, last.
        self.run("tag", image.by_key, image.reference)
        target = f"docker-archive:{unfinished}:{image.reference}"
        self.run("push", *self._policy, image.reference, target)
        unfinished.rename(archive)

    def remove(self, *names: str) -> None:
        """Take names away; an image without a name goes."""
        self.run("rmi", *names)


def missing(images: Images, wanted: Sequence[Image], known: Container[str]) -> list[Image]:
    """Those that are to be built, their parents before them. Pure."""
    needed: list[Image] = []
    left = [image for image in wanted if image.by_key not in known]
    while left:
        image = left.pop()
        needed.append(image)
        parents = (images.every[each] for each in image.parents)
        left += [each for each in parents if each.by_key not in known and each not in needed]
    return [image for image in images.every.values() if image in needed]


def build_missing(buildah: Buildah, images: Images, wanted: Sequence[Image]) -> Iterator[Image]:
    """Build what the storage lacks, in order, in place of what is older; yields each before."""
    known = set(buildah.sizes())
    for image in missing(images, wanted, known):
        yield image
        buildah.build(image, images)
        older = sorted(name for name in known if name.startswith(image.family))
        if older:
            buildah.remove(*older)


def patiently(build: Callable[[], None]) -> None:
    """A build, once more when the kernel could not seal buildah's copy of itself: that fails now
    and then on a busy machine, and says nothing about the image. Raises StageFailed."""
    for _ in range(TRIES - 1):
        try:
            return build()
        except StageFailed as error:
            if SEALING not in str(error):
                raise
    return build()


def _context(places: Places, image: Image) -> Path:
    """A folder with the Containerfile, its neighbours and what it takes in, by hard links."""
    context = places.cache / "tmp" / f"context-{image.name}"
    context.parent.mkdir(parents=True, exist_ok=True)
    if context.exists():
        shutil.rmtree(context)
    shutil.copytree(image.folder, context)
    shell = Shell(places, f"build image {image.name}")
    for artifact, file in image.files:
        made = artifact.ensure(places)
        for each in [made / file] if file else sorted(made.iterdir()):
            shell.run("cp", "-al", str(each), str(context / each.name))
    return context


def _apt(shell: Shell) -> tuple[str, ...]:
    """The host's proxy and certificates for apt inside a build; nothing else of its settings."""
    dump = shell.output("apt-config", "dump")
    kept = [line for line in dump.splitlines() if re.match(r"Acquire::https?::.*Proxy", line)]
    settings = shell.places.tmp / "apt.conf"
    settings.write_text("\n".join([*kept, f'Acquire::https::CaInfo "{CA_INSIDE}";', ""]))
    mounts = (f"{settings}:/etc/apt/apt.conf.d/99host:ro", f"{CA_BUNDLE}:{CA_INSIDE}:ro")
    return tuple(word for mount in mounts for word in ("--volume", mount))
