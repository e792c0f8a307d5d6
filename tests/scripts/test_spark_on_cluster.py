"""What no drill shows of the tool on a real cluster: a dry run, a configuration that is kept
already, and one that is not kept because the driver does not use it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drillbook_staging import state
from drillbook_staging.places import places
from fixtures.spark import streaming_application
from scripts.spark.keep_last_good import FALLBACK
from tests.waiting import await_

pytestmark = pytest.mark.cluster
ROOT = Path(__file__).parents[2]
NAMESPACE = f"drill-tools-{os.getpid()}"
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """The administrator's: the tools are tried by themselves, without a drill."""
    known = state.read(places())
    assert known, "no staging cluster: run `drillbook staging up`"
    path = f"{known.bin}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "KUBECONFIG": str(known.kubeconfig), "PATH": path}


Kubectl = Callable[..., str]


@pytest.fixture(scope="module")
def kubectl(environment: dict[str, str]) -> Kubectl:
    def run(*words: str, given: str | None = None) -> str:
        line = ["kubectl", "-n", NAMESPACE, *words]
        done = subprocess.run(
            line, env=environment, input=given, capture_output=True, text=True, check=True
        )
        return done.stdout

    return run


@pytest.fixture(scope="module")
def orders(kubectl: Kubectl) -> Iterator[str]:
    """The application's name, once it makes progress for the first time."""
    # `staging up` builds the core alone; a drill has its images brought, and so has this test.
    program = "from drillbook.cli.app import main; main()"
    words = (sys.executable, "-c", program, "staging", "images", "spark")
    subprocess.run(words, cwd=ROOT, check=True)
    kubectl("create", "namespace", NAMESPACE)
    try:
        objects = [in_namespace(dict(m)) for m in streaming_application("orders")]
        listed = {"apiVersion": "v1", "kind": "List", "items": objects}
        kubectl("apply", "-f", "-", given=json.dumps(listed))
        yield "orders"
    finally:
        kubectl("delete", "namespace", NAMESPACE)


def in_namespace(manifest: dict[str, Any]) -> dict[str, Any]:
    """A RoleBinding alone has to be told where its account is."""
    if manifest["kind"] != "RoleBinding":
        return manifest
    return {**manifest, "subjects": [{**s, "namespace": NAMESPACE} for s in manifest["subjects"]]}


def keep(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    line = [
        sys.executable,
        "scripts/spark/keep_last_good.py",
        "--namespace",
        NAMESPACE,
        *words,
        "orders",
    ]
    return subprocess.run(
        line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def configure(kubectl: Kubectl, **data: str) -> None:
    patch = json.dumps({"data": {key.replace("_", "-"): value for key, value in data.items()}})
    kubectl("patch", "configmap", "orders-conf", "--type=merge", "-p", patch)
    kubectl("rollout", "restart", "deployment/orders")


def test_a_configuration_is_kept_once_and_only_while_it_is_used(
    orders: str, environment: dict[str, str], kubectl: Kubectl
) -> None:
    dry_run = (environment, "--dry-run")
    await_("a dry run", lambda: keep(*dry_run).returncode == 0, PATIENCE_S, every_s=1)
    assert "orders-conf-last-good" not in kubectl("get", "configmaps", "-o", "name")

    assert keep(environment).stdout.startswith("orders-conf-last-good: kept\n")
    again = keep(environment)
    assert again.stdout.startswith("orders-conf-last-good: unchanged\n")

    configure(kubectl, driver_memory="256m")
    refused = "runs on the last good one"
    await_(refused, lambda: refused in keep(environment).stderr, PATIENCE_S, every_s=1)
    assert FALLBACK in kubectl("logs", "deployment/orders", "--tail=-1")
