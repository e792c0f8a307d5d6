"""Which context a drill uses, and that a kubeconfig's programs never run."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from drillbook.cluster import which
from drillbook.cluster.clients import Connections, context_name
from drillbook.cluster.kubeconfig import server_of
from drillbook.cluster.settings import Settings
from drillbook.model.errors import CouldNotTell, UsageError


def kubeconfig(folder: Path, user: dict[str, Any], **fields: Any) -> Path:
    server = {"server": "http://127.0.0.1:9"}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "contexts": [
            {"name": "one", "context": {"cluster": "c", "user": "u"}},
            {"name": "two", "context": {"cluster": "c", "user": "u"}},
        ],
        "clusters": [{"name": "c", "cluster": server}],
        "users": [{"name": "u", "user": user}],
        **fields,
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path


def kubeconfig_of(folder: Path, server: str, user: str = "t") -> Path:
    """For a server that asks for no more than a token."""
    return kubeconfig(
        folder, {"token": user}, clusters=[{"name": "c", "cluster": {"server": server}}]
    )


def settings(path: Path, **fields: Any) -> Settings:
    return Settings(kubeconfig=path, request_timeout_s=1, **fields)


def test_the_current_context_has_a_name(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, {})
    assert context_name(settings(path)) == "one"
    assert context_name(settings(path, context="two")) == "two"


PLAIN = r"not https.*Write the server's https address"
ELSEWHERE = {"server": "https://10.0.0.1:6443"}


@pytest.mark.parametrize(
    ("cluster", "fix"),
    [
        (None, "cluster 'c' names no server"),
        ({}, "cluster 'c' names no server"),
        ({"server": "http://10.0.0.1:6443"}, PLAIN),
        ({"server": "http://127.0.0.1.example"}, PLAIN),
        ({"server": "10.0.0.1:6443"}, PLAIN),
        ({"server": "https://["}, PLAIN),
        ({**ELSEWHERE, "insecure-skip-tls-verify": True}, "give its `certificate-authority-data`"),
        ({**ELSEWHERE, "proxy-url": "http://proxy.example"}, "write the server's own address"),
    ],
)
def test_a_server_that_is_none_or_that_others_can_overhear_or_answer_for_is_refused(
    tmp_path: Path, cluster: dict[str, Any] | None, fix: str
) -> None:
    clusters = [{"name": "c", "cluster": cluster}]
    given = settings(kubeconfig(tmp_path, {}, clusters=clusters))
    with pytest.raises(UsageError, match=fix):
        server_of(given)
    if cluster and "https://1" in cluster["server"]:
        with pytest.raises(UsageError, match=fix):
            context_name(given)


@pytest.mark.parametrize(
    "server",
    ["https://10.0.0.1:6443", "http://localhost:9", "http://127.0.0.1:9", "http://[::1]:9"],
)
def test_https_and_this_machine_are_not(tmp_path: Path, server: str) -> None:
    clusters = [{"name": "c", "cluster": {"server": server, "insecure-skip-tls-verify": False}}]
    assert server_of(settings(kubeconfig(tmp_path, {}, clusters=clusters))) == server


def test_an_unknown_context_names_the_known_ones(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, {})
    with pytest.raises(UsageError, match=r"no context named 'three'.*one, two"):
        context_name(settings(path, context="three"))
    path = kubeconfig(tmp_path, {}, **{"current-context": ""})
    with pytest.raises(UsageError, match=r"no current context.*one, two"):
        context_name(settings(path))


def login(folder: Path) -> dict[str, Any]:
    return {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "touch",
            "args": [str(folder / "ran")],
            "interactiveMode": "Never",
        }
    }


def test_another_users_program_does_not_matter(tmp_path: Path) -> None:
    users = [{"name": "u", "user": {"token": "t"}}, {"name": "v", "user": login(tmp_path)}]
    clients = Connections(settings(kubeconfig(tmp_path, {}, users=users)), {})
    with pytest.raises(CouldNotTell, match="no usable answer"):
        which.identity(clients)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "document",
    [
        b"- a\n- list\n",
        b"contexts: [text]\n",
        b"contexts: [{name: a, context: b}]\ncurrent-context: a\n",
        b"contexts: [{name: a}, {name: a}]\ncurrent-context: a\n",
    ],
)
def test_what_is_no_kubeconfig_is_a_usage_error(tmp_path: Path, document: bytes) -> None:
    """One that cannot be read, or is none at all: tests/bad_input/test_bad_kubeconfig.py."""
    path = tmp_path / "config"
    path.write_bytes(document)
    with pytest.raises(UsageError, match="config"):
        context_name(settings(path))
