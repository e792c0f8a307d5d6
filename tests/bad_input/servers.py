"""Real HTTP servers that answer badly, each on a port of its own."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Bad:
    """One answer to every request."""

    status: int = 200
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    promised: int = 0
    """Bytes that the header promises beyond what comes."""
    silent_s: float = 0.0
    """Seconds before anything is said."""
    between_s: float = 0.0
    """Seconds between two bytes."""


def as_json(status: int, body: object) -> Bad:
    """A good answer of a server of JSON."""
    return Bad(status, json.dumps(body), (("Content-Type", "application/json"),))


@dataclass
class Server:
    """Where it is, and what it was asked."""

    url: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[str], Bad]) -> Iterator[Server]:
    ending = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            found.asked.append(f"{self.command} {self.path}")
            bad = answer(self.path)
            ending.wait(bad.silent_s)
            data = bad.body.encode()
            self.send_response(bad.status)
            for name, value in bad.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data) + bad.promised))
            self.end_headers()
            with suppress(OSError):
                self.send(data, bad.between_s)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer

        def send(self, data: bytes, between_s: float) -> None:
            if not between_s:
                self.wfile.write(data)
                return
            for byte in data:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                if ending.wait(between_s):
                    return

        def log_message(self, *words: Any) -> None:
            """Quiet."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that gave up is what these tests are about."""

    server = Quiet(("127.0.0.1", 0), Handler)
    found = Server(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield found
    finally:
        ending.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def never_answering() -> Iterator[str]:
    """Takes every connection, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def timed(limit_s: float) -> Iterator[None]:
    begin = time.monotonic()
    yield
    took = time.monotonic() - begin
    assert took < limit_s, f"it took {took:.1f} s"
