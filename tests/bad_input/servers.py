"""Real HTTP servers that answer badly, each on a port of its own."""

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
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
    asked: list[str]


@contextmanager
def handling(handle: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """The URL of a server on a port of its own, which hands over every request."""

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            handle(self)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_one

        def log_message(self, *words: Any) -> None:
            """Quiet."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            if not isinstance(sys.exception(), OSError):  # a client that gave up is no mistake
                super().handle_error(request, client_address)

    server = Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving(answer: Callable[[str], Bad]) -> Iterator[Server]:
    """One that answers by the path."""
    ending, asked = threading.Event(), list[str]()

    def handle(request: BaseHTTPRequestHandler) -> None:
        asked.append(f"{request.command} {request.path}")
        bad = answer(request.path)
        ending.wait(bad.silent_s)
        data = bad.body.encode()
        request.send_response(bad.status)
        for name, value in bad.headers:
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(data) + bad.promised))
        request.end_headers()
        with suppress(OSError):
            if not bad.between_s:
                request.wfile.write(data)
            for byte in data if bad.between_s else b"":
                request.wfile.write(bytes([byte]))
                request.wfile.flush()
                if ending.wait(bad.between_s):
                    return

    with handling(handle) as url:
        try:
            yield Server(url, asked)
        finally:
            ending.set()


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
