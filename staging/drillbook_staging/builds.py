"""Everything that the cluster is made of, built where the cache lacks it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from pathlib import Path

from drillbook_staging import golang, node, residue, seed
from drillbook_staging.artifacts import Artifact
from drillbook_staging.buildah import Buildah, build_missing
from drillbook_staging.images import Images
from drillbook_staging.images import artifacts as artifacts_of
from drillbook_staging.places import Places
from drillbook_staging.progress import Progress
from drillbook_staging.shell import Shell


def is_complete(places: Places, images: Images) -> bool:
    """Whether the cache has all that a node needs, so that nothing is to be built."""
    every = all(artifact.is_made(places) for artifact in artifacts_of(images.core))
    return every and seed.path(places, images.core).is_dir()


def artifacts(places: Places, made: Iterable[Artifact], progress: Progress) -> None:
    """Make the missing artifacts, lanes at the same time. When a lane fails or somebody
    interrupts us, the other lanes are ended too; what they have done so far is kept. Raises the
    StageFailed of the lane that failed first."""
    lanes: dict[str, list[Artifact]] = {}
    for artifact in made:
        if not artifact.is_made(places):
            lanes.setdefault(artifact.lane, []).append(artifact)
    before = node.marked(places)
    with ThreadPoolExecutor(max_workers=max(1, len(lanes))) as pool:
        ending = threading.Event()
        running = [pool.submit(_lane, places, lane, progress, ending) for lane in lanes.values()]
        try:
            for done in as_completed(running):
                done.result()
        except BaseException:
            ending.set()
            # Again, for a child that was just beginning and was not to be seen yet.
            while not all(one.done() for one in running):
                residue.end_children(places, before)
                wait(running, timeout=0.5)
            raise
    golang.remove_caches(places)  # also what an earlier, interrupted build left


def _lane(
    places: Places, lane: Sequence[Artifact], progress: Progress, ending: threading.Event
) -> None:
    for artifact in lane:
        if ending.is_set():
            return
        with progress.stage(f"  build {artifact.name}"):
            artifact.ensure(places)
        if artifact.lane == golang.LANE:
            golang.remove_caches(places)


def unpacked_images(places: Places, images: Images, progress: Progress) -> Path:
    """The seed with every core image, built where it is missing. Raises StageFailed."""
    if not seed.path(places, images.core).is_dir():
        shell = Shell(places, "build images")
        for image in build_missing(Buildah(shell), images, images.core):
            progress.say(f"           building image {image.name}")
    shell = Shell(places, "unpack images")
    return seed.ensure(shell, images.core, lambda text: progress.say(f"           {text}"))


def programs(places: Places, made: Iterable[Artifact]) -> Path:
    """A folder of links to what people and scripts run on the host: kubectl, promtool, amtool."""
    target = places.cache / "bin"
    target.mkdir(parents=True, exist_ok=True)
    for artifact in made:
        for name in artifact.host:
            link = target / f".{name}.new"
            link.unlink(missing_ok=True)
            link.symlink_to(artifact.path(places) / name)
            link.replace(target / name)
    return target
