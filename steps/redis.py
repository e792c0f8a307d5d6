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
from fixtures import redis
from fixtures.faults import redis as faults
from steps.kubernetes import controller, is_ready, new_revision, only_one, variable

BEFORE = Var("REVISION_BEFORE")


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
def password_is_rotated(server: Component) -> Fault:
    return faults.password_is_rotated(server)


@given("{string} is full of keys that never expire")
def is_full(server: Component) -> Fault:
    return faults.is_full(server)


@then("the eviction policy of {string} is {string}")
def eviction_policy(server: Component, policy: str) -> Probe:
    source = redis.asks(server, "CONFIG", "GET", "maxmemory-policy")
    return Probe(source=source, expect=equals(policy))


@when("{part} drops the keys that were used least when it is full")
def evicts(where: Where, part: Part) -> Action:
    # Behind the configuration file, so it wins over what that says.
    path, policy = "/spec/template/spec/containers/0", ("--maxmemory-policy", "allkeys-lru")
    added = ({"op": "add", "path": f"{path}/args/-", "value": word} for word in policy)
    patch = json.dumps([{"op": "test", "path": f"{path}/name", "value": part.container}, *added])
    note = (
        "For a cache only: where a key must not be lost, ask its owner which keys to delete. The "
        "pod is recreated, and a server that keeps nothing on disk begins empty."
    )
    words = ("patch", controller(part), "--type=json", "-p", patch)
    return new_revision(where, part, BEFORE, note, *words)


@when("{part} is ready only when it takes the password of its applications")
def ready_when_it_takes_the_password(where: Where, part: Part) -> Action:
    keys = ({"name": "SERVER-app", "key": key} for key in ("user", "password"))
    env = [{"name": f"APP_{k['key'].upper()}", "valueFrom": {"secretKeyRef": k}} for k in keys]
    ping = 'REDISCLI_AUTH="$APP_PASSWORD" redis-cli --user "$APP_USER" ping | grep -qx PONG'
    probe = {"exec": {"command": ["sh", "-c", ping]}}
    container = {"name": part.container, "env": env, "readinessProbe": probe}
    text = json.dumps({"spec": {"template": {"spec": {"containers": [container]}}}})
    first, second, rest = text.split("SERVER")
    patch = join(first, part.name, second, part.name, rest)
    note = "A release with another password then never gets ready. The pod is recreated."
    return new_revision(where, part, BEFORE, note, "patch", controller(part), "-p", patch)
