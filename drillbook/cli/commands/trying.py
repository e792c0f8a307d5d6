"""`try`: one sentence on an incident that stands. It reads, and changes nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from rich.console import Console

from drillbook.book import checkout as book
from drillbook.book.bind import Binder
from drillbook.changes.faults.namespace import secret_values
from drillbook.changes.undo.lease import RUN_LABEL
from drillbook.changes.undo.record import PREFIX
from drillbook.cli.columns import tell
from drillbook.cluster import which
from drillbook.cluster.clients import Connections
from drillbook.cluster.connections import connections, runner
from drillbook.cluster.settings import Settings
from drillbook.drill import environment, guard, names
from drillbook.drill.perform import Performer
from drillbook.model import (
    Evidence,
    Probe,
    Runbook,
    Scenario,
    Step,
    Verdict,
    Workload,
    alert_of,
    reading,
)
from drillbook.model.clock import SystemClock
from drillbook.model.errors import Refused, UsageError
from drillbook.model.matchers import AfterLastChange
from drillbook.sources import Kube

_SAID: Final = {Verdict.PASSED: (0, "it holds"), Verdict.FAILED: (1, "it does not hold")}


@dataclass(frozen=True, kw_only=True)
class Asked:
    sentence: str
    namespace: str
    like: str = ""
    wait: bool = False


def run(settings: Settings, asked: Asked, console: Console) -> int:
    """The exit code. Raises Refused for what is no check, UsageError, CouldNotTell."""
    probe, workload = bound(settings, asked)
    guard.admitted(settings, runner(settings))
    clients = connections(settings)
    try:
        _refuse_strange(clients, asked.namespace)
        clients.values["NAMESPACE"] = asked.namespace
        clients.values.update(workload.values)
        seen = _ask(clients, settings, probe, workload, asked.wait)
    finally:
        clients.close()
    code, words = _SAID.get(seen.verdict, (4, "could not tell"))
    tell(console, (*_line(clients, probe, workload), f"answer: {seen.observed}"))
    tell(console, (f"expect: {probe.expect.describe()}", words))
    return code


def bound(settings: Settings, asked: Asked) -> tuple[Probe, Workload]:
    """The check that a sentence stands for on a runbook's Background. Contacts nothing."""
    runbook, binder = _like(settings, asked), Binder(book.definitions(settings.root))
    text = re.sub(
        r"^(?:given|when|then|and|but)\s+", "", asked.sentence.strip(), flags=re.IGNORECASE
    )
    keywords = {definition.keyword for definition, _ in binder.matches(text)}
    if keywords and "then" not in keywords:
        said = " or ".join(sorted(keywords)).capitalize()
        raise Refused(
            f"refused: {text!r} is a {said} sentence: it changes the system, and try only reads. "
            "Nothing was changed. `drillbook steps` shows its line, to be run by hand."
        )
    step = Step(keyword="then", text=text, line=0)
    scenario = Scenario(name=text, line=0, tags=(), steps=(step,))
    cause = replace(runbook.causes[0], scenarios=(scenario,))
    found, problems = binder.bind(replace(runbook, causes=(cause,)))
    if found is None or problems:
        raise UsageError("\n".join(f"{one.what} {one.fix}" for one in problems))
    ((value,),) = ([s.value for s in one.steps] for one in found.causes[0].scenarios)
    if not isinstance(value, Probe):
        raise Refused(f"refused: {text!r} is for a person to do; nothing can be read.")
    if why := reading.why_not(value.source.command()):
        raise Refused(f"refused: the line of {text!r} may change something: {why}.")
    return value, found.causes[0].workload


def _like(settings: Settings, asked: Asked) -> Runbook:
    """The runbook that was named, or the one by whose id the namespace is named."""
    if asked.like:
        return book.one_runbook(settings, asked.like)
    every, _ = book.runbooks(settings, [])
    own = [r for r in every if asked.namespace.startswith(f"{PREFIX}{r.id.lower()}-")]
    if not own:
        raise UsageError(
            f"--in {asked.namespace}: no runbook here has drills of that name, so nothing says "
            "what its names are. Give one on the same Background: --like RB-..."
        )
    return max(own, key=lambda one: len(one.id))


def _refuse_strange(clients: Connections, namespace: str) -> None:
    """Only in a drill's namespace are the rights to read what a sentence may ask."""
    if which.namespace_label(clients, namespace, RUN_LABEL) is None:
        drills = Kube(kind="namespaces", selector=RUN_LABEL, path="{.items[*].metadata.name}")
        clients.values["NAMESPACE"] = namespace
        raise UsageError(
            f"--in {namespace}: no drill's namespace of that name stands. There is: "
            f"{drills.read(clients).answer}. `drillbook drill ... --leave-standing` leaves one."
        )


def _ask(
    clients: Connections, settings: Settings, probe: Probe, workload: Workload, wait: bool
) -> Evidence:
    performer = Performer(clients=clients, settings=settings, clock=SystemClock())
    performer.redactor.watch(lambda: secret_values(clients, clients.values["NAMESPACE"]))
    for component in workload.components:
        for credential in component.credentials:
            clients.learn(credential)
    for _ in names.probes(workload, clients):
        pass  # what an alert's labels would say is among the values now
    # An alert that somebody asks to be silent was loud: the incident stands.
    performer.heard.update(filter(None, [alert_of(probe.source)]))
    if isinstance(probe.expect, AfterLastChange):
        # There is no last change to compare with but this moment, so it is waited for.
        clients.since, wait = performer.clock.now(), True
        performer.skew = timedelta(seconds=environment.clock_skew_s(clients))
    return performer.probe(probe, ends=None if wait else lambda begin: begin)


def _line(clients: Connections, probe: Probe, workload: Workload) -> Iterator[str]:
    """The shell line, and the values of its variables but for secrets."""
    line = probe.source.command()
    hidden = {c.var.name for one in workload.components for c in one.credentials}
    there = sorted(line.variables & clients.values.keys())
    yield f"$ {line}"
    yield "with: " + " ".join(
        f"{name}={'(secret)' if name in hidden else clients.values[name]}" for name in there
    )
