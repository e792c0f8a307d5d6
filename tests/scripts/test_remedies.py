"""Every diagnosis has a remedy, and its commands are lines that a shell reads as meant."""

import json
import shlex
from dataclasses import replace

import pytest

from scripts.spark import diagnosis
from scripts.spark.remedies import Place, remedy_for, tripled

PLACE = Place(
    context="staging", namespace="shop", application="orders", pod="orders-1", memory_limit="1Gi"
)
CAUSES = (
    diagnosis.OOM,
    diagnosis.MODULE,
    diagnosis.CONFIGURATION,
    diagnosis.NONE,
    diagnosis.UNKNOWN,
)


@pytest.mark.parametrize("cause", CAUSES)
def test_every_command_names_its_context_and_namespace(cause: str) -> None:
    remedy = remedy_for(cause, PLACE)
    assert remedy.text
    for line in remedy.commands:
        assert shlex.split(line)[:5] == ["kubectl", "--context", "staging", "-n", "shop"]


def test_nothing_is_mended_where_nothing_is_wrong() -> None:
    assert remedy_for(diagnosis.NONE, PLACE).commands == ()


def test_without_a_context_kubectl_uses_its_own() -> None:
    (line,) = remedy_for(diagnosis.OOM, replace(PLACE, context="")).commands
    assert (
        line
        == "kubectl -n shop set resources deployment/orders -c spark-driver --limits=memory=3Gi"
    )


@pytest.mark.parametrize(
    ("limit", "raised"), [("1Gi", "3Gi"), ("700Mi", "2100Mi"), ("", "3Gi"), ("1.5Gi", "3Gi")]
)
def test_the_first_step_for_memory(limit: str, raised: str) -> None:
    assert tripled(limit) == raised


def test_a_setting_is_read_then_set_then_the_driver_restarted() -> None:
    read, patch, restart = map(shlex.split, remedy_for(diagnosis.MODULE, PLACE).commands)
    assert read[5:] == ["get", "configmap/orders-conf", "-o", "jsonpath={.data.library-path}"]
    assert json.loads(patch[-1]) == {"data": {"library-path": "/app/lib"}}
    assert restart[5:] == ["rollout", "restart", "deployment/orders"]


def test_what_to_look_at_next_names_the_pod_where_there_is_one() -> None:
    assert "describe pod orders-1" in remedy_for(diagnosis.UNKNOWN, PLACE).commands[0]
    lost = remedy_for(diagnosis.UNKNOWN, replace(PLACE, pod=""))
    assert "describe pod -l spark-role=driver" in lost.commands[0]
