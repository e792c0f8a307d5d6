"""Sentences about S3 stores, and about datasets in their buckets."""

from __future__ import annotations

from dataclasses import replace

from drillbook.book.sentences import given, then, when
from drillbook.model import (
    Action,
    Command,
    Component,
    Credential,
    Duration,
    Endpoint,
    Fault,
    FilledIn,
    Finding,
    Key,
    Name,
    Probe,
    Var,
    Where,
    Word,
    join,
)
from drillbook.model.matchers import at_least, equals
from drillbook.model.words import setting
from drillbook.sources import Ask, Http, jsonpath_word, kubectl
from fixtures import dataset, object_store
from fixtures.dataset import BUCKET, PREFIX
from fixtures.faults import object_store as faults
from fixtures.faults.object_store import under
from steps.kubernetes import controller, is_ready, only_one, variable


@given("an object store {string}")
def object_store_server(where: Where, name: str) -> Component:
    var = variable(name)
    own = only_one(where, name, var, "statefulsets", object_store.LABEL)
    server = object_store.server(own.word)
    reader = join(own.word, "-reader")
    return Component(
        title="an S3 store",
        manifests=object_store.objects(name),
        ready=(is_ready(where, server),),
        names=(own,),
        parts=(server,),
        endpoints=(Endpoint(var=Var(f"{var.name}_AT"), service=own.word, port=8333),),
        credentials=(
            Credential(var=Var(f"{var.name}_ACCESS"), secret=reader, key="access"),
            Credential(var=Var(f"{var.name}_SECRET"), secret=reader, key="secret"),
        ),
    )


@given("a dataset {string} of {int} objects in a versioned bucket of {string}")
def dataset_in(where: Where, name: str, count: int, store: Component) -> Component:
    bucket, prefix = name.split("/")
    at, own = store.endpoints[0], store.names[0]
    owner, writer = join(own.word, "-app"), dataset.writer(BUCKET, PREFIX)
    ledger = Endpoint(var=Var("LEDGER_AT"), service=writer.name, port=8080)
    finds = tuple(_label(where, var) for var in (BUCKET, PREFIX))
    return Component(
        title="a dataset of numbered objects, with a ledger of all that the store acknowledged",
        manifests=dataset.objects(bucket, prefix, own.literal, count),
        ready=(is_ready(where, writer), complete(ledger)),
        names=(Name(literal=name, word=join(BUCKET, "/", PREFIX), finds=finds),),
        parts=(writer,),
        endpoints=(at, ledger),
        credentials=(
            *store.credentials,
            Credential(var=Var("OWNER_ACCESS"), secret=owner, key="access"),
            Credential(var=Var("OWNER_SECRET"), secret=owner, key="secret"),
        ),
    )


def _label(where: Where, var: Var) -> Finding:
    path = jsonpath_word(f"{{.items[0].metadata.labels.{var.name.lower()}}}")
    every = kubectl(where, "get", "deployments", "-l", dataset.LABEL, "-o", path)
    return Finding(var=var, command=every)


def complete(ledger: Endpoint) -> Probe:
    source = Http(url="/ledger", field="lost", endpoint=ledger)
    return Probe(source=source, expect=equals("0"))


@given("a job deletes {int} objects of {string}")
def objects_deleted(count: int, data: Component) -> Fault:
    return faults.objects_deleted(data, count)


@given("a job empties {int} objects of {string}")
def objects_emptied(count: int, data: Component) -> Fault:
    return faults.objects_emptied(data, count)


@given("a lifecycle rule for temporary objects covers {string} too")
def rule_without_prefix(data: Component) -> Fault:
    return faults.rule_without_prefix(data)


# ------------------------------------------------------------------ then


@then("objects of {string} are hidden by delete markers")
def objects_are_deleted(data: Component) -> Probe:
    return Probe(source=under(data, Ask.DELETED), expect=at_least(1))


@then("a lifecycle rule expires objects of {string}")
def rule_expires(data: Component) -> Probe:
    return Probe(source=under(data, Ask.EXPIRES), expect=at_least(1))


@then("no lifecycle rule expires objects of {string}")
def no_rule_expires(data: Component) -> Probe:
    return Probe(source=under(data, Ask.EXPIRES), expect=equals("0"))


@then("objects of {string} hold other bytes than were acknowledged")
def objects_are_altered(data: Component) -> Probe:
    source = Http(url="/ledger", field="altered", endpoint=data.endpoints[1])
    return Probe(source=source, expect=at_least(1))


@then("every acknowledged object of {string} is right within {duration}")
def every_object_is_right(data: Component, budget: Duration) -> Probe:
    return replace(complete(data.endpoints[1]), within=budget)


# ------------------------------------------------------------------ when


@when("the objects of {string} are brought back to the last moment when all were right")
def objects_are_restored(where: Where, data: Component) -> Action:
    before, (writer,) = Var("BEFORE"), data.parts
    words = ("exec", controller(writer), "-c", writer.container, "--", "cat", dataset.LEDGER)
    moment = Finding(var=before, command=kubectl(where, *words))
    return Action(
        command=as_owner(data, "restore_objects.py", join("--before=", before)),
        reads=(moment,),
        within=Duration("15m"),
        note="It only adds versions: nothing that is there now is removed, and nothing has to be "
        "taken back. Stop first whoever deletes or overwrites.",
    )


@when("the lifecycle rules that expire {string} are disabled")
def rules_are_disabled(data: Component) -> Action:
    return Action(
        command=as_owner(data, "bucket_guard.py spare"),
        note="They are disabled, not removed: the rules' owner narrows them and enables them "
        "again. A pass of the store that has begun still ends.",
    )


@when("the account {string} is denied {string} on {string}")
def account_is_denied(account: str, action: Key, data: Component) -> Action:
    whom = Var("ACCOUNT")
    says = "the ARN of the account that did it, as the store's access log names it."
    words = (f"--action={action}", join("--account=", whom))
    return Action(
        command=as_owner(data, "bucket_guard.py deny", *words),
        reads=(FilledIn(var=whom, says=says, in_drill=account),),
        note="Agree on it with the account's owner: from now on its jobs are refused.",
        rollback=as_owner(data, "bucket_guard.py deny", *words, "--take-back"),
    )


def as_owner(data: Component, tool: str, *words: Word) -> Command:
    """A tool's line on the dataset, by the account of the bucket's owner."""
    access, secret = (one.var for one in data.credentials[-2:])
    return Command(
        (
            setting("AWS_ACCESS_KEY_ID", access),
            setting("AWS_SECRET_ACCESS_KEY", secret),
            *("python3", *f"scripts/recovery/{tool}".split()),
            join("--endpoint-url=http://", data.endpoints[0].var),
            *(join("--bucket=", BUCKET), join("--prefix=", PREFIX, "/"), *words),
        )
    )
