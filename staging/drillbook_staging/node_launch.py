"""Enter a node's cgroups, then its namespaces: `python -m drillbook_staging.node_launch SPEC`.

A program of its own because a cgroup namespace begins where the process is when it is made.
"""

from __future__ import annotations

import os
import sys

from drillbook_staging import cgroups
from drillbook_staging.node_init import read_spec

NAMESPACES = ("--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup")


def main() -> None:
    spec = read_spec(sys.argv[1])
    tree = cgroups.hierarchy()
    if tree is None:
        raise SystemExit("no cgroups are mounted on this machine")
    cgroups.enter(tree, spec["name"])
    init = (sys.executable, "-m", "drillbook_staging.node_init", sys.argv[1])
    options = ("--fork", "--kill-child", "--mount-proc")
    os.execvp("unshare", ("unshare", *NAMESPACES, *options, *init))  # noqa: S606


if __name__ == "__main__":
    main()
