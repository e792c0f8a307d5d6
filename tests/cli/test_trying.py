"""A sentence for an incident that stands is bound, or refused, before any cluster is asked."""

from pathlib import Path

import pytest

from drillbook.cli.commands.trying import Asked, bound
from drillbook.cluster.settings import Settings
from drillbook.model.errors import DrillbookError

ROOT = Path(__file__).parents[2]
SETTINGS = Settings(root=ROOT)
NAMESPACE = "drill-rb-spark-001-driver-oom-1a2b3c"


@pytest.mark.parametrize(
    ("like", "sentence", "line"),
    [
        ("", 'Then the log of the driver of "orders" contains "Error"', 'name="$APP"'),
        ("", 'the driver of "orders" is ready within 1m', 'get deployments "$APP"'),
        ("RB-ALERT-005", 'the log of the server of "registry-db" contains "x"', "-c postgresql"),
    ],
)
def test_a_check_on_the_background_of_the_namespaces_runbook(
    like: str, sentence: str, line: str
) -> None:
    probe, workload = bound(SETTINGS, Asked(sentence=sentence, namespace=NAMESPACE, like=like))
    assert line in str(probe.source.command())
    assert workload.names


@pytest.mark.parametrize(
    ("sentence", "namespace", "code", "said"),
    [
        ('When the driver of "orders" is restarted', NAMESPACE, 3, "is a When sentence: it chang"),
        ('the driver of "orders" is scaled to nothing', NAMESPACE, 3, "is a Given sentence"),
        ('a person makes sure: "x"', NAMESPACE, 3, "for a person to do"),
        ('the driver of "order" is ready within 1m', NAMESPACE, 2, "there is 'orders'"),
        ('the driver of "orders" is redy within 1m', NAMESPACE, 2, "Closest: '{part} is ready"),
        ('the driver of "orders" is ready within 1m', "default", 2, "--like RB-"),
    ],
)
def test_what_is_no_check_is_refused(sentence: str, namespace: str, code: int, said: str) -> None:
    with pytest.raises(DrillbookError) as caught:
        bound(SETTINGS, Asked(sentence=sentence, namespace=namespace))
    assert (caught.value.exit_code, said in str(caught.value)) == (code, True), caught.value
