"""A drill whose workload shows its Secret everywhere it can: no artefact holds it."""

import base64

import pytest

from drillbook.model import Undo, Verdict
from tests.on_cluster.checkouts import WRONG, Checkout

pytestmark = pytest.mark.cluster

SECRET = "hunter2-correct-horse-battery"  # noqa: S105 - of nothing
CONFIGURATION = '        {\n            "apiVersion": "v1",\n            "kind": "ConfigMap",'
URL = f"postgresql://orders:{SECRET}@db:5432/orders"
IN_IT = f"""        {{
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {{"name": "database"}},
            "stringData": {{"url": "{URL}"}},
        }},
"""
TOLD = (SECRET, base64.b64encode(f"orders:{SECRET}".encode()).decode())
# In pieces: what a command line holds is the runbook's own text, not what was seen.
LOUD = "; ".join(f"echo {text[:9]}''{text[9:]}" for text in TOLD)


def test_no_artefact_of_a_drill_holds_a_secret(idle: Checkout) -> None:
    idle.edit("steps/idle.py", CONFIGURATION, IN_IT + CONFIGURATION)
    quiet = 'return patched(where, app, \'{"data"'
    loud = f'return Action(command=command("bash", "-c", {LOUD + "; exit 1"!r}), note="Loud.")\n'
    idle.edit("steps/idle.py", quiet, f"{loud}    {quiet}")
    code, said = idle.drill(
        *WRONG,
        DRILLBOOK_PROBE_WITHIN="5s",
        PYTEST_ADDOPTS=f"--junitxml={idle.root}/junit.xml --alluredir={idle.root}/allure",
    )
    record = idle.record
    assert (code, record.undo) == (1, Undo.VERIFIED), said
    texts = {"terminal": said}
    for place in ("reports", "junit.xml", "allure"):
        found = [idle.root / place, *(idle.root / place).rglob("*")]
        texts |= {str(p): p.read_text("utf-8") for p in found if p.is_file()}
    assert {"junit.xml", "logs"} <= {p.split("/")[-1] for p in texts} | {
        p.split("/")[-2] for p in texts if "/" in p
    }
    (failed,) = [s for one in record.scenarios for s in one.steps if s.verdict is Verdict.FAILED]
    assert failed.observed == "exit 1: [redacted]\n[redacted]"
    for name, text in texts.items():
        for secret in TOLD:
            assert secret not in text, name
