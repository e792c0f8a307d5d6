"""Sentences about the parts of any system: `the driver of "orders"`, once for all systems."""

from __future__ import annotations

import re
from dataclasses import replace

from drillbook.book.sentences import given, then, when
from drillbook.model import (
    Action,
    Command,
    Component,
    Duration,
    Fault,
    FilledIn,
    Finding,
    Key,
    Name,
    Part,
    Probe,
    Var,
    Where,
    Word,
    command,
    join,
    name_of,
)
from drillbook.model.matchers import (
    any_equals,
    at_least,
    at_most,
    contains,
    equals,
    gone,
    present,
)
from drillbook.sources import Kube, Logs, jsonpath_word, kubectl
from fixtures.faults import kubernetes as faults

REVISION = r"{.metadata.annotations.deployment\.kubernetes\.io/revision}"
"""Which of a Deployment's revisions is live, by its number."""


def controller(part: Part) -> Word:
    """`deployment/"$APP"`, as kubectl takes it."""
    return join(part.kind.lower(), "/", part.name)


def of_container(part: Part, path: str) -> str:
    """A path into the part's own container, in its controller's template."""
    return f'{{.spec.template.spec.containers[?(@.name=="{part.container}")].{path}}}'


def of_status(part: Part, path: str) -> str:
    """A path into the status of the part's own container, in each of its pods."""
    return f'{{.items[*].status.containerStatuses[?(@.name=="{part.container}")].{path}}}'


def of_pods(where: Where, part: Part, path: str) -> Kube:
    return Kube(
        kind="pods",
        selector=part.selector,
        path=path,
        namespace=where.namespace,
        context=where.context,
    )


def of_controller(where: Where, part: Part, path: str) -> Kube:
    return Kube(
        kind=f"{part.kind.lower()}s",
        name=part.name,
        path=path,
        namespace=where.namespace,
        context=where.context,
    )


def is_ready(where: Where, part: Part, pods: int = 1) -> Probe:
    """Its controller counts so many pods as ready, which their readiness probe says."""
    source = of_controller(where, part, "{.status.readyReplicas}")
    return Probe(source=source, expect=at_least(pods))


def service_of(system: Component) -> Word:
    """The name of its first Service. Raises ValueError for a component without one."""
    if not system.endpoints:
        raise ValueError(f"{system.title} has no Service")
    return system.endpoints[0].service


def endpoints_of(where: Where, system: Component) -> Kube:
    """The addresses of the pods that are ready behind its Service."""
    return Kube(
        kind="endpoints",
        name=service_of(system),
        path="{.subsets[*].addresses[*].ip}",
        namespace=where.namespace,
        context=where.context,
    )


def variable(name: str) -> Var:
    """The variable that stands for a component's name: `registry-db` -> REGISTRY_DB."""
    return Var(re.sub(r"[^A-Z0-9]+", "_", name.upper()))


def only_one(where: Where, name: str, var: Var, kind: str, label: str) -> Name:
    """A component's name, found as the one controller of its kind in the namespace."""
    path = jsonpath_word("{.items[0].metadata.name}")
    return name_of(name, var, kubectl(where, "get", kind, "-l", label, "-o", path))


# ------------------------------------------------------------------ given


@given("{part} is scaled to nothing")
def scaled_to_nothing(where: Where, part: Part) -> Fault:
    return faults.scaled_to_nothing(where, part)


@given("the Service of {string} selects nothing")
def service_selects_nothing(where: Where, system: Component) -> Fault:
    return faults.selects_nothing(where, service_of(system))


# ------------------------------------------------------------------ then


@then("{part} is ready within {duration}")
def ready_within(where: Where, part: Part, budget: Duration) -> Probe:
    return replace(is_ready(where, part), within=budget)


@then("{part} has at least {int} ready replica(s) within {duration}")
def has_ready_replicas(where: Where, part: Part, pods: int, budget: Duration) -> Probe:
    return replace(is_ready(where, part, pods), within=budget)


@then("{part} asks for at most {int} replica(s)")
def asks_for_at_most(where: Where, part: Part, pods: int) -> Probe:
    return Probe(source=of_controller(where, part, "{.spec.replicas}"), expect=at_most(pods))


@then("{part} asks for at least {int} replica(s)")
def asks_for_at_least(where: Where, part: Part, pods: int) -> Probe:
    return Probe(source=of_controller(where, part, "{.spec.replicas}"), expect=at_least(pods))


@then("the Service of {string} has no ready endpoint")
def service_has_no_endpoint(where: Where, system: Component) -> Probe:
    return Probe(source=endpoints_of(where, system), expect=gone())


@then("the Service of {string} has a ready endpoint within {duration}")
def service_has_endpoint(where: Where, system: Component, budget: Duration) -> Probe:
    return Probe(source=endpoints_of(where, system), expect=present(), within=budget)


@then("the new revision of {part} is rolled out within {duration}")
def rolled_out(where: Where, part: Part, budget: Duration) -> Probe:
    """All of its pods are there and ready. Only with the strategy RollingUpdate and a new revision:
    with Recreate, and for one that is gone back to, the last reason stands until there is progress,
    and holds at once."""
    path = '{.status.conditions[?(@.type=="Progressing")].reason}'
    source = of_controller(where, part, path)
    return Probe(source=source, expect=equals("NewReplicaSetAvailable"), within=budget)


@then("{part} has a revision before its present one")
def has_revision_before(where: Where, part: Part) -> Probe:
    return Probe(source=of_controller(where, part, REVISION), expect=at_least(2))


@then("the pods of {part} have an event {string}")
def pods_have_event(where: Where, part: Part, text: str) -> Probe:
    # Events name pods, which have other names after each release: the namespace's are read.
    source = Kube(
        kind="events",
        name="",
        path="{.items[*].message}",
        namespace=where.namespace,
        context=where.context,
    )
    return Probe(source=source, expect=contains(text))


@then("{part} was last terminated with reason {string}")
def last_terminated(where: Where, part: Part, reason: str) -> Probe:
    # After a restart the reason lives in lastState; state only says Running.
    source = of_pods(where, part, of_status(part, "lastState.terminated.reason"))
    return Probe(source=source, expect=any_equals(reason))


@then("{part} cannot pull its image")
def cannot_pull_image(where: Where, part: Part) -> Probe:
    # The kubelet says ErrImagePull and ImagePullBackOff in turns.
    source = of_pods(where, part, of_status(part, "state.waiting.reason"))
    return Probe(source=source, expect=contains("ImagePull"))


@then("the log of {part} contains {string}")
def log_contains(where: Where, part: Part, text: str) -> Probe:
    # Not --previous: between two restarts the last run is the present one, and the run before it,
    # which --previous asks for, is already removed by the kubelet. A drill found that.
    source = Logs(
        selector=part.selector,
        container=part.container,
        namespace=where.namespace,
        context=where.context,
    )
    return Probe(source=source, expect=contains(text))


# ------------------------------------------------------------------ when


@when("the memory limit of {part} is raised to {int} times what it is")
def memory_limit_is_raised(where: Where, part: Part, factor: int) -> Action:
    before, new = Var("LIMIT_BEFORE"), Var("LIMIT_NEW")
    path = jsonpath_word(of_container(part, "resources.limits.memory"))
    times = ("python3", "scripts/kubernetes/quantity.py", "--times", str(factor), before)
    return Action(
        command=set_memory_limit(where, part, new),
        reads=(
            Finding(var=before, command=kubectl(where, "get", controller(part), "-o", path)),
            Finding(var=new, command=command(*times)),
        ),
        note="The pods are recreated; nothing is removed.",
        rollback=set_memory_limit(where, part, before),
    )


def set_memory_limit(where: Where, part: Part, limit: Word) -> Command:
    limits = ("-c", part.container, join("--limits=memory=", limit))
    return kubectl(where, "set", "resources", controller(part), *limits)


def set_key(where: Where, configmap: Word, key: Key, value: Word) -> Command:
    """One key of a ConfigMap, whatever characters its value holds."""
    place = ("--context", where.context, "--namespace", where.namespace)
    return command("python3", "scripts/kubernetes/set_key.py", *place, configmap, key, value)


@when("{part} is scaled to {int} replica(s)")
def scaled(where: Where, part: Part, pods: int) -> Action:
    before, new = Var("REPLICAS_BEFORE"), Var("REPLICAS_NEW")
    read = kubectl(where, "get", controller(part), "-o", jsonpath_word("{.spec.replicas}"))
    says = "how many pods it needs: what its manifest says, or what it had before."
    return Action(
        command=scale(where, part, new),
        reads=(
            FilledIn(var=new, says=says, in_drill=str(pods)),
            Finding(var=before, command=read),
        ),
        note="An autoscaler of it decides otherwise within a minute: correct that one's minimum.",
        rollback=scale(where, part, before),
    )


def scale(where: Where, part: Part, pods: Word) -> Command:
    return kubectl(where, "scale", controller(part), join("--replicas=", pods))


@when("the environment variable {string} of {part} is set to {string}")
def environment_variable_is_set(where: Where, name: Key, part: Part, value: str) -> Action:
    before, new = Var("VALUE_BEFORE"), Var("VALUE_NEW")
    path = jsonpath_word(of_container(part, f'env[?(@.name=="{name}")].value'))
    return Action(
        command=set_environment(where, part, name, new),
        reads=(
            FilledIn(
                var=new, says="what it was before the last release that changed it.", in_drill=value
            ),
            Finding(var=before, command=kubectl(where, "get", controller(part), "-o", path)),
        ),
        note="The pods are recreated with the new value.",
        rollback=set_environment(where, part, name, before),
    )


def set_environment(where: Where, part: Part, name: Key, value: Word) -> Command:
    words = ("set", "env", controller(part), "-c", part.container, join(name, "=", value))
    return kubectl(where, *words)


@when("the image of {part} is set to {string}")
def image_is_set(where: Where, part: Part, image: str) -> Action:
    before, new = Var("IMAGE_BEFORE"), Var("IMAGE_NEW")
    path = jsonpath_word(of_container(part, "image"))
    says = "the image of the last good release, with its tag or digest."
    return Action(
        command=set_image(where, part, new),
        reads=(
            FilledIn(var=new, says=says, in_drill=image),
            Finding(var=before, command=kubectl(where, "get", controller(part), "-o", path)),
        ),
        note="The pods are recreated with the new image.",
        rollback=set_image(where, part, before),
    )


def set_image(where: Where, part: Part, image: Word) -> Command:
    return kubectl(where, "set", "image", controller(part), join(part.container, "=", image))


@when("the selector of the Service of {string} is set to {string}")
def selector_is_set(where: Where, system: Component, labels: str) -> Action:
    before, new = Var("SELECTOR_BEFORE"), Var("SELECTOR_NEW")
    service = join("service/", service_of(system))
    read = kubectl(where, "get", service, "-o", jsonpath_word("{.spec.selector}"))
    says = "labels that its pods have and no other's, as `key=value,key=value`."
    return Action(
        command=kubectl(where, "set", "selector", service, new),
        reads=(
            FilledIn(var=new, says=says, in_drill=labels),
            Finding(var=before, command=read),
        ),
        note="The whole selector is replaced. What it was is printed before.",
    )


@when("{part} is restarted")
def restarted(where: Where, part: Part) -> Action:
    return Action(
        command=kubectl(where, "rollout", "restart", controller(part)),
        note="The pods are recreated at once; without this line the next start may be 5 minutes "
        "away. There is nothing to take back.",
    )


@when("{part} is rolled back to its revision before")
def rolled_back(where: Where, part: Part) -> Action:
    # By its number: a plain `rollout undo` that is pasted twice brings the bad release back.
    bad, good = Var("REVISION_BAD"), Var("REVISION_GOOD")
    before = command("python3", "scripts/kubernetes/revision_before.py", bad)
    return Action(
        command=to_revision(where, part, good),
        reads=(revision_of(where, part, bad), Finding(var=good, command=before)),
        note="The pods are recreated from the revision before the present one.",
        rollback=to_revision(where, part, bad),
    )


def revision_of(where: Where, part: Part, var: Var) -> Finding:
    """The number of the live revision."""
    line = kubectl(where, "get", controller(part), "-o", jsonpath_word(REVISION))
    return Finding(var=var, command=line)


def to_revision(where: Where, part: Part, revision: Word) -> Command:
    return kubectl(where, "rollout", "undo", controller(part), join("--to-revision=", revision))


def new_revision(where: Where, part: Part, before: Var, note: str, *words: Word) -> Action:
    """A change of a Deployment's pods, which the revision of `before` takes back."""
    return Action(
        command=kubectl(where, *words),
        reads=(revision_of(where, part, before),),
        note=note,
        rollback=to_revision(where, part, before),
    )


@when("a release of {part} ends no pod before the new one was ready for {string} seconds")
def release_is_tried(where: Where, part: Part, seconds: str) -> Action:
    ready, says = Var("READY_SECONDS"), "in how many seconds its traffic shows a bad release."
    filled = FilledIn(var=ready, says=says, in_drill=seconds)
    return rolling(where, part, join('"minReadySeconds":', ready, ","), filled)


@when("a release of {part} waits for its new pod before the old one ends")
def release_waits(where: Where, part: Part) -> Action:
    return rolling(where, part)


def rolling(where: Where, part: Part, more: Word = "", *filled: FilledIn) -> Action:
    """A release ends no pod before there is a new one; `more`: fields of the spec beside that."""
    before = Var("STRATEGY_BEFORE")
    strategy = '"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":0}}}}'
    read = kubectl(where, "get", controller(part), "-o", jsonpath_word("{.spec.strategy}"))
    also = ',{"op":"add","path":"/spec/minReadySeconds","value":0}' if filled else ""
    back = join('[{"op":"replace","path":"/spec/strategy","value":', before, "}", also, "]")
    return Action(
        command=kubectl(where, "patch", controller(part), "-p", join('{"spec":{', more, strategy)),
        reads=(*filled, Finding(var=before, command=read)),
        note="Old and new pods then run side by side during a release.",
        rollback=kubectl(where, "patch", controller(part), "--type=json", "-p", back),
    )


@when("the readiness probe of {part} is pointed at {string}")
def readiness_is_pointed(where: Where, part: Part, path: str) -> Action:
    before, new = Var("READY_PATH_BEFORE"), Var("READY_PATH")
    find = jsonpath_word(of_container(part, "readinessProbe.httpGet.path"))
    return Action(
        command=set_readiness(where, part, new),
        reads=(
            FilledIn(
                var=new,
                says="a path that callers ask, and that is quick: it is asked every few seconds.",
                in_drill=path,
            ),
            Finding(var=before, command=kubectl(where, "get", controller(part), "-o", find)),
        ),
        note="The pods are recreated. Agree on the path with the service's owner.",
        rollback=set_readiness(where, part, before),
    )


def set_readiness(where: Where, part: Part, path: Word) -> Command:
    head = '{"spec":{"template":{"spec":{"containers":[{"name":"' + part.container
    probe = join(head, '","readinessProbe":{"httpGet":{"path":"', path, '"}}}]}}}}')
    return kubectl(where, "patch", controller(part), "-p", probe)
