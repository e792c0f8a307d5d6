"""A drill without a runbook's text: a pod that does nothing, and whatever changes are asked for.

`python -m tests.on_cluster.rehearsal patch restart ...` runs it as the plugin runs a drill:
the same LiveDrill, the same identities, the same signals. It is small, so that it can be killed at
every write in turn (tests/on_cluster/test_kill_points.py). Its last line is the record's verdicts.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from drillbook.cluster import settings
from drillbook.cluster.connections import connections, runner
from drillbook.drill import guard
from drillbook.drill.live_drill import LiveDrill
from drillbook.drill.order import DrillOrder
from drillbook.drill.progress import Progress
from drillbook.drill.signals import held_off, take_termination_as_interrupt
from drillbook.model import (
    Action,
    BoundCause,
    BoundRunbook,
    Cause,
    Change,
    Command,
    Component,
    Control,
    Cordon,
    Create,
    CutNode,
    Delete,
    Duration,
    Fault,
    KillNode,
    Manifest,
    Patch,
    Probe,
    Restart,
    Run,
    Runbook,
    Scale,
    Tag,
    Target,
    Where,
    Workload,
)
from drillbook.model.clock import SystemClock
from drillbook.model.errors import DrillbookError, Refused
from drillbook.model.matchers import equals, gone
from drillbook.sources import Kube
from drillbook_staging import images
from drillbook_staging.places import places
from fixtures.faults import nodes

ROOT = Path(__file__).parents[2]
NODE = "node2"
WHERE = Where()
LABELS = {"app": "idle"}


def object_of(api_version: str, kind: str, name: str) -> Target:
    return Target(api_version=api_version, kind=kind, name=name)


CONF = object_of("v1", "ConfigMap", "conf")
CHANGES: dict[str, Change] = {
    "patch": Patch(target=CONF, patch={"data": {"mode": "broken", "new": "x"}}),
    "restart": Restart(target=Target(api_version="v1", kind="Pod", selector="app=idle")),
    "scale": Scale(target=object_of("apps/v1", "Deployment", "idle"), replicas=2),
    "create": Create(
        manifest={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "intruder"}}
    ),
    "delete": Delete(target=object_of("v1", "ConfigMap", "spare")),
    "run": Run(
        target=object_of("v1", "Pod", "shell"),
        container="shell",
        words=("touch", "/tmp/done"),  # noqa: S108 - in a container of the drill's
        within=Duration("5s"),
    ),
    "cordon": Cordon(node=NODE),
    "kill": KillNode(node=NODE),
    "cut": CutNode(node=NODE),
}


SHELL: Manifest = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "shell"},
    "spec": {
        "automountServiceAccountToken": False,
        "containers": [
            {
                "name": "shell",
                # A container with a `timeout` in it; it starts again when something was touched.
                "image": "localhost/alertmanager:debian12",
                "imagePullPolicy": "Never",
                "command": ["sh", "-c", "until [ -e /tmp/done ]; do sleep 0.2; done"],
            }
        ],
    },
}


CLAIM: Manifest = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
}


def manifests(names: list[str], volume: bool) -> tuple[Manifest, ...]:
    pause = images.read(places()).named("pause").reference
    container: dict[str, Any] = {"name": "idle", "image": pause, "imagePullPolicy": "Never"}
    pod = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
    if volume:
        container["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
        claimed = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
        pod["spec"]["volumes"] = claimed  # type: ignore[index]
    return (
        *((SHELL,) if "run" in names else ()),
        *([CLAIM] if volume else []),
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "conf"},
            "data": {"mode": "fine"},
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "spare"},
            "data": {"kept": "yes"},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "idle"},
            "spec": {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": pod},
        },
    )


def read(kind: str, name: str, path: str, expected: str) -> Probe:
    return Probe(source=Kube(kind=kind, name=name, path=path), expect=equals(expected))


EFFECTS: dict[str, Callable[[], Probe]] = {
    "patch": lambda: read("configmaps", "conf", "{.data.mode}", "broken"),
    "restart": lambda: read("configmaps", "conf", "{.data.mode}", "broken"),
    "scale": lambda: read("deployments", "idle", "{.spec.replicas}", "2"),
    "create": lambda: read("configmaps", "intruder", "{.metadata.name}", "intruder"),
    "delete": lambda: Probe(
        source=Kube(kind="configmaps", name="spare", path="{.data.kept}"), expect=gone()
    ),
    "run": lambda: read("pods", "shell", "{.status.containerStatuses[0].restartCount}", "1"),
    "cordon": lambda: nodes.node_is_cordoned(WHERE, NODE).effect,
    "kill": lambda: nodes.node_is_dead(WHERE, NODE).effect,
    "cut": lambda: nodes.node_is_cut_off(WHERE, NODE).effect,
}


def bound(names: list[str], volume: bool) -> BoundRunbook:
    beyond = {"cordon", "kill", "cut"} & set(names)
    domain = "cluster/node/2" if beyond else "cluster/namespace"
    tags = tuple(
        Tag(name=name, value=value, line=1)
        for name, value in (("id", "RB-TEST-001"), ("version", "1.0.0"), ("domain", domain))
    )
    cause = Cause(
        id="rehearsal", name="none", line=1, tags=(), description="", background=(), scenarios=()
    )
    fault = Fault(
        title=" and ".join(names),
        changes=tuple(CHANGES[name] for name in names),
        effect=EFFECTS[names[-1]](),
    )
    ready = read("deployments", "idle", "{.status.readyReplicas}", "1")
    if "run" in names:
        ready = read("pods", "shell", "{.status.phase}", "Running")
    own = manifests(names, volume)
    idle = Component(title="a pod that does nothing", manifests=own, ready=(ready,))
    workload = Workload((idle,))
    runbook = Runbook(
        path=PurePosixPath("features/tests/rehearsal.feature"),
        title="rehearsal",
        line=1,
        tags=tags,
        description="",
        background=(),
        causes=(cause,),
    )
    one = BoundCause(cause=cause, workload=workload, fault=fault, background=(), scenarios=())
    return BoundRunbook(runbook=runbook, causes=(one,))


def incident(asked: argparse.Namespace, loaded: settings.Settings) -> LiveDrill:
    clock = SystemClock()
    plan = DrillOrder(
        bound=bound(asked.changes, asked.volume),
        cause="rehearsal",
        control=Control.PLAIN,
        run="rehearsal",
        commit="none",
        cluster=guard.admitted(loaded, runner(loaded)),
        rules={},
        skew_s=0.0,
        hash="none",
        leave_standing=Duration(asked.standing) if asked.standing else None,
    )
    return LiveDrill(
        order=plan,
        settings=loaded,
        clients=connections(loaded),
        clock=clock,
        progress=Progress(clock, every_s=5),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("changes", nargs="+", choices=CHANGES)
    parser.add_argument("--action", default="", help="a line that a responder runs on the incident")
    parser.add_argument("--hold", type=float, default=0.0, help="seconds to stand before the undo")
    parser.add_argument("--again", action="store_true", help="take the fault back and inject again")
    parser.add_argument("--take-back", action="store_true", help="undo what is in place of it")
    parser.add_argument("--show", default="", help="what `kubectl get -o json` says of this, then")
    parser.add_argument("--volume", action="store_true", help="the pod claims a volume")
    parser.add_argument(
        "--leave-standing", dest="standing", default="", help="leave it standing for so long"
    )
    asked = parser.parse_args()
    loaded = settings.load(root=ROOT)
    take_termination_as_interrupt()
    found = incident(asked, loaded)
    try:
        found.begin()
        stand(found, asked)
    except (DrillbookError, KeyboardInterrupt) as error:
        print(f"ended: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        found.refused = found.refused or isinstance(error, Refused)
    finally:
        with held_off():
            record = found.end()
            print(f"injection {record.injection}, undo {record.undo}, refused {record.refused}")
            for line in record.left:
                print(f"left: {line}")
            sys.stdout.flush()
    return 0


def stand(found: LiveDrill, asked: argparse.Namespace) -> None:
    """What a drill does while its incident stands."""
    cause = found.order.cause_bound
    if asked.again and cause is not None:
        taken = found.injector.take_back(cause.fault)
        applied = found.injector.inject(cause.fault)
        print(f"taken back {', '.join(taken)}; again: {applied.outcome}", flush=True)
    if asked.action:
        words = ("bash", "-c", asked.action)
        seen = found.performer.action(Action(command=Command(words), within=Duration("5m")))
        print(f"action {seen.verdict}: {seen.observed}", flush=True)
    if asked.take_back and cause is not None:
        print(f"taken back: {found.injector.take_back(cause.fault)}", flush=True)
    if asked.show:
        shown = found.performer.action(
            Action(
                command=Command(("kubectl", "-n", WHERE.namespace, "get", asked.show, "-o=json"))
            )
        )
        print(f"shown: {' '.join(shown.observed.split())}", flush=True)
    time.sleep(asked.hold)


if __name__ == "__main__":
    sys.exit(main())
