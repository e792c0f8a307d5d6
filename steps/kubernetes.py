"""Sentences about the parts of any system: `the driver of "orders"`, once for all systems."""

from __future__ import annotations

from drillbook.book.sentences import then, when
from drillbook.model import (
    Action,
    Command,
    Finding,
    Key,
    Part,
    Probe,
    Var,
    Where,
    Word,
    command,
    join,
)
from drillbook.model.matchers import any_equals, contains
from drillbook.sources import Kube, Logs, jsonpath_word, kubectl


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


# ------------------------------------------------------------------ then


@then("{part} was last terminated with reason {string}")
def last_terminated(where: Where, part: Part, reason: str) -> Probe:
    # After a restart the reason lives in lastState; state only says Running.
    source = of_pods(where, part, of_status(part, "lastState.terminated.reason"))
    return Probe(source=source, expect=any_equals(reason))


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


@when("{part} is restarted")
def restarted(where: Where, part: Part) -> Action:
    return Action(
        command=kubectl(where, "rollout", "restart", controller(part)),
        note="The pods are recreated at once; without this line the next start may be 5 minutes "
        "away. There is nothing to take back.",
    )
