"""What the reaper says of itself: health and metrics, and nothing that could be asked of it."""

import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, make_wsgi_app

from drillbook.changes.undo.lease import Lease

PORT = 8080
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


@dataclass
class Metrics:
    """Counted since the process began."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    drills: Gauge = field(init=False)
    undoing: Gauge = field(init=False)
    undone: Counter = field(init=False)
    failed: Counter = field(init=False)
    unanswered: Counter = field(init=False)

    def __post_init__(self) -> None:
        prefix, where = "drillbook_reaper_", self.registry
        self.drills = Gauge(f"{prefix}drills", "Drills that hold a lease.", registry=where)
        self.undoing = Gauge(f"{prefix}undoing", "Drills that are being undone.", registry=where)
        self.undone = Counter(f"{prefix}undone", "Dead drills undone, verified.", registry=where)
        self.failed = Counter(f"{prefix}undo_failed", "Undos that failed.", registry=where)
        self.unanswered = Counter(
            f"{prefix}rounds_unanswered", "Rounds without an answer of the API.", registry=where
        )

    def saw(self, found: Collection[Lease], undoing: Collection[str]) -> None:
        self.drills.set(len(found))
        self.undoing.set(len(undoing))


def serve(metrics: Metrics, healthy: Callable[[], str], port: int = PORT) -> None:
    """GET /metrics and GET /healthz (503 with why not), from a thread of its own."""
    exposition: Wsgi = make_wsgi_app(metrics.registry)

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "GET":
            start("405 Method Not Allowed", [("Allow", "GET")])
            return [b""]
        if environ["PATH_INFO"] == "/metrics":
            return exposition(environ, start)
        if environ["PATH_INFO"] != "/healthz":
            start("404 Not Found", [])
            return [b"GET /healthz or /metrics\n"]
        why = healthy()
        start("503 Service Unavailable" if why else "200 OK", [("Content-Type", "text/plain")])
        return [f"{why or 'ok'}\n".encode()]

    server = make_server("", port, answer, server_class=_Patient, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()


class _Patient(ThreadingMixIn, WSGIServer):
    """A connection that says nothing holds no other up."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    """A probe every second is no news."""

    timeout = 5
    """Seconds that a connection may say nothing."""

    def log_message(self, *words: object) -> None:
        return
