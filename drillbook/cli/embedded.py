"""The embedded cluster, where it is installed: a distribution of its own, `drillbook-staging`, that
the command line finds by an entry point. The engine drills on any cluster and never imports it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Protocol, cast

from drillbook.model.errors import UsageError

GROUP = "drillbook.embedded_cluster"


class EmbeddedCluster(Protocol):
    """What it offers. All of them raise DrillbookError."""

    def run(self, words: Sequence[str]) -> None:
        """The command `drillbook staging` with these words; ends as a command does."""
        ...

    def problems(self) -> list[str]:
        """What this machine lacks to carry it, in words."""
        ...


def installed() -> EmbeddedCluster | None:
    """None on a machine that has the engine alone."""
    found = list(entry_points(group=GROUP))
    return cast(EmbeddedCluster, found[0].load()) if found else None


def run(words: Sequence[str]) -> None:
    """`drillbook staging ...`. Raises UsageError when nobody installed it."""
    cluster = installed()
    if cluster is None:
        raise UsageError(
            "`drillbook staging` needs the distribution drillbook-staging, which is not installed "
            "beside this engine. In a checkout: `make setup`, or `pip install -e staging`."
        )
    cluster.run(words)
