"""Up and down: the stages in their order, and what decides which of them run."""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from drillbook.book import monitoring, promtool
from drillbook.model.errors import Refused
from drillbook_staging import (
    addresses,
    builds,
    cluster,
    debian,
    digest,
    engine,
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
    survey,
    tenants,
)
from drillbook_staging.addresses import Node
from drillbook_staging.agent import launch
from drillbook_staging.artifacts import Artifact
from drillbook_staging.cluster import Kubectl
from drillbook_staging.errors import StageFailed
from drillbook_staging.images import Image, Images
from drillbook_staging.node import Programs
from drillbook_staging.places import CONTEXT, Places
from drillbook_staging.progress import Progress
from drillbook_staging.provide import Store
from drillbook_staging.shell import Shell

PATIENCE_S = 30.0
"""How long a cluster whose nodes run may take to answer before it counts as broken."""


@dataclass
class Session:
    """One `up`: what is to be, and what has come to be so far."""

    places: Places
    nodes: tuple[Node, ...]
    images: Images
    rules: Mapping[str, str]
    progress: Progress
    stage: str = "plan"
    token: str = field(default_factory=cluster.new_token)
    processes: dict[str, int] = field(default_factory=dict)

    @property
    def shell(self) -> Shell:
        return Shell(self.places, self.stage)

    @cached_property
    def made(self) -> tuple[Artifact, ...]:
        """What the nodes and their images are made of."""
        return images.artifacts(self.images.core)

    @property
    def engine(self) -> Image:
        return self.images.named(engine.REFERENCE)

    @property
    def programs(self) -> Programs:
        (kube,) = (each for each in self.made if each.name == "kube")
        return Programs(kube.path(self.places), self.images.named("pause").reference)

    @property
    def kubectl(self) -> Kubectl:
        return Kubectl(self.shell, self.programs.kube / "kubectl")

    @property
    def seed(self) -> Path:
        return seed.path(self.places, self.images.core)


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
    config = cluster.init_config(nodes[0], "", session.images)
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
    """Kubernetes and the other programs, Debian."""
    if not all(artifact.is_made(session.places) for artifact in session.made):
        debian.update(session.shell)
    builds.artifacts(session.places, session.made, session.progress)
    builds.programs(session.places, session.made)


def unpack_images(session: Session) -> None:
    """The core images, in the form that a node copies."""
    builds.unpacked_images(session.places, session.images, session.progress)


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
    told = cluster.init_config(first, session.token, session.images)
    cluster.init(session.shell, session.programs, first, process, told)


def join_nodes(session: Session) -> None:
    """kubeadm join on the others."""
    for each in session.nodes[1:]:
        process = session.processes[each.name]
        cluster.join(session.shell, session.programs, each, process, session.token)


def import_engine(session: Session) -> None:
    """The engine's own image, on every running node; what nobody used for a month goes."""
    store, nodes = Store(session.places, session.images), node.first_processes(session.places)
    store.bring((session.engine,), nodes, session.progress)
    store.tidy(nodes, session.progress)


def apply_platform(session: Session) -> None:
    """The manifests and the alert rules. Raises UsageError for rules that Prometheus would not
    take."""
    program = str(session.places.cache / "bin" / "promtool")
    monitoring.refuse(promtool.check(program, session.places.root, platform.ENVIRONMENT))
    platform.apply(session.kubectl, session.rules, session.engine.key)


def ready(session: Session) -> None:
    """Until all of it works."""
    cluster.await_nodes(session.kubectl, session.nodes)
    platform.await_rollout(session.kubectl)
    platform.await_rules(session.kubectl, session.rules)
    platform.await_answers(len(session.nodes))


def host_agent(session: Session) -> None:
    """What takes nodes away for drills, and brings them back."""
    launch.ensure(session.shell)


def write_down(session: Session) -> None:
    """The kubeconfig for drills and cluster.json: the cluster counts as up from here on."""
    cluster.write_runner(session.kubectl)
    state.write(
        session.places,
        state.Cluster(
            kubeconfig=session.places.kubeconfig,
            context=CONTEXT,
            cluster_uid=survey.take(session.kubectl).uid,
            prometheus_url=platform.PROMETHEUS,
            alertmanager_url=platform.ALERTMANAGER,
            bin=builds.programs(session.places, session.made),
            nodes=tuple(each.name for each in session.nodes),
            fingerprint=fingerprint(session),
            platform=survey.platform_key(session.kubectl, session.engine.key),
            runner_kubeconfig=session.places.runner_kubeconfig,
            api_hosts=(f"{session.nodes[0].ip}:{addresses.API_PORT}",),
            agent_socket=session.places.agent_socket,
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
    ("engine", import_engine),
    ("platform", apply_platform),
    ("ready", ready),
    ("host agent", host_agent),
    ("write down", write_down),
)
REFRESH: tuple[Stage, ...] = tuple(
    stage
    for stage in STAGES
    if stage[1] in (import_engine, apply_platform, ready, host_agent, write_down)
)
"""What is done on a cluster that is up and made of the same."""


# --------------------------------------------------------------------------- the commands


def up(places: Places, count: int, progress: Progress, *, force: bool = False) -> None:
    """Set the cluster up, or bring a running one's platform up to date. Raises Refused,
    StageFailed."""
    refuse(preflight.problems(places))
    session = Session(
        places,
        addresses.nodes(count),
        images.read(places),
        platform.alert_rules(places.root),
        progress,
    )
    with lock.held(), progress.showing():
        stages = plan(session, force=force)
        for name, run in stages:
            session.stage = name
            with progress.stage(name), _told(name):
                run(session)


def plan(session: Session, *, force: bool) -> tuple[Stage, ...]:
    """Which stages are to run. Raises Refused when they would end somebody's drills."""
    tenants.refuse_foreign(session.places)
    if tenants.held(session.places) and not force:
        launch.ensure(session.shell)  # killed too, perhaps: it brings back what is held
        tenants.refuse_while_held(session.places, "`staging up`")
    running = is_running(session)
    if not running and not force:
        deed = "`staging up` has to set the cluster up anew, which"
        tenants.refuse_while_drilled(session.places, deed)
    stages = stages_for(running=running, current=running and is_current(session))
    session.progress.say(FOUND[stages])
    return stages


def stages_for(*, running: bool, current: bool) -> tuple[Stage, ...]:
    """By what was found. Pure."""
    if not running:
        return STAGES
    return () if current else REFRESH


FOUND = {
    STAGES: "setting the cluster up",
    REFRESH: "the cluster is up already; bringing its platform up to date",
    (): "the cluster is up already, and nothing has changed",
}


def refuse(found: list[preflight.Problem]) -> None:
    """Raise Refused with every problem, when there is one."""
    if found:
        lines = "\n".join(f"  - {problem}" for problem in found)
        raise Refused(f"this machine cannot run the embedded cluster:\n{lines}")


@contextmanager
def _told(stage: str) -> Iterator[None]:
    """A full or read-only disk and the like, in words."""
    try:
        yield
    except OSError as error:
        raise StageFailed(
            f"stage {stage!r}: {error}. Mend that (is a disk full, or read-only?) and run the "
            "command again: it cleans up first."
        ) from error


def is_running(session: Session) -> bool:
    """Whether a cluster made of the same is up and answers."""
    known = state.read(session.places)
    if known is None or known.fingerprint != fingerprint(session) or tenants.held(session.places):
        return False
    alive = node.first_processes(session.places)
    return set(alive) == set(known.nodes) and _answers_in_the_end(session.kubectl)


def _answers_in_the_end(kubectl: Kubectl) -> bool:
    """Its nodes run, so that a busy machine may be all that keeps it from an answer: setting it
    up anew would take longer than this wait."""
    until = time.monotonic() + PATIENCE_S
    while not answers(kubectl):
        if time.monotonic() > until:
            return False
        time.sleep(1)
    return True


def answers(kubectl: Kubectl) -> bool:
    """Whether the API server says that it is ready."""
    try:
        return kubectl.output("get", "--raw", "/readyz", within_s=5) == "ok"
    except StageFailed:
        return False


def is_current(session: Session) -> bool:
    """Whether the platform is what this checkout says, and all of it works at this moment: then
    applying it again would change nothing. What a refresh would make is compared with what the
    cluster holds, not only with what was recorded."""
    builds.programs(session.places, session.made)
    known = state.read(session.places)
    if known is None or not known.runner_kubeconfig.is_file():
        return False
    try:
        unchanged = known.platform == survey.platform_key(session.kubectl, session.engine.key)
        lacks = survey.take(session.kubectl).lacks([each.name for each in session.nodes])
        works = platform.works(session.kubectl, session.rules, len(session.nodes))
    except StageFailed:
        return False
    if not launch.is_current(session.places):
        return False
    return unchanged and not lacks and works


def down(places: Places, progress: Progress, *, force: bool = False) -> None:
    """Remove everything but the cache. Raises Refused, StageFailed."""
    if not preflight.is_root():
        raise Refused("`staging down` removes namespaces, mounts and routes: run it with sudo.")
    with lock.held():
        tenants.refuse_foreign(places)
        if not force:
            tenants.refuse_while_drilled(places, "`staging down`")
        with progress.stage("clean up"), _told("clean up"):
            residue.remove(places)
