"""Where the embedded cluster keeps things, and what it is called on the host. Three folders: the
state (all of it removed by `down`), the cache (kept), the sources (committed)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from drillbook.model.errors import UsageError

BRIDGE = "drill0"
"""The only interface on the host besides the nodes' veth ends."""
CGROUP = "drillbook"
"""The top-level cgroup, in every controller, that holds the nodes'."""
CONTEXT = "drillbook-staging"
"""The kubeconfig's context."""
STATE_NAMES = frozenset(
    (
        *("agent", "agent.sock", "cluster.json", "cluster.new", "discovery.conf", "kubeconfig"),
        *("kubectl-cache", "logs", "mountpoints", "nodes", "prometheus-rules.yaml"),
        *("runner.kubeconfig", "runner.new", "tmp"),
    )
)
"""All that we write there. A state folder that holds anything else is not ours to remove."""
PART_OF = "DRILLBOOK_PART_OF"
"""Every process that we start carries this variable with the state folder in it: that is how a
later `up` or `down` finds what a killed one left behind."""


@dataclass(frozen=True)
class Places:
    """The three folders."""

    state: Path
    cache: Path
    sources: Path
    """The checkout's `staging/`."""

    @property
    def root(self) -> Path:
        """The checkout."""
        return self.sources.parent

    @property
    def cluster_json(self) -> Path:
        return self.state / "cluster.json"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's: for people, and for `staging` itself."""
        return self.state / "kubeconfig"

    @property
    def runner_kubeconfig(self) -> Path:
        """What drills get: it may ask for the tokens of a drill's identities, and little else."""
        return self.state / "runner.kubeconfig"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def tmp(self) -> Path:
        return self.state / "tmp"

    @property
    def agent(self) -> Path:
        """The host agent's journal, logs and configuration."""
        return self.state / "agent"

    @property
    def agent_socket(self) -> Path:
        return self.state / "agent.sock"

    @property
    def mountpoints(self) -> Path:
        """The list of folders that had to be made on the host for the nodes to mount over."""
        return self.state / "mountpoints"

    def node(self, name: str) -> Path:
        return self.state / "nodes" / name

    def strangers(self) -> list[str]:
        """What lies in the state folder and was not written by us."""
        inside = self.state.iterdir() if self.state.is_dir() else ()
        return sorted(path.name for path in inside if path.name not in STATE_NAMES)


def places(environ: Mapping[str, str] = os.environ) -> Places:
    """From the environment. Raises UsageError for relative paths, and folders in each other."""
    state = _absolute(environ, "DRILLBOOK_STATE", "/var/lib/drillbook/staging")
    cache = _absolute(environ, "DRILLBOOK_CACHE", "/var/cache/drillbook")
    if state.is_relative_to(cache) or cache.is_relative_to(state):
        raise UsageError(
            f"DRILLBOOK_STATE={state} and DRILLBOOK_CACHE={cache}: wanted two folders beside each "
            "other, because `staging down` removes the first and keeps the second."
        )
    return Places(state, cache, sources=_sources())


def _absolute(environ: Mapping[str, str], name: str, default: str) -> Path:
    path = Path(environ.get(name) or default)
    if not path.is_absolute() or len(path.parts) < 3:
        raise UsageError(
            f"{name}={path}: wanted an absolute path at least two folders deep, "
            f"such as {default}. Set it so, or unset it."
        )
    return path.resolve()


def _sources() -> Path:
    """The checkout that we run in, else the one that we were installed from."""
    candidates = (Path.cwd(), Path(__file__).resolve().parents[2])
    for root in candidates:
        if (root / "staging" / "kube" / "go.mod").is_file():
            return root / "staging"
    raise UsageError(
        "staging/kube/go.mod: not found in "
        + " or ".join(str(root) for root in candidates)
        + ". Run this in a checkout of Drillbook: the embedded cluster is built from its sources."
    )
