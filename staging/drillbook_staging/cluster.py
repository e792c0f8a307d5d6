"""The Kubernetes on the nodes: kubeadm's init and join, and the kubeconfig for the host."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from drillbook.cluster.identities import SYSTEM_NAMESPACE
from drillbook_staging import addresses
from drillbook_staging.addresses import Node
from drillbook_staging.images import Images
from drillbook_staging.node import Programs, inside, render
from drillbook_staging.places import CONTEXT
from drillbook_staging.shell import Shell

INIT_WITHIN_S = 180.0
JOIN_WITHIN_S = 90.0
READY_WITHIN_S = 120


RUNNER_TOKEN_S = 365 * 24 * 3600
"""How long the runner's kubeconfig is good for; each `up` that does anything makes it anew."""


@dataclass(frozen=True)
class Kubectl:
    """kubectl on the host, as the cluster's administrator."""

    shell: Shell
    program: Path

    @property
    def _words(self) -> tuple[str, ...]:
        return (str(self.program), "--kubeconfig", str(self.shell.places.kubeconfig))

    @property
    def _quiet(self) -> Shell:
        # kubectl's cache belongs into our state, not into the user's home.
        direct = dict.fromkeys(("NO_PROXY", "no_proxy"), str(addresses.RANGE))
        cache = {"KUBECACHEDIR": str(self.shell.places.state / "kubectl-cache"), **direct}
        return Shell(self.shell.places, self.shell.stage, {**self.shell.extra, **cache})

    def run(self, *words: str, within_s: float | None = None) -> None:
        self._quiet.run(*self._words, *words, within_s=within_s)

    def output(self, *words: str, within_s: float | None = 30) -> str:
        return self._quiet.output(*self._words, *words, within_s=within_s)


def new_token() -> str:
    """A bootstrap token, in kubeadm's form."""
    return f"{secrets.token_hex(3)}.{secrets.token_hex(8)}"


def init_config(node: Node, token: str, images: Images) -> str:
    """What `kubeadm init` takes. Pure."""
    return render(
        "kubeadm-init.yaml",
        token=token,
        name=node.name,
        ip=node.ip,
        api_port=addresses.API_PORT,
        kubernetes=images.tag("kube-apiserver"),
        etcd=images.tag("etcd"),
        coredns=images.tag("coredns"),
        pods=addresses.PODS,
        services=addresses.SERVICES,
    )


def join_config(node: Node, token: str, discovery: Path) -> str:
    """What `kubeadm join` takes. Pure."""
    return render("kubeadm-join.yaml", token=token, name=node.name, ip=node.ip, discovery=discovery)


def init(shell: Shell, programs: Programs, node: Node, process: int, told: str) -> None:
    """Make the control plane on the first node, and the host's kubeconfig. Raises StageFailed."""
    folder = shell.places.node(node.name)
    config = _secret(folder / "kubeadm.yaml", told)
    _kubeadm(shell, programs, process, INIT_WITHIN_S, "init", "--config", str(config))
    admin = yaml.safe_load((folder / "etc-kubernetes" / "admin.conf").read_text())
    _secret(shell.places.kubeconfig, yaml.safe_dump(renamed(admin)))
    _secret(shell.places.state / "discovery.conf", yaml.safe_dump(discovery(admin)))


def join(shell: Shell, programs: Programs, node: Node, process: int, token: str) -> None:
    """Join one more node. Raises StageFailed."""
    found = shell.places.state / "discovery.conf"
    config = _secret(shell.places.node(node.name) / "kubeadm.yaml", join_config(node, token, found))
    _kubeadm(shell, programs, process, JOIN_WITHIN_S, "join", "--config", str(config))


def _kubeadm(shell: Shell, programs: Programs, process: int, within_s: float, *words: str) -> None:
    """kubeadm inside a node, with the node's own PATH."""
    # Empty but for these: kubeadm would write the host's proxies into its manifests.
    environ = ("env", "--ignore-environment", f"PATH={programs.path}", "HOME=/run")
    command = inside(process, *environ, str(programs.kube / "kubeadm"), *words)
    shell.run(*command, within_s=within_s)


def _secret(file: Path, text: str) -> Path:
    """Write a file that root alone may read."""
    file.touch(mode=0o600)
    file.chmod(0o600)
    file.write_text(text)
    return file


def renamed(admin: Mapping[str, Any]) -> dict[str, Any]:
    """kubeadm's kubeconfig under our context's name. Pure."""
    (cluster,), (user,) = admin["clusters"], admin["users"]
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": cluster["cluster"]}],
        "users": [{"name": CONTEXT, "user": user["user"]}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "current-context": CONTEXT,
    }


def discovery(admin: Mapping[str, Any]) -> dict[str, Any]:
    """The cluster's address and authority alone: how a node knows whom it joins. Pure."""
    return {**renamed(admin), "users": [{"name": CONTEXT, "user": {}}]}


def runner(admin: Mapping[str, Any], token: str) -> dict[str, Any]:
    """The same cluster, for drills: under the same context another user. Pure."""
    return {**admin, "users": [{"name": CONTEXT, "user": {"token": token}}]}


def write_runner(kubectl: Kubectl) -> None:
    """The kubeconfig of the service account `runner`. Raises StageFailed."""
    places = kubectl.shell.places
    account = ("--namespace", SYSTEM_NAMESPACE, "create", "token", "runner")
    token = kubectl.output(*account, f"--duration={RUNNER_TOKEN_S}s").strip()
    admin = yaml.safe_load(places.kubeconfig.read_text())
    # Whole or not at all: a drill may be reading it.
    new = _secret(places.state / "runner.new", yaml.safe_dump(runner(admin, token)))
    new.replace(places.runner_kubeconfig)


def await_nodes(kubectl: Kubectl, nodes: Sequence[Node]) -> None:
    """Until every node is Ready. Raises StageFailed."""
    names = [f"node/{node.name}" for node in nodes]
    for fact in ("create", "condition=Ready"):
        kubectl.run("wait", f"--for={fact}", f"--timeout={READY_WITHIN_S}s", *names)
