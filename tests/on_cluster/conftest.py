"""What the tests on the embedded cluster share."""

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.on_cluster import checkouts
from tests.on_cluster.checkouts import Checkout
from tests.on_cluster.killing import Rehearsal
from tests.on_cluster.snapshot import cluster_as_before


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return checkouts.copied(tmp_path)


@pytest.fixture
def idle(tmp_path: Path) -> Checkout:
    return checkouts.idle(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def as_before() -> Iterator[None]:
    """However its drills end, the whole cluster equals its baseline when the last of pytest's
    processes is done."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    with cluster_as_before(Path(tempfile.gettempdir()) / f"drillbook-tests-{run}.json"):
        yield


@pytest.fixture
def rehearse() -> Iterator[Callable[..., Rehearsal]]:
    """Starts rehearsals that do not outlive the test."""
    started: list[Rehearsal] = []

    def start(*words: str, group: int | None = None, **environment: str) -> Rehearsal:
        started.append(Rehearsal.start(words, environment, group))
        return started[-1]

    yield start
    for one in started:
        one.end()
