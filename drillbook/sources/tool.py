"""A tool under scripts/: run as a child process by the very line that the page prints."""

import json
import subprocess
from dataclasses import dataclass

from drillbook.cluster.clients import Connections
from drillbook.model import Absent, Answer, Command, Reading, Word, command
from drillbook.model.errors import CouldNotTell, beginning

DEADLINE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Tool:
    """Answers with one field of the JSON object that the tool prints, as text."""

    words: tuple[Word, ...]
    field: str

    def command(self) -> Command:
        return command(*self.words)

    def parse(self, text: str) -> Answer:
        try:
            found = json.loads(text)
        except ValueError as error:
            raise CouldNotTell(f"{self.command()}: printed no JSON: {beginning(text)!r}") from error
        if not isinstance(found, dict) or found.get(self.field) is None:
            return Absent(f"field {self.field}")
        return str(found[self.field])

    def read(self, clients: Connections) -> Reading:
        line = str(self.command())
        try:
            done = subprocess.run(
                ["bash", "-eu", "-c", line],
                env=clients.environment(),
                cwd=clients.settings.root,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=DEADLINE_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise CouldNotTell(f"{line}: no answer in {DEADLINE_S:g} s.") from error
        except OSError as error:
            raise CouldNotTell(f"{line}: could not be started: {error.strerror}.") from error
        if done.returncode != 0:
            raise CouldNotTell(
                f"{line}: exit {done.returncode}: {_end(done.stderr.strip()) or 'no message'}"
            )
        return Reading(answer=self.parse(done.stdout))


def _end(text: str, width: int = 300) -> str:
    """The last words of a text. Whole ones: half of a secret would not be known to be one."""
    return text if len(text) <= width else text[-width:].partition(" ")[2]
