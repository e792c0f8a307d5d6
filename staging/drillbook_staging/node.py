"""One node, seen from the host: what it is told, its start, its process, its cable."""

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from drillbook_staging import cgroups, mountpoints, network, seed
from drillbook_staging.addresses import Node
from drillbook_staging.errors import StageFailed
from drillbook_staging.places import PART_OF, Places
from drillbook_staging.shell import Shell, tail

FOLDERS = {
    "etc-kubernetes": "/etc/kubernetes",
    "kubelet": "/var/lib/kubelet",
    "etc-cni": "/etc/cni",
    "cni": "/var/lib/cni",
    "etcd": "/var/lib/etcd",
    "pod-logs": "/var/log/pods",
    "container-logs": "/var/log/containers",
}
"""Folders of a node's state, and what they are mounted over inside the node."""

KERNEL_SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""What kubelet insists on, and would otherwise set for the whole machine: the node sees a file of
its own in the place of each. Source: k8s.io/component-helpers/node/util/sysctl."""

SUPERVISOR = "supervisor.supervisord"
"""What a node's process 1 becomes once the node is set up inside."""
START_WITHIN_S = 30.0

_templates = Environment(
    loader=PackageLoader("drillbook_staging"),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701 - configuration files, not HTML
    keep_trailing_newline=True,
)


def render(template: str, **values: object) -> str:
    """A configuration file from `templates/`."""
    return _templates.get_template(f"{template}.j2").render(**values)


@dataclass(frozen=True)
class Programs:
    """Where the host has what a node runs."""

    kube: Path
    """The folder with kubelet, kubeadm and kubectl."""
    pause: str
    """The reference of the image that holds a pod's namespaces."""

    @property
    def path(self) -> str:
        """A node's PATH."""
        return f"{self.kube}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def files(places: Places, node: Node, programs: Programs) -> dict[str, str]:
    """A node's configuration files, relative to its folder. Pure."""
    folder = places.node(node.name)
    return {
        "containerd.toml": render("containerd.toml", folder=folder, pause=programs.pause),
        "supervisord.conf": render("supervisord.conf", folder=folder),
        "kubelet.sh": render("kubelet.sh", kubelet=programs.kube / "kubelet"),
        "etc-cni/net.d/10-drillbook.conflist": render("cni.conflist", pods=node.pods),
        # Nobody listens for names on a node, so a name that is not the cluster's is refused at
        # once; an address without a route would make every such question wait.
        "etc-kubernetes/resolv.conf": f"nameserver {node.ip}\n",
        **{f"kernel/{name}": f"{value}\n" for name, value in KERNEL_SETTINGS.items()},
    }


def spec(
    places: Places, node: Node, others: Sequence[Node], programs: Programs
) -> dict[str, object]:
    """What the node's first process is told. Pure."""
    folder = places.node(node.name)
    config = str(folder / "supervisord.conf")
    return {
        "name": node.name,
        "ip": node.ip,
        "binds": [
            *([str(folder / name), target] for name, target in FOLDERS.items()),
            *([str(folder / "kernel" / name), f"/proc/sys/{name}"] for name in KERNEL_SETTINGS),
        ],
        "routes": [[other.pods, other.ip] for other in others if other != node],
        "path": programs.path,
        "supervisor": [sys.executable, "-m", SUPERVISOR, "--configuration", config],
    }


def prepare(
    shell: Shell, node: Node, others: Sequence[Node], programs: Programs, seed_path: Path
) -> None:
    """Write a node's folder: its configuration and its own copy of the images."""
    places = shell.places
    folder = places.node(node.name)
    for name in (*FOLDERS, "log"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, text in files(places, node, programs).items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (folder / "kubelet.sh").chmod(0o755)
    (folder / "spec.json").write_text(json.dumps(spec(places, node, others, programs), indent=1))
    mountpoints.ensure(places, FOLDERS.values())
    seed.copy(shell, seed_path, folder / "containerd")


def start(shell: Shell, node: Node) -> int:
    """Start a prepared node and plug it in; returns its first process. Raises StageFailed."""
    tree = cgroups.hierarchy()
    if tree is None:
        raise StageFailed(f"stage {shell.stage!r}: no cgroups are mounted. Mount /sys/fs/cgroup.")
    cgroups.create(tree, node.name)
    spec_file = str(shell.places.node(node.name) / "spec.json")
    launched = shell.daemon(sys.executable, "-m", "drillbook_staging.node_launch", spec_file)
    process = _first_process(shell, launched.pid)
    if tree.version == 2:
        # Version 2: the node's group may hold no process itself, so its launcher waits elsewhere.
        aside = tree.folders("launchers")[0]
        aside.mkdir(exist_ok=True)
        (aside / "cgroup.procs").write_text(str(launched.pid))
    cable = ("ip", "link", "add", node.veth, "type", "veth", "peer", "name", "eth0")
    shell.run(*cable, "netns", str(process))
    network.plug(shell, node)
    return process


def await_containerd(shell: Shell, node: Node, process: int) -> None:
    """Until the node's containerd listens. Raises StageFailed with its log's last lines."""
    socket = Path(f"/proc/{process}/root/run/containerd/containerd.sock")
    until = time.monotonic() + START_WITHIN_S
    while not socket.exists():
        if time.monotonic() > until or not Path(f"/proc/{process}").exists():
            log = shell.places.node(node.name) / "log" / "containerd.log"
            raise StageFailed(
                f"stage {shell.stage!r}: containerd of {node.name} does not listen. Its last "
                f"lines:\n{tail(log)}\nIts log: {log}; the node's own: {shell.log}"
            )
        time.sleep(0.05)


def _first_process(shell: Shell, launcher: int) -> int:
    """The child of the launcher, once it is there."""
    children = Path(f"/proc/{launcher}/task/{launcher}/children")
    until = time.monotonic() + START_WITHIN_S
    while True:
        found = children.read_text().split() if children.exists() else []
        if found and _is_inside(int(found[0])):
            return int(found[0])
        if time.monotonic() > until or not children.exists():
            raise shell.failure(("node_launch",), "started no process in new namespaces")
        time.sleep(0.02)


def _is_inside(process: int) -> bool:
    """Whether it has left the host's network: before that, a cable would go to the host."""
    ours = os.stat("/proc/self/ns/net").st_ino
    return Path(f"/proc/{process}/ns/net").stat().st_ino != ours


ENDED_WITHIN_S = 20.0


def kill(shell: Shell, node: Node) -> None:
    """SIGKILL to a node's process 1, as a machine loses its power: the kernel ends the rest.
    Returns when nothing of it runs any more; safe to repeat. Raises StageFailed."""
    process = first_processes(shell.places).get(node.name)
    if process:
        cgroups.kill(process)
    _await_end(shell, node)


def restart(shell: Shell, node: Node) -> int:
    """Start a node that was killed, or half started, from its folder; returns its first process.
    What is left of the last one goes first: cgroups of dead pods, the cable. Raises StageFailed."""
    tree = cgroups.hierarchy()
    if tree is None:
        raise StageFailed(f"stage {shell.stage!r}: no cgroups are mounted. Mount /sys/fs/cgroup.")
    for process in processes_of(shell.places, node):
        cgroups.kill(process)
    left = cgroups.remove(tree, node.name)
    _await_end(shell, node)
    if left:
        raise StageFailed(
            f"stage {shell.stage!r}: these cgroups of {node.name} cannot be removed: "
            f"{', '.join(map(str, left))}. Their cgroup.procs name what is still inside."
        )
    network.unplug(shell, node)
    file = shell.places.node(node.name) / "spec.json"
    told = json.loads(file.read_text())
    if not Path(told["supervisor"][0]).exists():
        told["supervisor"][0] = sys.executable
        file.write_text(json.dumps(told, indent=1))
    return start(shell, node)


def end_kubelet(process: int) -> None:
    """End the kubelet of the node whose first process is given; the supervisor starts it again at
    once, and its pods run on. One that was cut off asks for its pods again only when its back-off
    says so, up to a minute after the cable is back.
    Source: client-go 0.34, tools/cache, reflector (0.8 s, doubled up to 30 s, jitter 1.0)."""
    for each in kubelets(process):
        cgroups.kill(each)


def kubelets(process: int) -> list[int]:
    """The kubelet among the children of a node's first process; none while it begins anew. A pod's
    process of that name is nobody's child here."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(each) for each in children if _program(int(each)) == "kubelet"]


def _program(process: int) -> str:
    line = words(process)
    return Path(line[0]).name if line else ""


def _await_end(shell: Shell, node: Node) -> None:
    until = time.monotonic() + ENDED_WITHIN_S
    while left := processes_of(shell.places, node):
        if time.monotonic() > until:
            numbers = ", ".join(str(number) for number in sorted(left))
            raise StageFailed(
                f"stage {shell.stage!r}: processes {numbers} of {node.name} are still there "
                f"{ENDED_WITHIN_S:g} s after SIGKILL. See with `ps` what they wait for."
            )
        time.sleep(0.02)


def processes_of(places: Places, node: Node) -> set[int]:
    """Everything that runs in a node, and what starts it."""
    tree = cgroups.hierarchy()
    inside = cgroups.processes(tree, node.name) if tree else set()
    return inside | {each for each in marked(places) if _node_of(places, each) == node.name}


def lacks(places: Places, node: Node) -> list[str]:
    """What a node lacks to be whole, as far as the host can see it, in words."""
    gone = () if started(places, node) else ("its process 1 is gone, or has not set it up yet",)
    return [*gone, *network.lacks(node)]


def started(places: Places, node: Node) -> int | None:
    """A node's first process, once that has set the node up and become its supervisor."""
    process = first_processes(places).get(node.name)
    return process if process and SUPERVISOR in words(process) else None


def marked(places: Places) -> set[int]:
    """Every process that carries our mark: nodes, and whatever a killed `up` left at work."""
    mark = f"{PART_OF}={places.state}".encode()
    return {
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and mark in _environ(folder)
    }


def mark_of(process: int) -> Path | None:
    """The state folder that a process of ours belongs to."""
    prefix = f"{PART_OF}=".encode()
    found = [line for line in _environ(Path(f"/proc/{process}")) if line.startswith(prefix)]
    return Path(found[0].removeprefix(prefix).decode()) if found else None


def _environ(folder: Path) -> list[bytes]:
    try:
        return (folder / "environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []  # it ended while we looked


def first_processes(places: Places) -> dict[str, int]:
    """The running nodes by name, each with its first process on the host's count."""
    found: dict[str, int] = {}
    for process in marked(places):
        name = _node_of(places, process)
        if name and _inner_pid(process) == 1:
            found[name] = process
    return found


def _node_of(places: Places, process: int) -> str | None:
    """The node whose supervisor this is, by its command line."""
    prefix = str(places.state / "nodes")
    inside = [Path(word) for word in words(process) if word.startswith(prefix)]
    return inside[0].parent.name if inside else None


def words(process: int) -> list[str]:
    """Its command line; none when it has ended."""
    try:
        line = Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return line.decode(errors="replace").split("\0")


def _inner_pid(process: int) -> int:
    """Its number in its own namespace."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[-1]) for line in lines if line.startswith("NSpid:")), 0)


def inside(process: int, *words: str) -> tuple[str, ...]:
    """A command line that runs in a node."""
    namespaces = ("--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup")
    return ("nsenter", "--target", str(process), *namespaces, "--", *words)
