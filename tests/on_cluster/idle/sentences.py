"""Sentences about a shell that sleeps: drills of the engine's tests stand on it in place of a real
application, which takes a minute to start. It is a copied checkout's `steps/idle.py`."""

from __future__ import annotations

import json

from drillbook.book.sentences import given, then, when
from drillbook.model import (
    Action,
    Command,
    Duration,
    Fault,
    Manifest,
    Name,
    Patch,
    Probe,
    Reinject,
    Restart,
    Target,
    Var,
    Where,
    Word,
    Workload,
    command,
    join,
)
from drillbook.model.matchers import any_equals, at_least, contains
from drillbook.sources import Kube, Logs

CONTAINER = "spark-driver"
"""The name by which the only alert rule there is knows a container."""
SLEEP = 'echo "the mode is $MODE"; test "$MODE" = right && exec sleep infinity'


def manifests(name: str) -> tuple[Manifest, ...]:
    labels = {"app": name}
    mode = {"configMapKeyRef": {"name": f"{name}-conf", "key": "mode"}}
    container = {
        "name": CONTAINER,
        "image": "localhost/debian:12",
        "imagePullPolicy": "Never",
        "command": ["bash", "-c", SLEEP],
        "env": [{"name": "MODE", "valueFrom": mode}],
    }
    pod = {"terminationGracePeriodSeconds": 0, "containers": [container]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return (
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"{name}-conf"},
            "data": {"mode": "right"},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
        },
    )


def kubectl(where: Where, *words: Word) -> Command:
    return command("kubectl", "--context", where.context, "-n", where.namespace, *words)


def status_of(where: Where, app: Word, path: str) -> Kube:
    return Kube(
        kind="pods",
        selector=join("app=", app),
        path=f"{{.items[*].status.containerStatuses[0].{path}}}",
        namespace=where.namespace,
        context=where.context,
    )


@given("the shell {string} is asleep")
def asleep(where: Where, app: str) -> Workload:
    find = kubectl(where, "get", "pod", Var("POD"), "-o", "jsonpath={.metadata.labels.app}")
    return Workload(
        title="a shell that sleeps",
        manifests=manifests(app),
        ready=Probe(source=status_of(where, app, "ready"), expect=any_equals("true")),
        names=(Name(literal=app, var=Var("APP"), find=find),),
    )


@given("the mode of {string} is {string}")
def mode_is(where: Where, app: Word, mode: str) -> Fault:
    conf = Target(api_version="v1", kind="ConfigMap", name=join(app, "-conf"))
    pods = Target(api_version="v1", kind="Pod", selector=join("app=", app))
    return Fault(
        title=f"the mode is {mode}",
        changes=(Patch(target=conf, patch={"data": {"mode": mode}}), Restart(target=pods)),
        effect=Probe(source=status_of(where, app, "restartCount"), expect=at_least(2)),
    )


@then("the log of {string} contains {string}")
def log_contains(where: Where, app: Word, text: str) -> Probe:
    source = Logs(
        selector=join("app=", app),
        container=CONTAINER,
        namespace=where.namespace,
        context=where.context,
    )
    return Probe(source=source, expect=contains(text))


@then("{string} is asleep again within {duration}")
def asleep_again(where: Where, app: Word, budget: Duration) -> Probe:
    source = status_of(where, app, "ready")
    return Probe(source=source, expect=any_equals("true"), within=budget)


@when("the mode of {string} is set to {string}")
def set_mode(where: Where, app: Word, mode: str) -> Action:
    return patched(where, app, json.dumps({"data": {"mode": mode}}))


@when("the configuration of {string} is made immutable")
def make_immutable(where: Where, app: Word) -> Action:
    return patched(where, app, '{"immutable":true}')


def patched(where: Where, app: Word, body: str) -> Action:
    line = ("patch", "configmap", join(app, "-conf"), "--type=merge", "-p", body)
    return Action(command=kubectl(where, *line), note="There is nothing to take back.")


@when("the fault is injected again")
def inject_again() -> Reinject:
    return Reinject()
