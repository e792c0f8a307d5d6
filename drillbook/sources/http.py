"""An HTTP endpoint: its status code."""

from __future__ import annotations

from dataclasses import dataclass

from drillbook.cluster.clients import Connections, could_not_ask, http_get
from drillbook.cluster.deadline import within
from drillbook.model import Answer, Command, Reading, Word, command
from drillbook.model.errors import CouldNotTell

DEADLINE_S = 5


@dataclass(frozen=True, kw_only=True)
class Http:
    """Answers with the status code, as text; redirects are not followed."""

    url: Word

    def command(self) -> Command:
        return command(
            *("curl", "-sS", "--max-time", str(DEADLINE_S)),
            *("-o", "/dev/null", "-w", "%{http_code}", self.url),
        )

    def parse(self, text: str) -> Answer:
        if not text.strip().isdigit():
            raise CouldNotTell(f"not a status code: {text[:80]!r}")
        return text.strip()

    def read(self, clients: Connections) -> Reading:
        import requests

        url = clients.resolve(self.url)
        try:
            answer = within(DEADLINE_S + 1, url, lambda: http_get(url, DEADLINE_S))
        except requests.RequestException as error:
            raise could_not_ask(url, error) from error
        return Reading(answer=str(answer.status_code))
