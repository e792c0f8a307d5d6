"""Everything that the cluster is made of, built where the cache lacks it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from drillbook_staging import golang, images, node, residue, seed
from drillbook_staging.artifacts import Artifact
from drillbook_staging.images import Buildah
from drillbook_staging.places import Places
from drillbook_staging.progress import Progress
from drillbook_staging.shell import Shell


def is_complete(places: Places, made: Mapping[str, Artifact]) -> bool:
    """Whether the cache has all that a node needs, so that nothing is to be built."""
    every = all(artifact.is_made(places) for artifact in made.values())
    return every and seed.path(places, images.keys(places, made)).is_dir()


def artifacts(places: Places, made: Mapping[str, Artifact], progress: Progress) -> None:
    """Make the missing artifacts, lanes at the same time. When a lane fails or somebody
    interrupts us, the other lanes are ended too; what they have done so far is kept. Raises the
    StageFailed of the lane that failed first."""
    lanes: dict[str, list[Artifact]] = {}
    for artifact in made.values():
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
            residue.end_children(places, before)
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


def unpacked_images(places: Places, made: Mapping[str, Artifact], progress: Progress) -> Path:
    """The seed with every image, built where it is missing. Raises StageFailed."""
    keys = images.keys(places, made)
    if not seed.path(places, keys).is_dir():
        shell = Shell(places, "build images")
        for name in images.build_missing(Buildah(shell), made):
            progress.say(f"           building image {name}")
    return seed.ensure(
        Shell(places, "unpack images"), keys, lambda t: progress.say(f"           {t}")
    )


def programs(places: Places, made: Mapping[str, Artifact]) -> Path:
    """A folder of links to what people and scripts run on the host: kubectl, promtool, amtool."""
    target = places.cache / "bin"
    target.mkdir(parents=True, exist_ok=True)
    for artifact, name in (
        ("kube", "kubectl"),
        ("prometheus", "promtool"),
        ("alertmanager", "amtool"),
    ):
        link = target / f".{name}.new"
        link.unlink(missing_ok=True)
        link.symlink_to(made[artifact].path(places) / name)
        link.replace(target / name)
    return target
