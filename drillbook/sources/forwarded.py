"""What every source behind a component's endpoint needs: the way there, and its account."""

from collections.abc import Callable, Iterable

from drillbook.cluster.clients import Connections
from drillbook.model import Absent, Credential, Endpoint, Reading, Word, join, shell
from drillbook.model.errors import CouldNotTell, beginning
from drillbook.model.reading import why_not
from drillbook.model.words import Command
from drillbook.sources.kube import Kube

DEADLINE_S = 5
"""For connecting, and again for one answer."""


def through(clients: Connections, endpoint: Endpoint, ask: Callable[[str], Reading]) -> Reading:
    """What `ask(host:port)` answers; Absent when no ready pod is behind it. Raises CouldNotTell."""
    found = clients.reach(endpoint)
    if isinstance(found, Absent):
        return Reading(answer=found)
    try:
        return ask(found)
    except CouldNotTell:
        # Its pod may have been replaced since the forward was opened.
        again = clients.reach(endpoint, again=True)
    if isinstance(again, Absent):
        return Reading(answer=again)
    try:
        return ask(again)
    except CouldNotTell:
        # A forward goes to a pod that runs, and one that is about to end may refuse its port.
        ready = serving(endpoint).read(clients).answer
        if not (isinstance(ready, str) and "true" in ready.split()):
            return Reading(answer=Absent(f"a ready pod behind {shell(endpoint.service)}"))
        raise


def serving(endpoint: Endpoint) -> Kube:
    """Whether each pod behind an endpoint is ready: `true` or `false`, blank-separated."""
    return Kube(
        kind="endpointslices",
        selector=join("kubernetes.io/service-name=", endpoint.service),
        path="{.items[*].endpoints[*].conditions.ready}",
    )


def value_of(clients: Connections, credential: Credential | None) -> str:
    """The credential's value, read when the drill has not yet; empty for none."""
    if credential is None:
        return ""
    if credential.var.name not in clients.values:
        clients.learn(credential)
    return clients.values[credential.var.name]


def only_reads(line: Command) -> None:
    """Raises ValueError for a line that is not on the list of what only reads."""
    if why := why_not(line):
        raise ValueError(f"{line}: {why}")


def no_answer(
    what: str, service: Word, said: str, sentences: Iterable[tuple[str, str]]
) -> CouldNotTell:
    """`sentences`: what the server's words hold, and what a responder can do about it; else only
    the server's words."""
    said = " ".join(said.split())
    told = beginning(said, 300).rstrip(".")
    advice = next((sentence for key, sentence in sentences if key.lower() in said.lower()), "")
    return CouldNotTell(f"no answer from {what} {shell(service)}: {told}. {advice}".strip())
