"""The embedded cluster, where it is installed: a distribution of its own, `drillbook-staging`, that
the command line finds by an entry point. The engine drills on any cluster and never imports it."""

from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import entry_points
from typing import Protocol, cast

from drillbook.cluster.settings import Settings
from drillbook.model import BoundRunbook
from drillbook.model.errors import UsageError

GROUP = "drillbook.embedded_cluster"


class EmbeddedCluster(Protocol):
    """What it offers. All of them raise DrillbookError."""

    def run(self, words: Sequence[str]) -> None:
        """The command `drillbook staging` with these words; ends as a command does."""

    def problems(self) -> list[str]:
        """What this machine lacks to carry it, in words."""

    def provide(self, references: Sequence[str], say: Callable[[str], None]) -> None:
        """Have these images on every node, built where they are not."""


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


def provide(settings: Settings, bound: Iterable[BoundRunbook], say: Callable[[str], None]) -> None:
    """Have these runbooks' images on the embedded cluster, when that is drilled on."""
    cluster = installed() if settings.agent_socket else None
    if cluster is not None:
        wanted = {image for one in bound for cause in one.causes for image in cause.workload.images}
        cluster.provide(sorted(wanted), say)
