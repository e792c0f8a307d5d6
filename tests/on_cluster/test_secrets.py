"""A drill whose workload shows its Secret everywhere it can: no artefact holds it."""

from __future__ import annotations

import base64

import pytest

from drillbook.model import Undo, Verdict
from tests.on_cluster.checkouts import Checkout

pytestmark = pytest.mark.cluster

SECRET = "hunter2-correct-horse-battery"  # noqa: S105 - of nothing
MANIFESTS = "fixtures/spark/orders/manifests.yaml"
IN_IT = f"""
---
apiVersion: v1
kind: Secret
metadata:
  name: orders-database
stringData:
  url: "postgresql://orders:{SECRET}@db:5432/orders"
"""
TOLD = (SECRET, base64.b64encode(f"orders:{SECRET}".encode()).decode())
# In pieces: what a command line holds is the runbook's own text, not what was seen.
LOUD = "; ".join(f"echo {text[:9]}''{text[9:]}" for text in TOLD)


def test_no_artefact_of_a_drill_holds_a_secret(checkout: Checkout) -> None:
    manifests = checkout.root / MANIFESTS
    manifests.write_text(manifests.read_text("utf-8").rstrip() + IN_IT, "utf-8")
    checkout.edit(
        "steps/spark.py",
        'command=line,\n        keeps=Kept(var=Var("MEMORY_LIMIT_BEFORE")',
        f'command=command("bash", "-c", {LOUD + "; exit 1"!r}),\n'
        '        keeps=Kept(var=Var("MEMORY_LIMIT_BEFORE")',
    )
    code, said = checkout.drill(
        *("--cause", "driver-oom", "--control", "plain"),
        PYTEST_ADDOPTS=f"--junitxml={checkout.root}/junit.xml --alluredir={checkout.root}/allure",
    )
    record = checkout.record
    assert (code, record.undo) == (1, Undo.VERIFIED), said
    texts = {"terminal": said}
    for place in ("reports", "junit.xml", "allure"):
        found = [checkout.root / place, *(checkout.root / place).rglob("*")]
        texts |= {str(p): p.read_text("utf-8") for p in found if p.is_file()}
    assert {"junit.xml", "logs"} <= {p.split("/")[-1] for p in texts} | {
        p.split("/")[-2] for p in texts if "/" in p
    }
    (failed,) = [s for one in record.scenarios for s in one.steps if s.verdict is Verdict.FAILED]
    assert failed.observed == "exit 1: [redacted]\n[redacted]"
    for name, text in texts.items():
        for secret in TOLD:
            assert secret not in text, name
