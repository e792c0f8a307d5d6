"""kubeconfig missing, empty, expired, with an `exec` plugin, pointing at a cluster that is not on
the allow-list: exit 2 or 3, with what to do; the plugin does not run."""

from pathlib import Path
from typing import Any

import pytest

from tests.bad_input.command_line import drillbook
from tests.bad_input.servers import Bad, Server, serving
from tests.cluster.test_kubeconfig import kubeconfig


def drilled(checkout: Path, path: Path, **environment: str) -> tuple[int, str]:
    answer = drillbook(checkout, "drill", "--kubeconfig", str(path), **environment)
    assert not (checkout / "reports").exists()
    return answer.code, answer.said


def pointing_at(server: Server, folder: Path, **user: Any) -> Path:
    clusters = [{"name": "c", "cluster": {"server": server.url}}]
    return kubeconfig(folder, user or {"token": "expired"}, clusters=clusters)


def allowing(server: Server) -> dict[str, str]:
    """The server's address is on the list; what it answers is another matter."""
    return {"DRILLBOOK_ALLOWED_HOSTS": f'["{server.url.removeprefix("http://")}"]'}


@pytest.mark.parametrize("text", [None, "", "---\n", "{}", "contexts: 3\n", "just words"])
def test_one_that_is_none(checkout: Path, tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "kubeconfig"
    if text is not None:
        path.write_text(text)
    code, said = drilled(checkout, path)
    assert code == 2, said
    assert str(path) in said


def test_without_any_the_next_move_is_named(checkout: Path) -> None:
    answer = drillbook(checkout, "drill")
    assert answer.code == 2, answer.said
    assert "drillbook staging up" in answer.said


@pytest.mark.parametrize("status", [401, 403])
def test_expired_credentials_are_refused_with_what_to_do(
    checkout: Path, tmp_path: Path, status: int
) -> None:
    body = '{"kind": "Status", "message": "Unauthorized", "code": 401}'
    with serving(lambda path: Bad(status, body)) as server:
        code, said = drilled(checkout, pointing_at(server, tmp_path), **allowing(server))
        assert server.asked != []
    assert code == 3, said
    assert "kubeconfig" in said
    assert "Nothing was changed" in said


@pytest.mark.parametrize("kind", ["exec", "auth-provider"])
def test_a_login_program_does_not_run(checkout: Path, tmp_path: Path, kind: str) -> None:
    canary = tmp_path / "canary"
    program = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "touch",
        "args": [str(canary)],
        "interactiveMode": "Never",
    }
    provider = {"name": "gcp", "config": {"cmd-path": "touch", "cmd-args": str(canary)}}
    with serving(lambda path: Bad(500)) as server:
        user = {kind: program if kind == "exec" else provider}
        path = pointing_at(server, tmp_path, **user)
        code, said = drilled(checkout, path, **allowing(server))
        assert server.asked == []
    assert code == 2, said
    assert "kubectl create token" in said
    assert not canary.exists()


def test_a_cluster_that_is_not_on_the_list_is_not_even_asked(
    checkout: Path, tmp_path: Path
) -> None:
    with serving(lambda path: Bad(500)) as server:
        code, said = drilled(checkout, pointing_at(server, tmp_path))
        assert server.asked == []
    assert code == 3, said
    assert "allowed_hosts" in said
    assert "Nothing was changed" in said
