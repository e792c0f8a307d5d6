"""`drillbook staging up | status | down`."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Annotated

import typer

from drillbook.staging import lifecycle
from drillbook.staging.addresses import MAX_NODES
from drillbook.staging.places import places
from drillbook.staging.progress import Progress

app = typer.Typer(no_args_is_help=True, help="The embedded staging cluster.")

NOT_UP = 4
"""As for any question that could not be answered: no cluster was there to ask."""


@app.command()
def up(
    nodes: Annotated[
        int, typer.Option(min=1, max=MAX_NODES, help="How many nodes the cluster has.")
    ] = 2,
) -> None:
    """Set the cluster up; on one that is up, apply changed manifests and alert rules."""
    signal.signal(signal.SIGTERM, _terminated)
    progress = Progress()
    lifecycle.up(places(), nodes, progress)
    progress.say(f"ready after {progress.elapsed_s:.1f} s")
    _tell(lifecycle.status(places()))


@app.command()
def status() -> None:
    """Say how the cluster is; exit code 4 when it is not up."""
    found = lifecycle.status(places())
    _tell(found)
    if not found.is_up:
        raise typer.Exit(NOT_UP)


@app.command()
def down() -> None:
    """Remove the cluster and everything else outside the cache."""
    lifecycle.down(places(), Progress())


def _tell(found: lifecycle.Status) -> None:
    for line in found.lines:
        typer.echo(line)


def _terminated(number: int, frame: FrameType | None) -> None:
    # As Ctrl-C: children are ended on the way out, and a later `up` cleans up.
    raise KeyboardInterrupt
