"""A forward is opened, opened again when it went, and ends; what kubectl says is told apart."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drillbook.cluster.forwards import Forwards
from drillbook.model import Absent
from drillbook.model.errors import CouldNotTell

ENVIRONMENT = {"PATH": os.environ["PATH"]}


@pytest.fixture
def forwards() -> Iterator[Forwards]:
    found = Forwards()
    yield found
    found.close()


def kubectl(folder: Path, body: str) -> tuple[str, ...]:
    program = folder / "kubectl"
    program.write_text(f"#!/bin/bash\n{body}\n")
    program.chmod(0o755)
    return (str(program), "port-forward", "service/x", ":5432")


def test_it_is_opened_once_and_again_when_it_went(tmp_path: Path, forwards: Forwards) -> None:
    body = (
        'echo $$ >> "$0.ids"; echo "E1128 memcache.go:287] a warning"; sleep 0.1; '
        'echo "Forwarding from 127.0.0.1:4$(wc -l < $0.ids) -> 5432"; '
        'head -c 99999 /dev/zero; touch "$0.$$"; sleep 60'
    )
    words = kubectl(tmp_path, body)
    assert forwards.address("DB", words, ENVIRONMENT) == "127.0.0.1:41"
    assert forwards.address("DB", words, ENVIRONMENT) == "127.0.0.1:41"
    first = int((tmp_path / "kubectl.ids").read_text().split()[0])
    while not (tmp_path / f"kubectl.{first}").exists():  # a full pipe would stop it before
        time.sleep(0.01)
    os.kill(first, 9)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert forwards.address("DB", words, ENVIRONMENT) == "127.0.0.1:42"
    assert forwards.address("DB", words, ENVIRONMENT, again=True) == "127.0.0.1:43"
    forwards.close()
    last = int((tmp_path / "kubectl.ids").read_text().split()[-1])
    assert not Path(f"/proc/{last}").exists()


def test_it_outlives_the_thread_that_asked_for_it(tmp_path: Path, forwards: Forwards) -> None:
    words = kubectl(tmp_path, 'echo "Forwarding from 127.0.0.1:41 -> 5432"; exec sleep 60')
    asking = threading.Thread(target=lambda: forwards.address("DB", words, ENVIRONMENT))
    asking.start()
    asking.join()
    process, _ = forwards._open["DB"]
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("error: unable to forward port because pod is not running. Status=Pending", True),
        ('Error from server (NotFound): services "x" not found', True),
        ("Unable to connect to the server: dial tcp: no such host", False),
        ("error: You must be logged in to the server (Unauthorized)", False),
        ('Error from server (Forbidden): services "x" is forbidden', False),
        ("error: You have to install the plugin: executable file not found in $PATH", False),
        ("Error from server (InternalError): an error on the server", False),
    ],
)
def test_nothing_behind_it_is_not_the_same_as_no_answer(
    said: str, known: bool, tmp_path: Path, forwards: Forwards
) -> None:
    words = kubectl(tmp_path, f"echo '{said}' >&2; exit 1")
    if known:
        assert isinstance(forwards.address("DB", words, ENVIRONMENT), Absent)
    else:
        with pytest.raises(CouldNotTell, match="port-forward"):
            forwards.address("DB", words, ENVIRONMENT)
