"""What the engine's command line finds here, by the entry point `drillbook.embedded_cluster`:
`drillbook.cli.embedded.EmbeddedCluster` says what it asks for."""

from collections.abc import Callable, Sequence

from drillbook_staging import preflight
from drillbook_staging.places import places


def run(words: Sequence[str]) -> None:
    """The command `drillbook staging` with these words; ends as a command does."""
    from drillbook_staging.cli import app  # not for `doctor`: it loads all of the embedded cluster

    app(list(words), prog_name="drillbook staging")


def problems() -> list[str]:
    """What this machine lacks to carry the cluster, in words."""
    return [str(problem) for problem in preflight.problems(places())]


def provide(references: Sequence[str], say: Callable[[str], None]) -> None:
    """Have these images on every node of the cluster that is up; none is up: nothing. What is
    missing is built, which may take minutes: `say` is told. Raises UsageError for an image of ours
    that nobody described, StageFailed, Refused."""
    from drillbook_staging import images, lock
    from drillbook_staging.progress import Progress
    from drillbook_staging.provide import Store, running

    at = places()
    nodes = running(at)
    store = Store(at, images.read(at))
    wanted = store.asked_for(references)
    store.use(wanted)
    if store.lacking(wanted, nodes):
        with lock.awaited(say):
            store.bring(wanted, nodes, Progress(out=say))
