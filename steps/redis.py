"""Sentences about Redis servers."""

from __future__ import annotations

import json

from drillbook.book.sentences import given, then, when
from drillbook.model import (
    Action,
    Component,
    Credential,
    Endpoint,
    Fault,
    Part,
    Probe,
    Var,
    Where,
    join,
)
from drillbook.model.matchers import equals
from drillbook.sources import kubectl
from fixtures import redis
from fixtures.faults import redis as faults
from steps.kubernetes import (
    controller,
    is_ready,
    only_one,
    revision_of,
    to_revision,
    variable,
)

_APP = "${NAME}-app"
"""Stands in a patch for the Secret of a server's applications."""


@given("a Redis server {string}")
def redis_server(where: Where, name: str) -> Component:
    var = variable(name)
    own = only_one(where, name, var, "deployments", redis.LABEL)
    server = redis.server(own.word)
    return Component(
        title="a Redis server",
        manifests=redis.objects(name),
        ready=(is_ready(where, server),),
        names=(own,),
        parts=(server,),
        endpoints=(Endpoint(var=Var(f"{var.name}_AT"), service=own.word, port=6379),),
        credentials=(
            Credential(
                var=Var(f"{var.name}_PASSWORD"), secret=join(own.word, "-reader"), key="password"
            ),
        ),
    )


@given("the release of {string} names an image that is not there")
def image_is_missing(where: Where, server: Component) -> Fault:
    return faults.image_is_missing(where, server)


@given("{string} takes another password than its applications have")
def password_is_rotated(where: Where, server: Component) -> Fault:
    return faults.password_is_rotated(where, server)


@given("{string} is full of keys that never expire")
def is_full(where: Where, server: Component) -> Fault:
    return faults.is_full(where, server)


@then("the eviction policy of {string} is {string}")
def eviction_policy(where: Where, server: Component, policy: str) -> Probe:
    source = redis.asks(server, "CONFIG", "GET", "maxmemory-policy")
    return Probe(source=source, expect=equals(policy))


@when("{part} drops the keys that were used least when it is full")
def evicts(where: Where, part: Part) -> Action:
    # Behind the configuration file, so it wins over what that says.
    first, before = "/spec/template/spec/containers/0", Var("REVISION_BEFORE")
    added = ({"op": "add", "path": f"{first}/args/-", "value": word} for word in redis.EVICTS)
    patch = [{"op": "test", "path": f"{first}/name", "value": part.container}, *added]
    return Action(
        command=kubectl(where, "patch", controller(part), "--type=json", "-p", json.dumps(patch)),
        reads=(revision_of(where, part, before),),
        note="For a cache only: where a key must not be lost, ask its owner which keys to delete. "
        "The pod is recreated, and a server that keeps nothing on disk begins empty.",
        rollback=to_revision(where, part, before),
    )


@when("{part} is ready only when it takes the password of its applications")
def ready_when_it_takes_the_password(where: Where, part: Part) -> Action:
    before = Var("REVISION_BEFORE")
    secrets = ({"name": _APP, "key": key} for key in ("user", "password"))
    env = [{"name": f"APP_{s['key'].upper()}", "valueFrom": {"secretKeyRef": s}} for s in secrets]
    ping = 'REDISCLI_AUTH="$APP_PASSWORD" redis-cli --user "$APP_USER" ping | grep -qx PONG'
    probe = {"exec": {"command": ["sh", "-c", ping]}}
    container = {"name": part.container, "env": env, "readinessProbe": probe}
    text = json.dumps({"spec": {"template": {"spec": {"containers": [container]}}}})
    first, *rest = text.split(_APP)
    patch = join(first, *(word for more in rest for word in (part.name, "-app", more)))
    return Action(
        command=kubectl(where, "patch", controller(part), "-p", patch),
        reads=(revision_of(where, part, before),),
        note="A release with another password then never gets ready. The pod is recreated.",
        rollback=to_revision(where, part, before),
    )
