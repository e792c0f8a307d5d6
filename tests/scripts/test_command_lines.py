"""The tools as a responder runs them: usage, and servers that do not answer as they should."""

import os
import runpy
import warnings
from pathlib import Path

import pytest
from kubernetes.config import kube_config

from tests.bad_input.servers import Bad, serving
from tests.cluster.test_kubeconfig import kubeconfig_of
from tests.forked import ROOT, Ended, forked

SCRIPT = "scripts/spark/keep_last_good.py"


def run(*words: str, kubeconfig: Path | str = "") -> Ended:
    """As by its path; a warning is an error."""

    def program() -> None:
        warnings.simplefilter("error")
        # The library reads KUBECONFIG when it is imported, and here it was already.
        kube_config.KUBE_CONFIG_DEFAULT_LOCATION = str(kubeconfig)
        runpy.run_path(SCRIPT, run_name="__main__")

    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    done = forked(program, (SCRIPT, *words), ROOT, environment)
    assert "Traceback" not in done.err, done.err
    return done


def test_help_teaches() -> None:
    done = run("--help")
    assert done.code == 0
    for word in (
        "Example:",
        "Exit codes:",
        "KUBECONFIG",
        "--json",
        "keep_last_good.py --namespace",
    ):
        assert word in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), ""),
        (("--namespace", "shop"), ""),
        (("--namespace", "shop", "orders,spark-role=executor"), ""),
        (("--namespace", "shop", "Orders"), ""),
        (("--namespace", "shop", ""), ""),
        (("--namespace", "shop", "--wrong", "orders"), ""),
        (("--namespace", "shop", "--context", "moon", "orders"), "moon"),
    ],
)
def test_bad_usage(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = run(*words, kubeconfig=kubeconfig_of(tmp_path, "http://127.0.0.1:1"))
    assert (done.code, done.out, said in done.err) == (2, "", True)


@pytest.mark.parametrize("content", [None, "", "[", "current-context: lab\n"])
def test_no_usable_kubeconfig(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)
    done = run("--namespace", "shop", "orders", kubeconfig=path)
    assert (done.code, done.out) == (2, "")
    assert "Set KUBECONFIG" in done.err


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "no answer from the API"),
        (Bad(200, "<html>log in</html>"), "the answer is no JSON"),
        (Bad(200, '{"items": ['), "the answer is no JSON"),
        (Bad(200, "{}"), "is not what was asked for"),
        (Bad(401, ""), "the API answered 401"),
        (Bad(503, ""), "the API answered 503"),
        (Bad(404, "{}"), "404; is this a Kubernetes API?"),
    ],
)
def test_an_answer_of_no_use(answer: Bad | None, said: str, tmp_path: Path) -> None:
    with serving(lambda path: answer or Bad()) as server:
        path = kubeconfig_of(tmp_path, server.url if answer else "http://127.0.0.1:1")
        done = run("--namespace", "shop", "--json", "orders", kubeconfig=path)
    assert (done.code, done.out) == (4, "")
    assert said in done.err
