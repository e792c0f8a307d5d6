"""Sentences about S3 stores."""

from __future__ import annotations

from drillbook.book.sentences import given
from drillbook.model import Component, Credential, Endpoint, Var, Where, join
from fixtures import object_store
from steps.kubernetes import is_ready, only_one, variable


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
