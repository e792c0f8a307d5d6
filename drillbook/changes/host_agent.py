"""The engine's end of the socket of the host agent (drillbook_staging.agent)."""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drillbook.model.errors import CouldNotTell, DrillbookError, Refused, UndoFailed

ANSWER_WITHIN_S = 20.0
"""A node's processes are gone, and its journal written, well within this."""
RENEWED_WITHIN_S = 3.0
"""Whoever renews has a lease to renew, too."""
UNDO_WITHIN_S = 120.0
"""A node starts in about a second; on a busy machine its parts may take their 30 s each."""
ERRORS: Mapping[str, type[DrillbookError]] = {"refused": Refused, "undo-failed": UndoFailed}
"""What an answer's `kind` means; `could-not-tell`, and any other: CouldNotTell."""


@dataclass(frozen=True)
class Hello:
    """Who answered."""

    version: str
    """The hash of its code."""
    nodes: tuple[str, ...]
    """Those that can be taken away."""
    supervised: bool
    """Whether somebody would start it again."""


@dataclass(frozen=True)
class Held:
    """A change that is not undone."""

    drill: str
    sequence: int
    verb: str
    node: str
    expires: float
    """UNIX seconds."""
    state: str
    """PLANNED, APPLIED, UNDOING or UNDONE."""
    said: str
    """Why the last try to undo it failed."""


@dataclass(frozen=True)
class HostAgent:
    """Asks the agent at a path. Its methods raise CouldNotTell, and Refused: nothing changed."""

    path: Path

    def hello(self) -> Hello:
        """Who is there."""
        found = self._ask(ANSWER_WITHIN_S, do="hello")
        return Hello(found["version"], tuple(found["nodes"]), found["supervised"])

    def apply(self, drill: str, sequence: int, verb: str, node: str, expires: float) -> Held:
        """Take a node away until `expires` (UNIX seconds, at most an hour ahead). Safe to repeat.
        CouldNotTell may mean that it was done: undo it."""
        about = {"drill": drill, "sequence": sequence, "verb": verb, "node": node}
        return Held(**self._ask(ANSWER_WITHIN_S, do="apply", expires=expires, **about)["change"])

    def renew(self, drill: str, expires: float) -> None:
        """Let all of a drill's changes last until then (UNIX seconds)."""
        self._ask(RENEWED_WITHIN_S, do="renew", drill=drill, expires=expires)

    def undo(self, drill: str) -> tuple[Held, ...]:
        """Bring back all that a drill took away; returns it once processes and links are there
        again. Raises UndoFailed with what is left; the agent goes on trying."""
        found = self._ask(UNDO_WITHIN_S, do="undo", drill=drill)
        return tuple(Held(**each) for each in found["undone"])

    def held(self) -> tuple[Held, ...]:
        """Every drill's changes that are not undone."""
        return tuple(Held(**each) for each in self._ask(ANSWER_WITHIN_S, do="list")["held"])

    def _ask(self, within_s: float, **request: object) -> dict[str, Any]:
        try:
            answer = json.loads(self._exchange(within_s, json.dumps(request).encode() + b"\n"))
        except (OSError, ValueError) as error:
            raise CouldNotTell(
                f"the host agent at {self.path} gave no answer to {request['do']!r}: {error}. "
                "`drillbook staging up` starts it; its log is agent/agent.log beside the socket."
            ) from error
        if "error" in answer:
            kind = ERRORS.get(answer.get("kind", ""), CouldNotTell)
            raise kind(f"the host agent: {answer['error']}")
        return dict(answer)

    def _exchange(self, within_s: float, line: bytes) -> bytes:
        with address(self.path) as name, socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(within_s)
            asking.connect(name)
            asking.sendall(line)
            with asking.makefile("rb") as answers:
                return answers.readline()


@contextmanager
def address(path: Path) -> Iterator[str]:
    """A name for a socket's path of at most 107 bytes, the kernel's limit. Raises OSError."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
