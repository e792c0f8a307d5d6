"""What the engine's command line finds here, by the entry point `drillbook.embedded_cluster`:
`drillbook.cli.embedded.EmbeddedCluster` says what it asks for."""

from __future__ import annotations

from collections.abc import Sequence

from drillbook_staging import preflight
from drillbook_staging.places import places


def run(words: Sequence[str]) -> None:
    """The command `drillbook staging` with these words; ends as a command does."""
    from drillbook_staging.cli import app  # not for `doctor`: it loads all of the embedded cluster

    app(list(words), prog_name="drillbook staging")


def problems() -> list[str]:
    """What this machine lacks to carry the cluster, in words."""
    return [str(problem) for problem in preflight.problems(places())]
