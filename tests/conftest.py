"""What the engine's own tests share."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

pytest_plugins = ["pytester"]


class ByDrill(LoadScopeScheduling):
    """Tests beside each other; those of one folder that share one drill, in one process. Not by
    xdist's mark `xdist_group`: pytest 9.2 keeps a node's id where xdist 3.8 does not look for it,
    and every test became a group of its own."""

    def _split_scope(self, nodeid: str) -> str:
        return "rights" if "on_cluster/rights/" in nodeid else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByDrill | None:
    """Of `--dist loadgroup`."""
    return ByDrill(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a command finds right in a test's checkout is not kept in the tester's home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def nobodys() -> Iterator[Path]:
    """A folder to give to an unprivileged server. Not `tmp_path`: another pytest of this user
    closes the folder above it to others when it starts."""
    with tempfile.TemporaryDirectory(prefix="drillbook-server-") as folder:
        yield Path(folder)
