"""Up, down and status: the stages in their order."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drillbook.errors import Refused
from drillbook.staging import (
    addresses,
    builds,
    cluster,
    debian,
    digest,
    images,
    lock,
    network,
    node,
    node_init,
    node_launch,
    platform,
    preflight,
    residue,
    seed,
    state,
)
from drillbook.staging.addresses import Node
from drillbook.staging.artifacts import Artifact
from drillbook.staging.cluster import Kubectl
from drillbook.staging.errors import StageFailed
from drillbook.staging.node import Programs
from drillbook.staging.places import CONTEXT, Places
from drillbook.staging.progress import Progress
from drillbook.staging.shell import Shell


@dataclass
class Session:
    """One `up`: what is to be, and what has come to be so far."""

    places: Places
    nodes: tuple[Node, ...]
    made: Mapping[str, Artifact]
    rules: Mapping[str, str]
    progress: Progress
    stage: str = "plan"
    token: str = field(default_factory=cluster.new_token)
    processes: dict[str, int] = field(default_factory=dict)

    @property
    def shell(self) -> Shell:
        return Shell(self.places, self.stage)

    @property
    def programs(self) -> Programs:
        return Programs(self.made["kube"].path(self.places))

    @property
    def kubectl(self) -> Kubectl:
        return Kubectl(self.shell, self.programs.kube / "kubectl")

    @property
    def seed(self) -> Path:
        return seed.path(self.places, images.keys(self.places, self.made))


def fingerprint(session: Session) -> str:
    """The hash of all that the nodes are made of, wherever Python itself lies."""
    places, nodes = session.places, session.nodes
    told = [
        text
        for each in nodes
        for text in (
            *node.files(places, each, session.programs).values(),
            json.dumps({**node.spec(places, each, nodes, session.programs), "supervisor": ""}),
        )
    ]
    config = cluster.init_config(nodes[0], token="")
    code = [inspect.getsource(module) for module in (node_init, node_launch)]
    return digest.of_text(str(session.seed), str(session.programs.kube), config, *told, *code)


# --------------------------------------------------------------------------- the stages of `up`


def clean(session: Session) -> None:
    """Whatever an earlier `up` left, whole or half."""
    residue.remove(session.places)


def host_packages(session: Session) -> None:
    """Debian's packages on the host; the kernel is asked again once its tools are there."""
    missing = debian.missing()
    if missing:
        debian.update(session.shell)
        debian.install(session.shell, missing)
        refuse(preflight.problems(session.places))


def build(session: Session) -> None:
    """Kubernetes and the other programs, Debian, Spark."""
    if not all(artifact.is_made(session.places) for artifact in session.made.values()):
        debian.update(session.shell)
    builds.artifacts(session.places, session.made, session.progress)
    builds.programs(session.places, session.made)


def unpack_images(session: Session) -> None:
    """All images, in the form that a node copies."""
    builds.unpacked_images(session.places, session.made, session.progress)


def bridge(session: Session) -> None:
    """The host's side of the network."""
    network.create(session.shell, session.nodes)


def start_nodes(session: Session) -> None:
    """Each node's folder, namespaces and cable."""
    for each in session.nodes:
        node.prepare(session.shell, each, session.nodes, session.programs, session.seed)
        session.processes[each.name] = node.start(session.shell, each)
    for each in session.nodes:
        node.await_containerd(session.shell, each, session.processes[each.name])


def control_plane(session: Session) -> None:
    """kubeadm init on the first node."""
    first = session.nodes[0]
    process = session.processes[first.name]
    cluster.init(session.shell, session.programs, first, process, session.token)


def join_nodes(session: Session) -> None:
    """kubeadm join on the others."""
    for each in session.nodes[1:]:
        process = session.processes[each.name]
        cluster.join(session.shell, session.programs, each, process, session.token)


def apply_platform(session: Session) -> None:
    """The manifests and the alert rules."""
    platform.apply(session.kubectl, session.rules)


def ready(session: Session) -> None:
    """Until all of it works."""
    cluster.await_nodes(session.kubectl, session.nodes)
    platform.await_rollout(session.kubectl)
    platform.await_rules(session.kubectl, session.rules)
    platform.await_answers(len(session.nodes))


def write_down(session: Session) -> None:
    """cluster.json: the cluster counts as up from here on."""
    state.write(
        session.places,
        state.Cluster(
            kubeconfig=session.places.kubeconfig,
            context=CONTEXT,
            cluster_uid=cluster.uid(session.kubectl),
            prometheus_url=platform.PROMETHEUS,
            alertmanager_url=platform.ALERTMANAGER,
            bin=builds.programs(session.places, session.made),
            nodes=tuple(each.name for each in session.nodes),
            fingerprint=fingerprint(session),
        ),
    )


Stage = tuple[str, Callable[[Session], None]]

STAGES: tuple[Stage, ...] = (
    ("clean up", clean),
    ("host packages", host_packages),
    ("build", build),
    ("images", unpack_images),
    ("bridge", bridge),
    ("nodes", start_nodes),
    ("control plane", control_plane),
    ("join", join_nodes),
    ("platform", apply_platform),
    ("ready", ready),
    ("write down", write_down),
)
REFRESH: tuple[Stage, ...] = tuple(
    stage for stage in STAGES if stage[1] in (apply_platform, ready, write_down)
)
"""What is done on a cluster that is up and made of the same."""


# --------------------------------------------------------------------------- the commands


def up(places: Places, count: int, progress: Progress) -> None:
    """Set the cluster up, or bring a running one's platform up to date. Raises Refused,
    StageFailed."""
    made = images.artifacts(places)
    warm = builds.is_complete(places, made)
    refuse(preflight.problems(places, warm=warm))
    session = Session(
        places, addresses.nodes(count), made, platform.alert_rules(places.root), progress
    )
    with lock.held(), progress.showing():
        running = is_running(session)
        progress.say("the cluster is up already" if running else "setting the cluster up")
        for name, run in REFRESH if running else STAGES:
            session.stage = name
            with progress.stage(name):
                run(session)


def refuse(found: list[preflight.Problem]) -> None:
    """Raise Refused with every problem, when there is one."""
    if found:
        lines = "\n".join(f"  - {problem}" for problem in found)
        raise Refused(f"this machine cannot run the embedded cluster:\n{lines}")


def is_running(session: Session) -> bool:
    """Whether a cluster made of the same is up and answers."""
    known = state.read(session.places)
    if known is None or known.fingerprint != fingerprint(session):
        return False
    alive = node.first_processes(session.places)
    return set(alive) == set(known.nodes) and answers(session.kubectl)


def answers(kubectl: Kubectl) -> bool:
    """Whether the API server says that it is ready."""
    try:
        return kubectl.output("get", "--raw", "/readyz", within_s=5) == "ok"
    except StageFailed:
        return False


def down(places: Places, progress: Progress) -> None:
    """Remove everything but the cache. Raises Refused, StageFailed."""
    if not preflight.is_root():
        raise Refused("`staging down` removes namespaces, mounts and routes: run it with sudo.")
    with lock.held(), progress.stage("clean up"):
        residue.remove(places)


@dataclass(frozen=True)
class Status:
    """What `status` found."""

    lines: tuple[str, ...]
    is_up: bool


def status(places: Places) -> Status:
    """How the cluster is. Reads only."""
    known = state.read(places)
    if known is None:
        left = residue.find(places)
        found = f"; left behind: {', '.join(left)}" if left else ""
        return Status((f"no cluster is up{found}. Start it: drillbook staging up",), is_up=False)
    kubectl = Kubectl(Shell(places, "status"), known.bin / "kubectl")
    alive = node.first_processes(places)
    ready_now = cluster.ready_nodes(kubectl) if answers(kubectl) else []
    targets = platform.targets()
    nodes = tuple(
        f"{name}: process {alive.get(name, 'gone')}, {'' if name in ready_now else 'not '}Ready"
        for name in known.nodes
    )
    scraped = "does not answer" if targets is None else f"targets up: {targets}"
    return Status(
        (
            f"kubeconfig: {known.kubeconfig} (context {known.context})",
            *nodes,
            f"Prometheus {known.prometheus_url}: {scraped}",
            f"Alertmanager {known.alertmanager_url}",
            f"commands: {known.bin}",
        ),
        is_up=set(ready_now) == set(known.nodes) and targets is not None,
    )
