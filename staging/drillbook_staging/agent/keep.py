"""The agent's supervisor: `python -m drillbook_staging.agent.keep CONFIG`. A program of its own
because it first enters a cgroup of ours: it must not end with the terminal, or the service, whose
`staging up` started it."""

import os
import sys

from drillbook_staging import cgroups
from drillbook_staging.node import SUPERVISOR
from drillbook_staging.node_init import environment

CGROUP = "agent"
"""Beside those of the nodes."""


def main() -> None:
    tree = cgroups.hierarchy()
    if tree is None:
        raise SystemExit("no cgroups are mounted on this machine")
    cgroups.create(tree, CGROUP)
    cgroups.enter(tree, CGROUP)
    words = (sys.executable, "-m", SUPERVISOR, "--configuration", sys.argv[1])
    path = os.environ.get("PATH", "")
    usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    os.execve(sys.executable, words, environment(f"{path}:{usual}"))  # noqa: S606


if __name__ == "__main__":
    main()
