"""A real HTTP server that answers badly: every bad answer is CouldNotTell, never a verdict."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from drillbook.errors import CouldNotTell, UsageError
from drillbook.model import Absent, AlertState
from drillbook.settings import Settings
from drillbook.sources import FiringAlert, Http, PromQL
from drillbook.sources.clients import Connections

Answer = Callable[[str], tuple[int, str]]


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *words: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def connections(root: Path, url: str) -> Connections:
    values = {"PROMETHEUS": url, "ALERTMANAGER": url, "NAMESPACE": "drill-x"}
    return Connections(Settings(root=root, request_timeout_s=2), values)


def ok(data: Any) -> tuple[int, str]:
    return 200, json.dumps({"status": "success", "data": data})


BATCH = PromQL(metric="batch", labels=(("app", "x"),))
MATRIX = {"resultType": "matrix", "result": []}


@pytest.mark.parametrize(
    "answer",
    [
        (500, "oops"),
        (401, "who are you"),
        (429, "slow down"),
        (200, "<html>log in</html>"),
        (200, '{"status": "succ'),
        (200, '{"status": "error"}'),
        (200, '["a", "list"]'),
    ],
)
def test_a_bad_answer_is_could_not_tell(tmp_path: Path, answer: tuple[int, str]) -> None:
    with serving(lambda path: answer) as url, pytest.raises(CouldNotTell, match="answer"):
        BATCH.read(connections(tmp_path, url))


def test_nobody_at_home_is_could_not_tell(tmp_path: Path) -> None:
    with pytest.raises(CouldNotTell, match="no usable answer"):
        BATCH.read(connections(tmp_path, "http://127.0.0.1:9"))


def test_an_unknown_metric_is_not_an_absent_series(tmp_path: Path) -> None:
    def knows(*names: str) -> Answer:
        return lambda path: ok(list(names) if "/label/" in path else MATRIX)

    with serving(knows("other")) as url, pytest.raises(CouldNotTell, match="no metric named batch"):
        BATCH.read(connections(tmp_path, url))
    with serving(knows("batch")) as url:
        assert isinstance(BATCH.read(connections(tmp_path, url)).answer, Absent)


def rules(health: str = "ok", *alerts: dict[str, Any]) -> dict[str, Any]:
    rule = {
        "name": "Down",
        "health": health,
        "lastError": "bad",
        "lastEvaluation": "2026-11-21T03:00:00Z",
        "alerts": list(alerts),
    }
    return {"groups": [{"rules": [rule]}]}


def monitoring(rule: dict[str, Any], listed: list[dict[str, Any]]) -> Answer:
    def answer(path: str) -> tuple[int, str]:
        return ok(rule) if path.startswith("/api/v1/rules") else (200, json.dumps(listed))

    return answer


def alert(namespace: str, state: str) -> dict[str, Any]:
    return {"state": state, "labels": {"namespace": namespace}}


def test_an_alert_of_another_namespace_is_not_this_one(tmp_path: Path) -> None:
    held = (alert("other", "firing"), alert("drill-x", "pending"))
    with serving(monitoring(rules("ok", *held), [])) as url:
        state = FiringAlert(alert="Down").read(connections(tmp_path, url)).answer
    assert state == AlertState(firing=False, pending=True, listed=False)


def test_a_rule_that_is_not_loaded_or_fails_is_could_not_tell(tmp_path: Path) -> None:
    with serving(monitoring(rules(), [])) as url, pytest.raises(CouldNotTell, match="no rule"):
        FiringAlert(alert="Other").read(connections(tmp_path, url))
    with serving(monitoring(rules("err"), [])) as url, pytest.raises(CouldNotTell, match="bad"):
        FiringAlert(alert="Down").read(connections(tmp_path, url))


def test_http_answers_with_the_status(tmp_path: Path) -> None:
    with serving(lambda path: (503, "")) as url:
        reading = Http(url=f"{url}/health").read(connections(tmp_path, url))
    assert reading.answer == "503"
    with pytest.raises(CouldNotTell):
        Http(url="http://127.0.0.1:9").read(connections(tmp_path, ""))


@pytest.mark.parametrize("text", [None, "", "not: a kubeconfig\n", "{"])
def test_a_bad_kubeconfig_is_a_usage_error(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text)
    clients = Connections(Settings(root=tmp_path, kubeconfig=path), {})
    with pytest.raises(UsageError, match="kubeconfig"):
        clients.core  # noqa: B018 - opening is the point


def test_no_kubeconfig_names_the_next_move(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="drillbook staging up"):
        Connections(Settings(root=tmp_path), {}).core  # noqa: B018


def test_an_unreachable_server_is_named_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(CouldNotTell) as caught:
        BATCH.read(connections(tmp_path, "http://127.0.0.1:9"))
    assert str(caught.value).endswith("/api/v1/query: [Errno 111] Connection refused")
