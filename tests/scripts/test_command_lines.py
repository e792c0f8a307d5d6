"""The tools as a responder runs them: usage, and servers that do not answer as they should."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TOOLS = ("diagnose_driver", "keep_last_good")


def run(tool: str, *words: str, kubeconfig: Path | str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "PYTHONWARNINGS": "error"}
    return subprocess.run(
        [sys.executable, f"scripts/spark/{tool}.py", *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def kubeconfig(folder: Path, server: str) -> Path:
    """One context, `lab`, with a server and no credentials."""
    path = folder / "kubeconfig"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": {"server": server}}],
        "users": [{"name": "lab", "user": {}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab"}}],
        "current-context": "lab",
    }
    path.write_text(yaml.safe_dump(content))
    return path


class Answer(BaseHTTPRequestHandler):
    """Every question gets the answer that its server holds."""

    def do_GET(self) -> None:
        status, body = self.server.answer  # type: ignore[attr-defined]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Not on the test's terminal."""


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server that answers with the parameter: a status and a body."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as running:
        running.answer = request.param  # type: ignore[attr-defined]
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.mark.parametrize("tool", TOOLS)
def test_help_teaches(tool: str) -> None:
    done = run(tool, "--help")
    assert done.returncode == 0
    for word in ("Example:", "Exit codes:", "KUBECONFIG", "--json", f"{tool}.py --namespace"):
        assert word in done.stdout


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    "words",
    [
        (),
        ("orders",),
        ("--namespace", "shop"),
        ("--namespace", "shop", "orders", "more"),
        ("--namespace", "shop", "orders,spark-role=executor"),
        ("--namespace", "shop", "Orders"),
        ("--namespace", "../shop", "orders"),
        ("--namespace", "shop", "$(id)"),
        ("--namespace", "shop", ""),
        ("--namespace", "shop", "--wrong", "orders"),
    ],
)
def test_bad_usage(tool: str, words: tuple[str, ...], tmp_path: Path) -> None:
    done = run(tool, *words, kubeconfig=kubeconfig(tmp_path, "http://127.0.0.1:1"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("content", [None, "", "[", "current-context: lab\n"])
def test_no_usable_kubeconfig(tool: str, content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)
    done = run(tool, "--namespace", "shop", "orders", kubeconfig=path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Set KUBECONFIG" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_context(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "http://127.0.0.1:1")
    done = run("diagnose_driver", "--namespace=shop", "--context=moon", "orders", kubeconfig=path)
    assert done.returncode == 2
    assert "moon" in done.stderr


@pytest.mark.parametrize("tool", TOOLS)
def test_nobody_answers(tool: str, tmp_path: Path) -> None:
    done = run(
        *(tool, "--namespace", "shop", "--json", "orders"),
        kubeconfig=kubeconfig(tmp_path, "http://127.0.0.1:1"),
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert "no answer from the API" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    ("server", "said"),
    [
        ((200, b"<html>log in</html>"), "the answer is no JSON"),
        ((200, b'{"items": ['), "the answer is no JSON"),
        ((200, b"[]"), "is not what was asked for"),
        ((200, b"{}"), "is not what was asked for"),
        ((401, b""), "the API answered 401"),
        ((403, b"{}"), "the API answered 403"),
        ((429, b""), "the API answered 429"),
        ((503, b""), "the API answered 503"),
    ],
    indirect=["server"],
)
def test_an_answer_of_no_use(tool: str, server: str, said: str, tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, server)
    done = run(tool, "--namespace", "shop", "orders", kubeconfig=path)
    assert (done.returncode, done.stdout) == (4, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("server"), [(404, b"{}")], indirect=True)
def test_a_server_that_knows_no_pods(server: str, tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, server)
    done = run("diagnose_driver", "--namespace", "shop", "orders", kubeconfig=path)
    assert done.returncode == 4
    assert "404; is this a Kubernetes API?" in done.stderr
