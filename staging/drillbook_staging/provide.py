"""Images on demand: built where missing, brought to the nodes, removed after an idle month."""

import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from drillbook_staging import buildah, builds, node, nodes_images
from drillbook_staging.buildah import Buildah
from drillbook_staging.images import LOCAL, Image, Images, artifacts
from drillbook_staging.places import Places
from drillbook_staging.progress import Progress
from drillbook_staging.shell import Shell

UNUSED_FOR_S = 30 * 24 * 3600.0
"""How long an image or what one is made of is kept without being used."""

Nodes = Mapping[str, int]
"""The running nodes by name, each with its first process."""


@dataclass(frozen=True)
class Store:
    """The images of a checkout, as far as this machine has them."""

    places: Places
    images: Images

    @property
    def shell(self) -> Shell:
        return Shell(self.places, "images")

    def asked_for(self, references: Iterable[str]) -> tuple[Image, ...]:
        """Of the images that manifests name, ours that are not core. Raises UsageError."""
        ours = sorted({each for each in references if each.startswith(LOCAL)})
        return tuple(image for image in map(self.images.named, ours) if not image.core)

    def lacking(self, wanted: Iterable[Image], nodes: Nodes) -> dict[Image, list[str]]:
        """Images with the names of the nodes that lack them. Raises StageFailed."""
        there = {name: nodes_images.names(self.shell, process) for name, process in nodes.items()}
        found = {
            each: [name for name in nodes if each.by_key not in there[name]] for each in wanted
        }
        return {image: names for image, names in found.items() if names}

    def build(self, wanted: Sequence[Image], progress: Progress) -> None:
        """Have these in the storage. Raises StageFailed."""
        store = Buildah(self.shell)
        needed = buildah.missing(self.images, wanted, set(store.sizes()))
        builds.artifacts(self.places, artifacts(needed), progress)
        for image in buildah.build_missing(store, self.images, wanted):
            progress.say(f"           building image {image.name}")

    def provide(
        self, wanted: Sequence[Image], nodes: Nodes, progress: Progress, save: Path | None
    ) -> None:
        """Have these in the storage, on every node, and as archives. Raises StageFailed."""
        self.build(wanted, progress)
        self.bring(wanted, nodes, progress)
        if save is not None:
            for image in wanted:
                archive = save.resolve() / f"{image.name}.tar"
                Buildah(self.shell).export(image, archive)
                progress.say(f"           {image.reference} saved as {archive}")

    def bring(self, wanted: Sequence[Image], nodes: Nodes, progress: Progress) -> None:
        """Have these on every node, built where they are not. Raises StageFailed."""
        self.use(wanted)
        lacking = self.lacking(wanted, nodes)
        if lacking:
            self.build(tuple(lacking), progress)
        for image, names in lacking.items():
            progress.say(f"           importing image {image.name} into {', '.join(names)}")
            archive = self.places.cache / "tmp" / f"{image.name}.tar"
            Buildah(self.shell).export(image, archive)
            with ThreadPoolExecutor() as pool:
                loading = [
                    pool.submit(nodes_images.load, self.shell, nodes[name], image, archive)
                    for name in names
                ]
            archive.unlink()
            for done in loading:
                done.result()
            nodes_images.share(self.places, tuple(nodes))

    def listed(self, nodes: Nodes) -> list[str]:
        """A table of all images. Raises StageFailed."""
        sizes = Buildah(self.shell).sizes()
        lacking = self.lacking(self.images.every.values(), nodes)
        lines = [f"{'IMAGE':45}{'SIZE':12}{'ON THE NODES':22}LAST USED"]
        for image in self.images.every.values():
            missing = ", ".join(lacking.get(image, [])) if nodes else "any node: none runs"
            there = "set up with it" if image.core else f"not on {missing}" if missing else "yes"
            unused = None if image.core else self.unused_s(image.name)
            used = "-" if unused is None else f"{unused / 86400:.0f} days ago"
            size = sizes.get(image.by_key, "not built")
            lines.append(f"{image.reference:45}{size:12}{there:22}{used}")
        return lines

    def use(self, wanted: Iterable[Image]) -> None:
        """Note that these, and what they start from, are used now."""
        for image in self.images.with_parents(wanted):
            stamp = self._stamp(image.name)
            stamp.parent.mkdir(parents=True, exist_ok=True)
            stamp.touch()

    def _stamp(self, name: str) -> Path:
        return self.places.cache / "used" / name

    def unused_s(self, name: str) -> float | None:
        """Seconds since an image was used; None when nobody noted that."""
        stamp = self._stamp(name)
        return time.time() - stamp.stat().st_mtime if stamp.exists() else None

    def tidy(self, nodes: Nodes, progress: Progress) -> None:
        """Take away what nobody has used for a month: images with their copies on the nodes, and
        what images were made of. What the cluster is made of stays. Raises StageFailed."""
        kept = {image.name for image in self.images.with_parents(self.images.core)}
        store = Buildah(self.shell)
        for name in sorted(self._old(kept)):
            progress.say(f"           removing image {name}: not used for 30 days")
            beginnings = (f"{LOCAL}by-key/{name}:", f"{LOCAL}{name}:")
            for process in nodes.values():
                nodes_images.remove(self.shell, process, *beginnings)
            found = sorted(each for each in store.sizes() if each.startswith(beginnings))
            if found:
                store.remove(*found)
            self._stamp(name).unlink()
        core = {each.path(self.places) for each in artifacts(self.images.core)}
        for folder in (self.places.cache / "artifacts").glob("*"):
            if folder not in core and time.time() - folder.stat().st_mtime > UNUSED_FOR_S:
                shutil.rmtree(folder)

    def _old(self, kept: set[str]) -> set[str]:
        noted = {stamp.name for stamp in (self.places.cache / "used").glob("*")} - kept
        return {name for name in noted if (self.unused_s(name) or 0.0) > UNUSED_FOR_S}


def running(places: Places) -> Nodes:
    """The nodes that run now."""
    return node.first_processes(places)


def disk(places: Places) -> str:
    """What the cluster takes of the disk, in words: a file that both folders hold counts once."""
    folders = [str(each) for each in (places.cache, places.state) if each.is_dir()]
    words = ["du", "--summarize", "--block-size=1M", *folders]
    told = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    rows = [line.split("\t") for line in told.splitlines()]
    return ", ".join(f"{int(size) / 1024:.1f} GiB in {folder}" for size, folder in rows)
