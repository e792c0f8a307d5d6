"""Images on demand: which are asked for, which go, and what two nodes hold as one file."""

import io
import os
import time
from pathlib import Path

import pytest
from rich.console import Console

from drillbook.model.errors import UsageError
from drillbook_staging import images, nodes_images
from drillbook_staging.places import Places, places
from drillbook_staging.progress import Progress
from drillbook_staging.provide import UNUSED_FOR_S, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    at = Places(tmp_path / "state", tmp_path / "cache", places({}).sources)
    return Store(at, images.read(at))


def test_only_servers_of_ours_are_asked_for(store: Store) -> None:
    named = ["localhost/redis:7.0", "localhost/debian:12", "registry.example/x:1"]
    assert [image.name for image in store.asked_for(named)] == ["redis"]
    with pytest.raises(UsageError, match=r"localhost/redis:6\.0: no image of that name"):
        store.asked_for(["localhost/redis:6.0"])


def test_what_is_on_a_node_is_not_lacking(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    redis, spark = store.images.named("redis"), store.images.named("spark")
    there = {1: {redis.by_key, redis.reference}, 2: {redis.by_key, spark.reference}}
    monkeypatch.setattr(nodes_images, "names", lambda shell, process: there[process])
    lacking = store.lacking([redis, spark], {"node1": 1, "node2": 2})
    assert lacking == {spark: ["node1", "node2"]}  # of another key is not there either


def test_what_nobody_used_for_a_month_goes(store: Store) -> None:
    long_ago = time.time() - UNUSED_FOR_S - 60
    core = images.artifacts(store.images.core)[0].path(store.places)
    old, new = (core.with_name(name) for name in ("old-1", "new-1"))
    for folder in (core, old, new):
        folder.mkdir(parents=True)
    store.use([store.images.named("redis"), store.images.named("spark")])
    for path in (core, old, store.places.cache / "used" / "redis"):
        os.utime(path, (long_ago, long_ago))
    said = io.StringIO()
    store.tidy({}, Progress(Console(file=said)))
    assert "removing image redis: not used for 30 days" in said.getvalue()
    assert (core.is_dir(), old.exists(), new.is_dir()) == (True, False, True)
    assert store.unused_s("redis") is None
    assert (store.unused_s("spark") or 0) < 60
    assert store.unused_s("debian") is not None  # what they start from is used too


def test_nodes_share_what_is_the_same(store: Store) -> None:
    one, two = (store.places.node(name) / nodes_images.BLOBS for name in ("node1", "node2"))
    for folder, names in ((one, "ab"), (two, "bc")):
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_text(name)
    nodes_images.share(store.places, ("node1", "node2"))
    assert (one / "b").samefile(two / "b")
    assert {path.name for path in one.iterdir()} == {"a", "b"}
    assert {path.name for path in two.iterdir()} == {"b", "c"}
