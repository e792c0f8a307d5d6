"""Which code an agent runs: `up` replaces one that runs another."""

import sys
from pathlib import Path

from drillbook_staging import digest

PARTS = ("addresses", "cgroups", "network", "node", "node_init", "node_launch", "places", "shell")
"""The modules of drillbook_staging that the agent's deeds are made of, beside its own."""


def of_this_code() -> str:
    """The hash of the code as it lies on the disk, and of where its Python is, by whatever name it
    was called: a node that is brought back is started by it."""
    here = Path(__file__).parent
    own = sorted(here.glob("*.py"))
    files = [*own, *(here.parent / f"{name}.py" for name in PARTS)]
    return digest.of_text(sys.prefix, *(file.read_text() for file in files))
