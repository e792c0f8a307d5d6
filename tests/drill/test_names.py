"""The lines by which a responder finds names are run where the names are known."""

from dataclasses import replace
from typing import Any

from drillbook.drill import names
from drillbook.model import Absent, Var, Workload, command, name_of
from drillbook.sources import Kube
from tests import runbook_examples as examples


class Clients:
    def __init__(self, **values: str) -> None:
        self.values = dict(values)


def found(monkeypatch: Any, answer: Any, clients: Clients) -> dict[str, Any]:
    def read(source: Kube, _: Any) -> Any:
        return type("R", (), {"answer": answer})

    monkeypatch.setattr(Kube, "read", read)
    part = examples.part()
    own = replace(examples.component(), parts=(part,))
    region = name_of("eu", Var("REGION"), command("find", Var("NOBODY_KNOWS")))
    two = replace(own, names=(*own.names, region))
    return dict(names.probes(Workload((two,)), clients))  # type: ignore[arg-type]


def test_a_line_is_held_against_the_name_that_the_drill_knows(monkeypatch: Any) -> None:
    clients = Clients(CONTEXT="c", NAMESPACE="n")
    (variable, probe), *rest = found(monkeypatch, "orders-1 orders-2", clients).items()
    assert (variable, rest) == ("APP", []), "what nobody can know is not run"
    assert clients.values["POD"] == "orders-1"
    said = {"orders\n": True, "x": False, "": False}
    assert {one: probe.expect.holds(probe.source.parse(one), None) for one in said} == said
    assert probe.source.read(None).answer == "orders"


def test_without_a_pod_its_lines_are_not_run(monkeypatch: Any) -> None:
    assert found(monkeypatch, Absent("pods"), Clients(CONTEXT="c", NAMESPACE="n")) == {}
