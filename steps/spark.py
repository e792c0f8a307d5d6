"""Sentences about Spark applications."""

from __future__ import annotations

from drillbook.matchers import after_last_change, any_equals, contains, equals
from drillbook.model import (
    Action,
    Command,
    Duration,
    Fault,
    Joined,
    Name,
    Probe,
    Reinject,
    Var,
    Where,
    Word,
    Workload,
    command,
    join,
)
from drillbook.sources import Kube, Logs, PromQL, Tool
from drillbook.steps import given, then, when
from fixtures import spark as applications
from fixtures.faults import spark as faults


def kubectl(where: Where, *words: Word) -> Command:
    return command("kubectl", "--context", where.context, "-n", where.namespace, *words)


def last_batch(app: Word, where: Where) -> PromQL:
    """The Unix time at which the application last completed a batch."""
    return PromQL(
        metric="streaming_last_batch_completed_timestamp_seconds",
        labels=(("namespace", where.namespace), ("application", app)),
    )


# ------------------------------------------------------------------ given


@given("the Spark application {string} is making progress")
def application_is_making_progress(where: Where, app: str) -> Workload:
    label = r"jsonpath={.metadata.labels.app\.kubernetes\.io/name}"
    name = Name(
        literal=app,
        var=Var("APP"),
        find=kubectl(where, "get", "pod", Var("POD"), "-o", label),
    )
    return Workload(
        title="a Spark Structured Streaming application: driver in client mode, one executor",
        manifests=applications.streaming_application(app),
        ready=Probe(source=last_batch(name.var, where), expect=after_last_change()),
        names=(name,),
    )


@given("the driver of {string} needs more memory than its limit")
def driver_needs_more_memory(where: Where, app: Word) -> Fault:
    return faults.driver_needs_more_memory(where, app)


@given("the library path of {string} points at a folder that does not exist")
def library_path_is_wrong(where: Where, app: Word) -> Fault:
    return faults.library_path_is_wrong(where, app)


@given("the driver heap of {string} is set below Spark's minimum")
def driver_heap_is_too_small(where: Where, app: Word) -> Fault:
    return faults.driver_heap_is_too_small(where, app)


# ------------------------------------------------------------------ then


@then("the driver of {string} was last terminated with reason {string}")
def driver_was_terminated(where: Where, app: Word, reason: str) -> Probe:
    path = "{.items[*].status.containerStatuses[0].lastState.terminated.reason}"
    source = Kube(
        kind="pods",
        selector=applications.driver_selector(app),
        path=path,
        namespace=where.namespace,
        context=where.context,
    )
    return Probe(source=source, expect=any_equals(reason))


@then("the log of the driver of {string} contains {string}")
def log_contains(where: Where, app: Word, text: str) -> Probe:
    # Not --previous: between two restarts the last run is the present one, and the run before it,
    # which --previous asks for, is already removed by the kubelet. A drill found that.
    source = Logs(
        selector=applications.driver_selector(app),
        container=applications.CONTAINER,
        namespace=where.namespace,
        context=where.context,
    )
    return Probe(source=source, expect=contains(text))


@then("the diagnosis tool names the cause of {string} as {string}")
def tool_names_cause(where: Where, app: Word, cause: str) -> Probe:
    words = (
        *("python3", "scripts/spark/diagnose_driver.py", "--context", where.context),
        *("--namespace", where.namespace, "--json", app),
    )
    return Probe(source=Tool(words=words, field="cause"), expect=equals(cause))


@then("{string} completes a batch within {duration}")
def completes_a_batch(where: Where, app: Word, budget: Duration) -> Probe:
    return Probe(source=last_batch(app, where), expect=after_last_change(), within=budget)


# ------------------------------------------------------------------ when


@when("the driver memory limit of {string} is raised to {quantity}")
def raise_memory_limit(where: Where, app: Word, limit: str) -> Action:
    deployment = join("deployment/", app)
    line = kubectl(
        where,
        "set",
        "resources",
        deployment,
        "-c",
        applications.CONTAINER,
        f"--limits=memory={limit}",
    )
    return Action(command=line, rollback=kubectl(where, "rollout", "undo", deployment))


@when("the library path of {string} is set to {string}")
def set_library_path(where: Where, app: Word, path: str) -> Action:
    return set_option(where, app, "library-path", path)


@when("the driver heap of {string} is set to {string}")
def set_driver_heap(where: Where, app: Word, heap: str) -> Action:
    return set_option(where, app, "driver-memory", heap)


def set_option(where: Where, app: Word, key: str, value: str) -> Action:
    patch = f'{{"data":{{"{key}":"{value}"}}}}'
    configmap = configuration(app)
    return Action(
        command=kubectl(where, "patch", "configmap", configmap, "--type=merge", "-p", patch)
    )


def configuration(app: Word) -> Joined | str:
    name = join(app, "-conf")
    return name if isinstance(name, Joined) else str(name)


@when("the driver of {string} is restarted")
def restart_driver(where: Where, app: Word) -> Action:
    return Action(command=kubectl(where, "rollout", "restart", join("deployment/", app)))


@when("the configuration of {string} is made immutable")
def make_configuration_immutable(where: Where, app: Word) -> Action:
    return Action(
        command=kubectl(
            *(where, "patch", "configmap", configuration(app)),
            *("--type=merge", "-p", '{"immutable":true}'),
        )
    )


@when("the configuration of {string} is kept as its last good one")
def keep_last_good(where: Where, app: Word) -> Action:
    return Action(
        command=command(
            *("python3", "scripts/spark/keep_last_good.py", "--context", where.context),
            *("--namespace", where.namespace, app),
        )
    )


@when("the fault is injected again")
def inject_again() -> Reinject:
    return Reinject()
