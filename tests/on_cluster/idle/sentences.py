"""Sentences about a shell that sleeps: drills of the engine's tests stand on it in place of a real
application, which takes a minute to start. It is a copied checkout's `steps/idle.py`."""

from __future__ import annotations

from drillbook.book.sentences import given, then, when
from drillbook.model import (
    Action,
    Component,
    Duration,
    Fault,
    Manifest,
    Part,
    Probe,
    Risk,
    Var,
    Where,
    Word,
    command,  # noqa: F401 - for what a test writes into here
    join,
    name_of,
)
from drillbook.model.matchers import any_equals, at_least
from drillbook.sources import Kube, jsonpath_word, kubectl
from fixtures.faults.kubernetes import setting
from steps.kubernetes import of_pods, of_status

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


def shell(app: Word) -> Part:
    return Part(
        role="shell",
        kind="Deployment",
        name=app,
        selector=join("app=", app),
        container=CONTAINER,
    )


def status(where: Where, app: Word, path: str) -> Kube:
    return of_pods(where, shell(app), of_status(shell(app), path))


@given("the shell {string} is asleep")
def asleep(where: Where, app: str) -> Component:
    label = jsonpath_word("{.metadata.labels.app}")
    name = name_of(app, Var("APP"), kubectl(where, "get", "pod", Var("POD"), "-o", label))
    return Component(
        title="a shell that sleeps",
        manifests=manifests(app),
        ready=(Probe(source=status(where, name.word, "ready"), expect=any_equals("true")),),
        names=(name,),
        parts=(shell(name.word),),
    )


@given("the mode of {string} is {string}")
def mode_is(where: Where, app: Component, mode: str) -> Fault:
    (part,) = app.parts
    return Fault(
        title=f"the mode is {mode}",
        changes=setting(join(part.name, "-conf"), "mode", mode, part),
        effect=Probe(source=status(where, part.name, "restartCount"), expect=at_least(2)),
    )


@then("{string} is asleep again within {duration}")
def asleep_again(where: Where, app: Word, budget: Duration) -> Probe:
    source = status(where, app, "ready")
    return Probe(source=source, expect=any_equals("true"), within=budget)


@when("the mode of {string} is put right")
def put_right(where: Where, app: Word) -> Action:
    return patched(where, app, '{"data":{"mode":"right"}}', Risk.CHANGES)


@when("the configuration of {string} is made immutable")
def make_immutable(where: Where, app: Word) -> Action:
    return patched(where, app, '{"immutable":true}', Risk.DESTROYS)


def patched(where: Where, app: Word, body: str, risk: Risk) -> Action:
    line = ("patch", "configmap", join(app, "-conf"), "--type=merge", "-p", body)
    return Action(command=kubectl(where, *line), risk=risk, note="No patch takes it back.")
