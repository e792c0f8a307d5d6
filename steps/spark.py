"""Sentences about Spark applications."""

from __future__ import annotations

import json

from drillbook.book.sentences import given, then, when
from drillbook.model import (
    Action,
    Command,
    Duration,
    Fault,
    Joined,
    Name,
    Probe,
    Reinject,
    Saved,
    Var,
    Where,
    Word,
    Workload,
    command,
    join,
)
from drillbook.model.matchers import after_last_change, any_equals, contains, equals
from drillbook.sources import Kube, Logs, Series, Tool
from fixtures import spark as applications
from fixtures.faults import spark as faults


def kubectl(where: Where, *words: Word) -> Command:
    return command("kubectl", "--context", where.context, "-n", where.namespace, *words)


def last_batch(app: Word, where: Where) -> Series:
    """The Unix time at which the application last completed a batch."""
    return Series(
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
    return Action(
        command=line,
        saves=Saved(var=Var("MEMORY_LIMIT_BEFORE"), find=memory_limit(where, app)),
        note=f"{limit} is three times the drilled application's limit: write three times yours. "
        "The diagnosis tool prints that line under `commands`. The pod is made anew by itself.",
        rollback=set_memory_limit(where, app, Var("MEMORY_LIMIT_BEFORE")),
    )


def set_memory_limit(where: Where, app: Word, limit: Word) -> Command:
    container = ("-c", applications.CONTAINER)
    limits = join("--limits=memory=", limit)
    return kubectl(where, "set", "resources", join("deployment/", app), *container, limits)


def memory_limit(where: Where, app: Word) -> Command:
    container = f'{{.spec.template.spec.containers[?(@.name=="{applications.CONTAINER}")]'
    path = f"jsonpath={container}.resources.limits.memory}}"
    return kubectl(where, "get", join("deployment/", app), "-o", path)


@when("the library path of {string} is set to {string}")
def set_library_path(where: Where, app: Word, path: str) -> Action:
    note = (
        f"`{path}` is right for the drilled application. Write the folder that holds the module "
        "which the log names: what the configuration said before the last release, or where "
        f"`{kubectl(where, 'get', join('deployment/', app), '-o', 'yaml')}` mounts the code "
        "(`volumeMounts`, and the `path` of each file under `volumes`)."
    )
    return set_option(where, app, "library-path", path, note)


@when("the driver heap of {string} is set to {string}")
def set_driver_heap(where: Where, app: Word, heap: str) -> Action:
    note = (
        f"`{heap}` is right for the drilled application. Write what the configuration said before "
        f"its last change; not below `{heap}`, as Spark refuses less than about 450 MiB, and at "
        "most half of the memory limit. Does the log name another setting? Then correct that one "
        "in the same way, under its own key."
    )
    return set_option(where, app, "driver-memory", heap, note)


def set_option(where: Where, app: Word, key: str, value: str, note: str) -> Action:
    before = Var(f"{key.replace('-', '_').upper()}_BEFORE")
    get = kubectl(
        where, "get", join("configmap/", configuration(app)), "-o", f"jsonpath={{.data.{key}}}"
    )
    return Action(
        command=patch_configuration(
            where,
            app,
            json.dumps({"data": {key: value}}, separators=(",", ":"), ensure_ascii=False),
        ),
        saves=Saved(var=before, find=get),
        note=f"{note} {IF_IMMUTABLE}",
        rollback=patch_configuration(where, app, join(f'{{"data":{{"{key}":"', before, '"}}')),
    )


IF_IMMUTABLE = (
    "The answer `field is immutable` means that the configuration is protected: the prevention "
    "of a missing module, on this page, says how to change it then."
)


def patch_configuration(where: Where, app: Word, patch: Word) -> Command:
    """One merge patch of the application's ConfigMap."""
    return kubectl(where, "patch", "configmap", configuration(app), "--type=merge", "-p", patch)


def configuration(app: Word) -> Joined | str:
    name = join(app, "-conf")
    return name if isinstance(name, Joined) else str(name)


@when("the driver of {string} is restarted")
def restart_driver(where: Where, app: Word) -> Action:
    return Action(
        command=kubectl(where, "rollout", "restart", join("deployment/", app)),
        note="The configuration is read at the start only; without this line the next start may "
        "be 5 minutes away. There is nothing to take back.",
    )


@when("the configuration of {string} is made immutable")
def make_configuration_immutable(where: Where, app: Word) -> Action:
    return Action(
        command=patch_configuration(where, app, '{"immutable":true}'),
        note="Not urgent: agree on it with the application's owner. No patch takes it back. To "
        "change a protected configuration, write it to a file with "
        f"`{kubectl(where, 'get', join('configmap/', configuration(app)), '-o', 'yaml')}`, remove "
        "the line `immutable: true` and correct the values in that file, and put it in the old "
        f"one's place with `{kubectl(where, 'replace', '--force', '-f')}` and the file's name.",
    )


@when("the configuration of {string} is kept as its last good one")
def keep_last_good(where: Where, app: Word) -> Action:
    return Action(
        command=command(
            *("python3", "scripts/spark/keep_last_good.py", "--context", where.context),
            *("--namespace", where.namespace, app),
        ),
        note="Only makes a copy; it refuses what the application has not completed a batch with. "
        "An application whose start does not look for the copy gains nothing by it.",
    )


@when("the fault is injected again")
def inject_again() -> Reinject:
    return Reinject()
