"""Sentences about Redis servers."""

from __future__ import annotations

from drillbook.book.sentences import given
from drillbook.model import Component, Credential, Endpoint, Var, Where, join
from fixtures import redis
from steps.kubernetes import is_ready, only_one, variable


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
