"""Sentences about the registry service: a small HTTP service on PostgreSQL and Redis."""

from __future__ import annotations

from drillbook.book.sentences import given, then, when
from drillbook.model import (
    Action,
    Component,
    Duration,
    Endpoint,
    Fault,
    FilledIn,
    Finding,
    Key,
    Probe,
    Risk,
    Var,
    Where,
    Word,
    join,
    name_of,
)
from drillbook.model.matchers import at_least, equals
from drillbook.sources import Expr, Http, Series, jsonpath_word, kubectl
from fixtures import registry
from fixtures.faults import registry as faults
from steps.kubernetes import is_ready, set_key

AT = Var("APP_AT")


@given("the registry service {string} on {string} and {string}")
def registry_service(where: Where, app: str, database: Component, redis: Component) -> Component:
    label = jsonpath_word(r"{.metadata.labels.app\.kubernetes\.io/name}")
    name = name_of(app, Var("APP"), kubectl(where, "get", "pod", Var("POD"), "-o", label))
    server = registry.server(name.word)
    servers = (one.names[0].literal for one in (database, redis))
    return Component(
        title="the registry service: HTTP in front of PostgreSQL and Redis",
        manifests=registry.objects(app, *servers),
        ready=(is_ready(where, server),),
        names=(name,),
        parts=(server,),
        endpoints=(Endpoint(var=AT, service=name.word, port=8080),),
    )


@given("the pool size of {string} is no number")
def pool_size_is_no_number(where: Where, app: Component) -> Fault:
    return faults.pool_size_is_no_number(where, app)


@given("the liveness probe of {string} is stricter than its start is long")
def liveness_is_too_strict(where: Where, app: Component) -> Fault:
    return faults.liveness_is_too_strict(where, app)


@given("the release of {string} names a Secret that is not there")
def secret_is_missing(where: Where, app: Component) -> Fault:
    return faults.secret_is_missing(where, app)


@given("a release of {string} reads a column that is not there")
def column_is_missing(where: Where, app: Component) -> Fault:
    return faults.column_is_missing(where, app)


@given("the pool of {string} has one connection")
def pool_is_too_small(where: Where, app: Component) -> Fault:
    return faults.pool_is_too_small(where, app)


@given("the release of {string} keeps every connection that it takes")
def connections_are_kept(where: Where, app: Component) -> Fault:
    return faults.connections_are_kept(where, app)


@then("no request waits for a connection of {string} within {duration}")
def no_request_waits(where: Where, app: Component, budget: Duration) -> Probe:
    return Probe(source=faults.waiting_requests(where), expect=equals("0"), within=budget)


@then("{string} answers requests within {duration}")
def answers(where: Where, app: Word, budget: Duration) -> Probe:
    endpoint = Endpoint(var=AT, service=app, port=8080)
    return Probe(source=Http(url="/readyz", endpoint=endpoint), expect=equals("200"), within=budget)


@then("{string} uses its cache within {duration}")
def uses_its_cache(where: Where, app: Word, budget: Duration) -> Probe:
    metric = "registry_redis_up"
    pods = ('{namespace="', where.namespace, '", pod=~"', app, '-.+"}')
    read = Series(metric=metric, labels=(("namespace", where.namespace),))
    source = Expr(query=join("min(", metric, *pods, ")"), reads=(read,))
    return Probe(source=source, expect=equals("1"), within=budget)


@then("{string} answers {string} with {int} within {duration}")
def answers_with(where: Where, app: Word, path: str, code: int, budget: Duration) -> Probe:
    endpoint = Endpoint(var=AT, service=app, port=8080)
    source = Http(url=path, endpoint=endpoint)
    return Probe(source=source, expect=equals(str(code)), within=budget)


@then("{string} began to fail with its present revision")
def began_to_fail(where: Where, app: Word) -> Probe:
    """Seconds from the revision that has pods to their first 500, when these are under ten minutes.
    Who is overloaded answers 503: that alone no rollback mends.
    A counter's `_created` is when its process first counted; a ReplicaSet's, when it was made."""
    here = join('namespace="', where.namespace, '"')
    failed = join("registry_requests_created{", here, ', code="500", pod=~"', app, '-.*"}')
    made = join("kube_replicaset_created{", here, ', replicaset=~"', app, '-[a-z0-9]+"}')
    live = join("kube_replicaset_spec_replicas{", here, "} > 0")
    names = ("registry_requests_created", "kube_replicaset_created")
    # Only to date the answer, whose text looks back no further than the newest sample.
    labels = (("namespace", where.namespace),)
    source = Expr(
        query=join("min(", failed, ") - max(", made, " and on (replicaset) ", live, ") >= 0 < 600"),
        reads=tuple(Series(metric=m, labels=labels, window="15s") for m in names),
    )
    return Probe(source=source, expect=at_least(0))


@when("the configuration {string} of {string} is set to {string}")
def configuration_is_set(where: Where, key: Key, app: Word, value: str) -> Action:
    before, new = Var("VALUE_BEFORE"), Var("VALUE_NEW")
    config = registry.configuration(app)
    path = jsonpath_word(f"{{.data.{key}}}")
    return Action(
        command=set_key(where, config, key, new),
        reads=(
            FilledIn(
                var=new, says="what the configuration said before its last change.", in_drill=value
            ),
            Finding(var=before, command=kubectl(where, "get", "configmap", config, "-o", path)),
        ),
        rollback=set_key(where, config, key, before),
    )


@when("the configuration of the service {string} is made immutable")
def configuration_is_immutable(where: Where, app: Word) -> Action:
    patch = ("patch", "configmap", registry.configuration(app), "--type=merge", "-p")
    return Action(
        command=kubectl(where, *patch, '{"immutable":true}'),
        risk=Risk.DESTROYS,
        note="Agree on it with the service's owner. It cannot be undone: a protected configuration "
        "can only be deleted and created again.",
    )
