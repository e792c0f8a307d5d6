"""An HTTP endpoint: its status code, the seconds it takes, or a field of its JSON."""

import json
from dataclasses import dataclass

from drillbook.cluster.clients import Connections, could_not_ask, http_get
from drillbook.cluster.deadline import within
from drillbook.model import Absent, Answer, Command, Endpoint, Reading, Word, command, join
from drillbook.model.errors import CouldNotTell, beginning
from drillbook.sources.forwarded import through

DEADLINE_S = 5
STATUS, SECONDS = "status", "seconds"


@dataclass(frozen=True, kw_only=True)
class Http:
    """Answers as text; redirects are not followed. `field`: `status`, `seconds`, or a path of names
    and numbers into the answered JSON, such as `items.0.state`.

    With an `endpoint`, `url` is the path behind it, and a component without a ready pod is Absent.
    """

    url: Word
    field: str = STATUS
    endpoint: Endpoint | None = None

    @property
    def shown_field(self) -> str:
        """Where in what the line prints the answer stands; empty when it prints no more."""
        return "" if self.field in (STATUS, SECONDS) else self.field

    @property
    def _address(self) -> Word:
        return join("http://", self.endpoint.var, self.url) if self.endpoint else self.url

    def command(self) -> Command:
        shown = {STATUS: "%{http_code}\\n", SECONDS: "%{time_total}\\n"}.get(self.field)
        what = ("-o", "/dev/null", "-w", shown) if shown else ("--get",)
        return command("curl", "-sS", "--max-time", str(DEADLINE_S), *what, self._address)

    def parse(self, text: str) -> Answer:
        if self.field == STATUS:
            # 000: curl had no answer.
            if not text.strip().isdigit() or int(text) == 0:
                raise CouldNotTell(f"not a status code: {beginning(text, 80)!r}")
            return text.strip()
        if self.field == SECONDS:
            try:
                return f"{float(text):g}"
            except ValueError as error:
                raise CouldNotTell(f"no number of seconds: {beginning(text, 80)!r}") from error
        return self._inside(text)

    def _inside(self, text: str) -> Answer:
        try:
            found = json.loads(text)
        except ValueError as error:
            raise CouldNotTell(f"not JSON: {beginning(text, 80)!r}") from error
        for step in self.field.split("."):
            try:
                found = found[int(step)] if isinstance(found, list) else found[step]
            except (LookupError, TypeError, ValueError):
                return Absent(f"the field {self.field}")
        return found if isinstance(found, str) else json.dumps(found)

    def read(self, clients: Connections) -> Reading:
        if self.endpoint is None:
            return self._ask(clients)
        return through(clients, self.endpoint, lambda address: self._ask(clients))

    def _ask(self, clients: Connections) -> Reading:
        import requests

        url = clients.resolve(self._address)
        try:
            answer = within(DEADLINE_S + 1, url, lambda: http_get(url, DEADLINE_S))
        except requests.RequestException as error:
            raise could_not_ask(url, error) from error
        if self.field == STATUS:
            return Reading(answer=str(answer.status_code))
        if self.field == SECONDS:
            return Reading(answer=f"{answer.elapsed.total_seconds():g}")
        return Reading(answer=self._inside(answer.text))
