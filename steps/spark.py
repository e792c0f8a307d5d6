"""Sentences about Spark applications: probes first, then actions."""

from __future__ import annotations

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
    Probe,
    Risk,
    Var,
    Where,
    Word,
    command,
    name_of,
)
from drillbook.model.matchers import after_last_change
from drillbook.sources import Moment, jsonpath_word, kubectl
from fixtures import spark as applications
from fixtures.faults import spark as faults
from steps.kubernetes import set_key


def last_batch(app: Word, where: Where) -> Moment:
    """The Unix time at which the application last completed a batch."""
    return Moment(
        of="last batch",
        metric="streaming_last_batch_completed_timestamp_seconds",
        labels=(("namespace", where.namespace), ("application", app)),
    )


# ------------------------------------------------------------------ given


@given("the Spark application {string} is making progress")
def application_is_making_progress(where: Where, app: str) -> Component:
    label = jsonpath_word(r"{.metadata.labels.app\.kubernetes\.io/name}")
    find = kubectl(where, "get", "pod", Var("POD"), "-o", label)
    name = name_of(app, Var("APP"), find)
    return Component(
        title="a Spark Structured Streaming application: driver in client mode, one executor",
        manifests=applications.streaming_application(app),
        ready=(Probe(source=last_batch(name.word, where), expect=after_last_change()),),
        names=(name,),
        parts=(applications.driver(name.word),),
    )


@given("the driver of {string} needs more memory than its limit")
def driver_needs_more_memory(where: Where, app: Component) -> Fault:
    return faults.driver_needs_more_memory(where, app)


@given("the library path of {string} points at a folder that does not exist")
def library_path_is_wrong(where: Where, app: Component) -> Fault:
    return faults.library_path_is_wrong(where, app)


@given("the driver heap of {string} is set below Spark's minimum")
def driver_heap_is_too_small(where: Where, app: Component) -> Fault:
    return faults.driver_heap_is_too_small(where, app)


# ------------------------------------------------------------------ then


@then("{string} completes a batch within {duration}")
def completes_a_batch(where: Where, app: Word, budget: Duration) -> Probe:
    return Probe(source=last_batch(app, where), expect=after_last_change(), within=budget)


# ------------------------------------------------------------------ when


@when("the library path of {string} is set to {string}")
def set_library_path(where: Where, app: Word, path: str) -> Action:
    says = (
        "the folder that holds the module which the log names: what the configuration said before "
        "the last release, or where the pod mounts the code."
    )
    return set_option(where, app, Key("library-path"), says, path)


@when("the driver heap of {string} is set to {string}")
def set_driver_heap(where: Where, app: Word, heap: str) -> Action:
    says = (
        "what the configuration said before its last change. Spark refuses less than about "
        "450 MiB, and at most half of the memory limit should be heap. Does the log name another "
        "setting? Then correct that one in the same way, under its own key."
    )
    return set_option(where, app, Key("driver-memory"), says, heap)


def set_option(where: Where, app: Word, key: Key, says: str, in_drill: str) -> Action:
    """One key of the application's configuration."""
    name = key.replace("-", "_").upper()
    before, new = Var(f"{name}_BEFORE"), Var(name)
    path = jsonpath_word(f"{{.data.{key}}}")
    config = applications.configuration(app)
    return Action(
        command=set_key(where, config, key, new),
        reads=(
            FilledIn(var=new, says=says, in_drill=in_drill),
            Finding(var=before, command=kubectl(where, "get", "configmap", config, "-o", path)),
        ),
        note="The answer `field is immutable` means that the configuration is protected: only its "
        "owner can replace it.",
        rollback=set_key(where, config, key, before),
    )


def patch_configuration(where: Where, app: Word, patch: Word) -> Command:
    """One merge patch of the application's ConfigMap."""
    config = applications.configuration(app)
    return kubectl(where, "patch", "configmap", config, "--type=merge", "-p", patch)


@when("the configuration of {string} is made immutable")
def make_configuration_immutable(where: Where, app: Word) -> Action:
    return Action(
        command=patch_configuration(where, app, '{"immutable":true}'),
        risk=Risk.DESTROYS,
        note="Not urgent: agree on it with the application's owner. No patch takes it back: a "
        "protected configuration can only be deleted and created again with other values.",
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
