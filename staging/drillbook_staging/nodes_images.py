"""The images that a running node has: what is there, what comes, what goes."""

from collections.abc import Sequence
from pathlib import Path

from drillbook_staging.images import Image
from drillbook_staging.node import inside
from drillbook_staging.places import Places
from drillbook_staging.shell import Shell

BLOBS = "containerd/io.containerd.content.v1.content/blobs/sha256"


def names(shell: Shell, process: int) -> set[str]:
    """Every image of the node with that first process. Raises StageFailed."""
    return set(shell.output(*_ctr(process, "list", "--quiet")).split())


def load(shell: Shell, process: int, image: Image, archive: Path) -> None:
    """Import an image from its archive, in the place of an older one. Raises StageFailed."""
    # In this order: the name by key says what the reference is, also when we are ended between.
    remove(shell, process, image.family)
    shell.run(*_ctr(process, "import", str(archive)))
    shell.run(*_ctr(process, "tag", image.reference, image.by_key))


def share(places: Places, nodes: Sequence[str]) -> None:
    """Let the nodes hold each blob as one file: blobs never change."""
    first, *others = (places.node(name) / BLOBS for name in nodes)
    for blob in first.iterdir():
        for twin in (folder / blob.name for folder in others):
            if twin.exists() and not twin.samefile(blob):
                linked = blob.with_name(f".{blob.name}.linked")
                linked.unlink(missing_ok=True)
                linked.hardlink_to(blob)
                linked.replace(twin)


def remove(shell: Shell, process: int, *beginnings: str) -> None:
    """Take away the images whose names begin so."""
    found = sorted(name for name in names(shell, process) if name.startswith(beginnings))
    if found:
        shell.run(*_ctr(process, "remove", *found))


def _ctr(process: int, *words: str) -> tuple[str, ...]:
    return inside(process, "ctr", "--namespace", "k8s.io", "images", *words)
