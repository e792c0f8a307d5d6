"""Sentences about PostgreSQL servers."""

from __future__ import annotations

from drillbook.book.sentences import given
from drillbook.model import Component, Credential, Endpoint, Var, Where, join
from fixtures import postgresql
from steps.kubernetes import is_ready, only_one, variable


@given("a PostgreSQL server {string}")
def postgresql_server(where: Where, name: str) -> Component:
    var = variable(name)
    own = only_one(where, name, var, "statefulsets", postgresql.LABEL)
    server = postgresql.server(own.word)
    return Component(
        title="a PostgreSQL server",
        manifests=postgresql.objects(name),
        ready=(is_ready(where, server),),
        names=(own,),
        parts=(server,),
        endpoints=(Endpoint(var=Var(f"{var.name}_AT"), service=own.word, port=5432),),
        credentials=(
            Credential(
                var=Var(f"{var.name}_PASSWORD"), secret=join(own.word, "-reader"), key="password"
            ),
        ),
    )
