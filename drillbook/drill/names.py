"""The lines by which a responder finds names, run on the drill's system, whose names are known."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from drillbook.cluster.clients import Connections
from drillbook.model import Absent, Answer, Command, Component, Probe, Reading, Workload
from drillbook.model.matchers import equals
from drillbook.sources import Kube


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a name's own command finds, as a source: the drill knows the answer already."""

    line: Command
    value: str

    def read(self, clients: Any) -> Reading:
        return Reading(answer=self.value)

    def command(self) -> Command:
        return self.line

    def parse(self, text: str) -> Answer:
        return text.strip() or Absent("a name")


def probes(workload: Workload, clients: Connections) -> Iterator[tuple[str, Probe]]:
    """Each variable that a line finds, and that line as a probe. What an alert's labels would say
    of a component is read from a pod of it. Raises CouldNotTell."""
    for component in workload.components:
        labels = _labels(component, clients)
        clients.values.update(labels)
        for name in component.names:
            for find in name.finds:
                if find.command.variables <= clients.values.keys():
                    value = name.values[find.var.name]
                    source = Found(line=find.command, value=value)
                    yield find.var.name, Probe(source=source, expect=equals(value))


def _labels(component: Component, clients: Connections) -> dict[str, str]:
    """POD, NODE and CONTAINER, as an alert about the component's first part would carry them."""
    if not component.parts:
        return {}
    part, found = component.parts[0], {"CONTAINER": component.parts[0].container}
    for variable, path in (("POD", "metadata.name"), ("NODE", "spec.nodeName")):
        pods = Kube(kind="pods", selector=part.selector, path=f"{{.items[*].{path}}}")
        answer = pods.read(clients).answer
        if not isinstance(answer, Absent):
            found[variable] = str(answer).split()[0]
    return found
