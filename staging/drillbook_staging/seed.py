"""The seed: a containerd root in the cache with every core image imported and unpacked already.
Blobs and unpacked layers never change (overlay writes elsewhere), so a node's own root is the seed
by hard links, with its databases copied."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from drillbook_staging import digest
from drillbook_staging.buildah import Buildah
from drillbook_staging.errors import StageFailed
from drillbook_staging.images import Image
from drillbook_staging.places import Places
from drillbook_staging.shell import SANDBOX, Shell

CONFIG = """\
version = 2
root = "{root}"
state = "{run}"
oom_score = 0
# Only what holds and unpacks images.
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
  address = "{run}/containerd.sock"
"""
START_WITHIN_S = 30.0


def path(places: Places, images: Sequence[Image]) -> Path:
    """Where the seed of this set of images is or will be."""
    flat = sorted(f"{image.reference}={image.key}" for image in images)
    return places.cache / "seeds" / digest.of_text(*flat)


def ensure(shell: Shell, images: Sequence[Image], say: Callable[[str], None]) -> Path:
    """Make the seed unless it is there; older ones go. Raises StageFailed."""
    target = path(shell.places, images)
    if target.is_dir():
        return target
    if target.parent.exists():
        shutil.rmtree(target.parent)
    unfinished = target.with_name(f".{target.name}.unfinished")
    unfinished.mkdir(parents=True)
    with _containerd(shell, unfinished) as address:
        for image in images:
            say(f"unpacking {image.name}")
            _import(shell, address, image)
    unfinished.rename(target)
    return target


@contextmanager
def _containerd(shell: Shell, root: Path) -> Iterator[str]:
    run = shell.places.tmp / "seed"
    run.mkdir(parents=True, exist_ok=True)
    config = run / "containerd.toml"
    config.write_text(CONFIG.format(root=root, run=run))
    child = shell.daemon(*SANDBOX, "containerd", "--config", str(config))
    try:
        until = time.monotonic() + START_WITHIN_S
        while not (run / "containerd.sock").exists():
            if time.monotonic() > until:
                raise shell.failure(("containerd",), f"made no socket within {START_WITHIN_S:g} s")
            time.sleep(0.1)
        yield str(run / "containerd.sock")
        # Its end is a kill: what it holds in memory must be on the disk first.
        shell.run("sync", "--file-system", str(root))
    finally:
        child.kill()
        child.wait()


def _import(shell: Shell, address: str, image: Image) -> None:
    archive = shell.places.cache / "tmp" / f"{image.name}.tar"
    Buildah(shell).export(image, archive)
    ctr = ("ctr", "--address", address, "--namespace", "k8s.io", "images")
    shell.run(*ctr, "import", str(archive))
    if image.reference not in shell.output(*ctr, "list", "--quiet").split():
        raise StageFailed(
            f"stage {shell.stage!r}: {image.reference} was imported but containerd does not list "
            f"it. The whole log: {shell.log}"
        )
    archive.unlink()


def copy(shell: Shell, seed: Path, target: Path) -> None:
    """A node's own containerd root: hard links, its databases copied. Raises StageFailed, also
    when state and cache are on different file systems and there is no room for a real copy."""
    linked = seed.stat().st_dev == target.parent.stat().st_dev
    shell.run("cp", "--archive", *(("--link",) if linked else ()), str(seed), str(target))
    for database in target.glob("*/*.db"):
        copied = database.with_name(f"{database.name}.own")
        shutil.copy2(database, copied)
        copied.replace(database)
