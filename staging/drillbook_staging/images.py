"""Container images: Containerfiles under `staging/images/`, built by buildah.

An image's key is the hash of its folder, of the artifacts it takes in and of its parent's key.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drillbook_staging import debian, digest, golang, mountpoints, spark
from drillbook_staging.artifacts import Artifact
from drillbook_staging.errors import StageFailed
from drillbook_staging.places import Places
from drillbook_staging.shell import SANDBOX, Shell

PAUSE = "3.10.1"
COREDNS = "v1.12.1"
CONTAINERS = "/var/lib/containers"
SEALING = "sealing memfd copy: Device or resource busy"
TRIES = 3
CA_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
CA_INSIDE = "/run/host-certificates.crt"


@dataclass(frozen=True)
class Image:
    """One image: a folder of `staging/images/`, a tag, and the artifacts' files it copies."""

    name: str
    tag: str
    inputs: tuple[tuple[str, str], ...] = ()
    """(artifact, file or folder in it), found beside the Containerfile during the build."""

    @property
    def reference(self) -> str:
        return f"localhost/{self.name}:{self.tag}"


def _program(name: str, tag: str, artifact: str = "kube") -> Image:
    return Image(name, tag, ((artifact, name),))


DEBIAN = Image("debian", "12", (("debian", "debian.tar"),))
IMAGES = (
    DEBIAN,
    Image("pause", PAUSE),
    _program("etcd", golang.ETCD),
    _program("kube-apiserver", golang.KUBERNETES),
    _program("kube-controller-manager", golang.KUBERNETES),
    _program("kube-scheduler", golang.KUBERNETES),
    _program("kube-proxy", golang.KUBERNETES),
    _program("coredns", COREDNS, "coredns"),
    _program("kube-state-metrics", "v2.13.0", "kube-state-metrics"),
    _program("prometheus", golang.PROMETHEUS, "prometheus"),
    Image(
        "alertmanager",
        "debian12",
        (("alertmanager", "prometheus-alertmanager"), ("alertmanager", "templates")),
    ),
    Image("spark", spark.VERSION, (("spark", "spark"),)),
)
"""What the nodes are set up with, in the order of building: a parent stands before its children.
The engine's own image comes later: `drillbook_staging.engine`."""


def artifacts(places: Places) -> dict[str, Artifact]:
    """Everything that the images and the nodes are made of, by name."""
    made = (
        *golang.programs(places),
        debian.root_file_system(),
        debian.alertmanager(),
        spark.files(),
    )
    return {artifact.name: artifact for artifact in made}


# --------------------------------------------------------------------------- keys


def parents(containerfile: str) -> tuple[str, ...]:
    """The images of ours that a Containerfile starts from."""
    return tuple(re.findall(r"^FROM (localhost/\S+)", containerfile, re.MULTILINE))


def keys(
    places: Places, made: Mapping[str, Artifact], wanted: Sequence[Image] = IMAGES
) -> dict[str, str]:
    """Each image's reference with its content key; parents stand before their children."""
    found: dict[str, str] = {}
    for image in wanted:
        folder = places.sources / "images" / image.name
        inherited = [found[parent] for parent in parents((folder / "Containerfile").read_text())]
        taken = [f"{name}/{file} {made[name].key}" for name, file in image.inputs]
        found[image.reference] = digest.of_text(
            image.reference, digest.of_files(folder), *inherited, *taken
        )
    return found


# --------------------------------------------------------------------------- building


@dataclass(frozen=True)
class Buildah:
    """buildah with its storage in our cache."""

    shell: Shell

    @property
    def _storage(self) -> Path:
        return self.shell.places.cache / "buildah"

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

    def tags(self) -> set[str]:
        """Every name in the storage."""
        text = self.shell.output(*self._words("images", "--format", "{{.Name}}:{{.Tag}}"))
        return set(text.split())


def key_tag(image: Image, key: str) -> str:
    """The name under which a built image is found again."""
    return f"localhost/by-key/{image.name}:{key}"


def build_missing(
    buildah: Buildah, made: Mapping[str, Artifact], wanted: Sequence[Image] = IMAGES
) -> Iterable[str]:
    """Build what the storage lacks, in order; yields each name before its build."""
    known = buildah.tags()
    found = keys(buildah.shell.places, made, wanted)
    for image in wanted:
        key = found[image.reference]
        if key_tag(image, key) not in known:
            yield image.name
            _build(buildah, image, key, made)
        else:
            buildah.run("tag", key_tag(image, key), image.reference)


def export(buildah: Buildah, image: Image, archive: Path) -> None:
    """Write an image as the archive that containerd imports."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    archive.unlink(missing_ok=True)
    policy = ("--signature-policy", str(buildah.shell.places.sources / "images" / "policy.json"))
    buildah.run("push", *policy, image.reference, f"docker-archive:{archive}:{image.reference}")


def _build(buildah: Buildah, image: Image, key: str, made: Mapping[str, Artifact]) -> None:
    places = buildah.shell.places
    context = _context(places, image, made)
    options = ("--isolation", "chroot", "--network", "host", "--layers=false", "--pull-never")
    policy = ("--signature-policy", str(places.sources / "images" / "policy.json"))
    names = ("--tag", image.reference, "--tag", key_tag(image, key))
    # Last, so that a half-built image is never found by its key.
    words = ("build", *options, *policy, *_apt(places), *names, str(context))
    patiently(lambda: buildah.run(*words))
    shutil.rmtree(context)


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


def _context(places: Places, image: Image, made: Mapping[str, Artifact]) -> Path:
    """A folder with the Containerfile, its neighbours and the inputs, by hard links."""
    context = places.cache / "tmp" / f"context-{image.name}"
    context.parent.mkdir(parents=True, exist_ok=True)
    if context.exists():
        shutil.rmtree(context)
    shutil.copytree(places.sources / "images" / image.name, context)
    shell = Shell(places, f"build image {image.name}")
    for name, file in image.inputs:
        shell.run("cp", "-al", str(made[name].path(places) / file), str(context / file))
    return context


def _apt(places: Places) -> tuple[str, ...]:
    """The host's proxy and certificates for apt inside a build; nothing else of its settings."""
    dump = Shell(places, "build images").output("apt-config", "dump")
    kept = [line for line in dump.splitlines() if re.match(r"Acquire::https?::.*Proxy", line)]
    settings = places.tmp / "apt.conf"
    settings.write_text("\n".join([*kept, f'Acquire::https::CaInfo "{CA_INSIDE}";', ""]))
    return (
        "--volume",
        f"{settings}:/etc/apt/apt.conf.d/99host:ro",
        "--volume",
        f"{CA_BUNDLE}:{CA_INSIDE}:ro",
    )
