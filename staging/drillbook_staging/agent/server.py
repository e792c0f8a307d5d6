"""The agent's socket: one JSON object per line in, one out."""

import json
import logging
import os
import socketserver
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drillbook.changes.host_agent import address
from drillbook.model.errors import DrillbookError, Refused, UndoFailed
from drillbook_staging.agent import requests
from drillbook_staging.agent.change import Change
from drillbook_staging.agent.keeper import Keeper
from drillbook_staging.agent.requests import Apply, Hello, Renew, Request, Undo

SILENT_FOR_S = 300.0
"""A connection on which nobody asks anything is closed."""

log = logging.getLogger("drillbook.agent")

Answer = Mapping[str, Any]


@dataclass(frozen=True)
class Desk:
    """Turns a line into an answer."""

    keeper: Keeper
    version: str
    parent: int
    """Who started this process; somebody else is its parent once that one has died."""

    def answer(self, line: bytes) -> Answer:
        """Never raises what a request can cause: that is an answer too."""
        try:
            return self._do(requests.read(line))
        except Refused as error:
            return _error("refused", error)
        except UndoFailed as error:
            return _error("undo-failed", error)
        except (DrillbookError, OSError) as error:
            return _error("could-not-tell", error)

    def _do(self, request: Request) -> Answer:
        if isinstance(request, Hello):
            return {
                "version": self.version,
                "nodes": self.keeper.nodes(),
                "supervised": os.getppid() == self.parent,
            }
        if isinstance(request, Apply):
            return {"change": _told([self.keeper.apply(request)])[0]}
        if isinstance(request, Renew):
            return {"renewed": _told(self.keeper.renew(request.drill, request.expires))}
        if isinstance(request, Undo):
            return {"undone": _told(self.keeper.undo(request.drill))}
        return {"held": _told(self.keeper.held())}


def _told(changes: list[Change]) -> list[Answer]:
    return [each.model_dump(mode="json") for each in changes]


def _error(kind: str, error: Exception) -> Answer:
    log.info("%s: %s", kind, error)
    return {"error": str(error), "kind": kind}


class Server(socketserver.ThreadingUnixStreamServer):
    """Listens at a path that is root's alone."""

    daemon_threads = True

    def __init__(self, path: Path, desk: Desk) -> None:
        """Raises OSError."""
        self.desk = desk
        path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            with address(path) as name:
                super().__init__(name, _Line)
        finally:
            os.umask(before)

    def handle_error(self, request: object, client_address: object) -> None:
        log.exception("a connection ended badly")


class _Line(socketserver.StreamRequestHandler):
    server: Server
    timeout = SILENT_FOR_S

    def handle(self) -> None:
        longest = requests.LONGEST_LINE + 1
        while line := self.rfile.readline(longest):
            self.wfile.write(json.dumps(self.server.desk.answer(line)).encode() + b"\n")
            if len(line) == longest:
                return  # what follows is the rest of it, no request
