"""`drillbook staging up | status | images | down`."""

import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from drillbook_staging import images, lifecycle, lock, status
from drillbook_staging.addresses import MAX_NODES
from drillbook_staging.places import places
from drillbook_staging.progress import Progress
from drillbook_staging.provide import Store, disk, running

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="The embedded staging cluster: real Kubernetes on this machine, for drills.",
)

NOT_UP = 4
"""As for any question that could not be answered: no cluster was there to ask."""


Force = Annotated[
    bool, typer.Option("--force", help="Even if drills are at work on the cluster: they end.")
]


@app.command()
def up(
    nodes: Annotated[
        int, typer.Option(min=1, max=MAX_NODES, help="How many nodes the cluster has.")
    ] = 2,
    force: Force = False,
) -> None:
    """Set the cluster up; on one that is up, apply what has changed.

    A first run builds Kubernetes and the images: 10 to 20 minutes, with
    nothing but package registries. Later ones take them from the cache:
    half a minute. A cluster that is up and made of the same stays up: changed
    manifests and alert rules are applied to it, a changed engine is imported
    and its reaper rolled over to it, and with nothing changed that takes a
    second. What an earlier `up` left behind, however it ended,
    is removed first.

    The state is in DRILLBOOK_STATE (/var/lib/drillbook/staging), which `down`
    removes; the cache in DRILLBOOK_CACHE (/var/cache/drillbook), which stays.
    A stage that fails names its log.

    Needs root on Debian 12. Exit code 3: this machine cannot run it, or drills
    are at work on it; 4: a stage failed.
    """
    signal.signal(signal.SIGTERM, _terminated)
    progress = Progress()
    lifecycle.up(places(), nodes, progress, force=force)
    progress.say(f"ready after {progress.elapsed_s:.1f} s")
    _tell(status.status(places()))


@app.command("status")
def tell_status() -> None:
    """Say how the cluster is, and what it lacks; exit code 4 when a drill could not begin."""
    found = status.status(places())
    _tell(found)
    if not found.is_up:
        raise typer.Exit(NOT_UP)


@app.command("images")
def handle_images(
    names: Annotated[
        list[str] | None, typer.Argument(help="images to build and to bring to the running nodes")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="write each as an archive into this folder too")
    ] = None,
) -> None:
    """Build images ahead; without a name, say which there are.

    A drill builds and imports what it needs by itself, and says so. What no
    drill has used for 30 days goes by itself.
    """
    at, progress = places(), Progress()
    store = Store(at, images.read(at))
    wanted = [store.images.named(name) for name in names or ()]
    nodes = running(at)
    with lock.held(), progress.showing():
        store.tidy(nodes, progress)
        store.provide(wanted, nodes, progress, save)
    for line in store.listed(nodes):
        typer.echo(line)
    typer.echo(f"disk: {disk(at)}")


@app.command()
def down(force: Force = False) -> None:
    """Remove the cluster and everything else outside the cache.

    Safe to repeat, and on nothing. Exit code 3 while drills are at work on
    a cluster that answers. To free the disk too, delete the cache afterwards:
    DRILLBOOK_CACHE, /var/cache/drillbook.
    """
    lifecycle.down(places(), Progress(), force=force)


def _tell(found: status.Status) -> None:
    for line in found.lines:
        typer.echo(line)


def _terminated(number: int, frame: FrameType | None) -> None:
    # As Ctrl-C: children are ended on the way out, and a later `up` cleans up.
    raise KeyboardInterrupt
