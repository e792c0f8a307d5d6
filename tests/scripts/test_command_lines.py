"""The tools as a responder runs them: usage, and servers that do not answer as they should."""

from __future__ import annotations

import os
import runpy
import warnings
from pathlib import Path

import pytest
import yaml
from kubernetes.config import kube_config

from tests.bad_input.servers import Bad, serving
from tests.forked import ROOT, Ended, forked

TOOLS = ("diagnose_driver", "keep_last_good")


def run(tool: str, *words: str, kubeconfig: Path | str = "") -> Ended:
    """As by its path; a warning is an error."""
    script = f"scripts/spark/{tool}.py"

    def program() -> None:
        warnings.simplefilter("error")
        # The library reads KUBECONFIG when it is imported, and here it was already.
        kube_config.KUBE_CONFIG_DEFAULT_LOCATION = str(kubeconfig)
        runpy.run_path(script, run_name="__main__")

    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    done = forked(program, (script, *words), ROOT, environment)
    assert "Traceback" not in done.err, done.err
    return done


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


@pytest.mark.parametrize("tool", TOOLS)
def test_help_teaches(tool: str) -> None:
    done = run(tool, "--help")
    assert done.code == 0
    for word in ("Example:", "Exit codes:", "KUBECONFIG", "--json", f"{tool}.py --namespace"):
        assert word in done.out


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--namespace", "shop"),
        ("--namespace", "shop", "orders,spark-role=executor"),
        ("--namespace", "shop", "Orders"),
        ("--namespace", "shop", ""),
        ("--namespace", "shop", "--wrong", "orders"),
    ],
)
def test_bad_usage(tool: str, words: tuple[str, ...], tmp_path: Path) -> None:
    done = run(tool, *words, kubeconfig=kubeconfig(tmp_path, "http://127.0.0.1:1"))
    assert (done.code, done.out) == (2, "")


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("content", [None, "", "[", "current-context: lab\n"])
def test_no_usable_kubeconfig(tool: str, content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)
    done = run(tool, "--namespace", "shop", "orders", kubeconfig=path)
    assert (done.code, done.out) == (2, "")
    assert "Set KUBECONFIG" in done.err


def test_an_unknown_context(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "http://127.0.0.1:1")
    done = run("diagnose_driver", "--namespace=shop", "--context=moon", "orders", kubeconfig=path)
    assert done.code == 2
    assert "moon" in done.err


@pytest.mark.parametrize("tool", TOOLS)
def test_nobody_answers(tool: str, tmp_path: Path) -> None:
    done = run(
        *(tool, "--namespace", "shop", "--json", "orders"),
        kubeconfig=kubeconfig(tmp_path, "http://127.0.0.1:1"),
    )
    assert (done.code, done.out) == (4, "")
    assert "no answer from the API" in done.err


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, "<html>log in</html>", "the answer is no JSON"),
        (200, '{"items": [', "the answer is no JSON"),
        (200, "{}", "is not what was asked for"),
        (401, "", "the API answered 401"),
        (503, "", "the API answered 503"),
    ],
)
def test_an_answer_of_no_use(tool: str, status: int, body: str, said: str, tmp_path: Path) -> None:
    with serving(lambda path: Bad(status, body)) as server:
        path = kubeconfig(tmp_path, server.url)
        done = run(tool, "--namespace", "shop", "orders", kubeconfig=path)
    assert (done.code, done.out) == (4, "")
    assert said in done.err


def test_a_server_that_knows_no_pods(tmp_path: Path) -> None:
    with serving(lambda path: Bad(404, "{}")) as server:
        path = kubeconfig(tmp_path, server.url)
        done = run("diagnose_driver", "--namespace", "shop", "orders", kubeconfig=path)
    assert done.code == 4
    assert "404; is this a Kubernetes API?" in done.err
