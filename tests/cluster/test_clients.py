"""Every request to the Kubernetes API has a deadline."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml

from drillbook.cluster import scratch
from drillbook.cluster.clients import Connections
from drillbook.cluster.deadline import within
from drillbook.cluster.settings import Settings
from drillbook.model.errors import CouldNotTell
from tests.bad_input.servers import never_answering
from tests.cluster.test_kubeconfig import kubeconfig_of


def test_discovery_of_a_server_that_says_nothing_ends(tmp_path: Path) -> None:
    with never_answering() as url:
        settings = Settings(
            root=tmp_path, kubeconfig=kubeconfig_of(tmp_path, url), request_timeout_s=0.5
        )
        begin = time.monotonic()
        with pytest.raises(CouldNotTell):
            Connections(settings, {}).resource("v1", "Pod")
        assert time.monotonic() - begin < 20


KEY = "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCg=="
KILLED = """
import os, signal, sys
from pathlib import Path
from drillbook.cluster.settings import Settings
from drillbook.cluster.clients import Connections
root = Path(sys.argv[1])
Connections(Settings(root=root, kubeconfig=root / "kubeconfig"), {}).core
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_its_keys_where_the_next_removes_them(tmp_path: Path) -> None:
    path = kubeconfig_of(tmp_path, "http://127.0.0.1:9")
    document = yaml.safe_load(path.read_text())
    document["users"][0]["user"] = {"client-certificate-data": KEY, "client-key-data": KEY}
    document["clusters"][0]["cluster"] = {
        "server": "https://127.0.0.1:9",
        "certificate-authority-data": KEY,
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    top = tmp_path / "tmp"
    top.mkdir()
    words = (sys.executable, "-c", KILLED, str(tmp_path))
    ended = subprocess.run(words, env={**os.environ, "TMPDIR": str(top)}, check=False)
    assert ended.returncode == -signal.SIGKILL
    (left,) = top.iterdir()
    assert len(list(left.iterdir())) > 1
    scratch.remove_dead(top)
    assert list(top.iterdir()) == []


def test_a_command_gets_no_secret_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"HOME": "/h", "LANG": "C", "LC_ALL": "C.UTF-8", "TZ": "UTC", "SSL_CERT_FILE": "/ca"}
    others = ("PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "https_proxy", "HTTPS_PROXY", "GITHUB_TOKEN")
    for name, value in (*kept.items(), *((name, "x") for name in others)):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", "/ours")
    settings = Settings(root=tmp_path, kubeconfig=kubeconfig_of(tmp_path, "u"), tool_path="/tools")
    found = Connections(settings, {"APP": "orders", "TZ": "the drill's"}).environment()
    assert {**kept, "TZ": "the drill's", "APP": "orders"}.items() <= found.items()
    assert found["KUBECONFIG"] == str(settings.kubeconfig)
    assert found["PATH"].startswith("/tools:")
    assert found["PATH"].endswith(":/ours")
    assert not set(others) & set(found)


@pytest.mark.parametrize("error", [CouldNotTell("no"), KeyError("k"), SystemExit(1)])
def test_what_is_read_or_raised_comes_through(error: BaseException) -> None:
    def read() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        within(5, "x", read)
    assert caught.value is error
    assert within(5, "x", lambda: None) is None


def test_what_does_not_end_is_given_up_and_named() -> None:
    ended = threading.Event()
    with pytest.raises(CouldNotTell, match=r"the log of x: it did not end within 0\.05 s"):
        within(0.05, "the log of x", ended.wait)
    ended.set()
