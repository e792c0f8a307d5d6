"""Objects captured from a real cluster, read and diagnosed; and the same objects, altered."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scripts.spark.diagnosis import Diagnosis, diagnose
from scripts.spark.driver_facts import facts_from, newest_of

DATA = Path(__file__).parent / "data"
CASES = tuple(sorted(path.name for path in DATA.iterdir() if path.is_dir()))
READ_AT = datetime(2026, 11, 21, 4, 10, 10, tzinfo=UTC)


def captured(case: str) -> tuple[Any, Any, str]:
    folder = DATA / case
    pods, events = (
        json.loads((folder / name).read_text()) for name in ("pods.json", "events.json")
    )
    return pods, events, (folder / "log.txt").read_text()


def diagnosed(pods: Any, events: Any, log: str, application: str = "orders") -> Diagnosis:
    return diagnose(facts_from(application, "shop", READ_AT, pods, events, log))


@pytest.mark.parametrize("case", CASES)
def test_each_captured_incident_is_named(case: str) -> None:
    assert diagnosed(*captured(case)).cause == case


def test_there_is_an_incident_for_every_fault_and_a_healthy_driver() -> None:
    assert CASES == ("driver-oom", "missing-module", "none", "refused-configuration")


@pytest.mark.parametrize("case", ["missing-module", "refused-configuration"])
def test_without_its_log_an_incident_is_unknown(case: str) -> None:
    pods, events, _ = captured(case)
    found = diagnosed(pods, events, "")
    assert found.cause == "unknown"
    assert any("Back-off restarting failed container" in line for line in found.evidence)


def test_the_log_of_another_incident_contradicts_a_kill() -> None:
    pods, events, _ = captured("driver-oom")
    assert diagnosed(pods, events, captured("missing-module")[2]).cause == "unknown"


def status_of(pods: Any) -> Any:
    return pods["items"][0]["status"]["containerStatuses"][0]


def test_an_end_that_is_not_yet_followed_by_a_restart_is_the_newest() -> None:
    pods, events, log = captured("missing-module")
    status = status_of(pods)
    status["state"] = {"terminated": status["lastState"]["terminated"]}
    status["lastState"] = status_of(captured("driver-oom")[0])["lastState"]
    assert diagnosed(pods, events, log).cause == "missing-module"


def test_an_old_kill_says_nothing_about_a_driver_that_runs_well() -> None:
    pods, events, log = captured("none")
    status_of(pods)["lastState"] = status_of(captured("driver-oom")[0])["lastState"]
    assert diagnosed(pods, events, "").cause == "driver-oom"
    status_of(pods)["state"]["running"]["startedAt"] = "2026-11-21T04:00:10Z"
    assert diagnosed(pods, events, log).cause == "none"


def test_another_application_is_not_diagnosed_but_named() -> None:
    found = diagnosed(*captured("driver-oom"), application="payments")
    assert found.cause == "unknown"
    assert found.evidence == ("applications with a driver there: orders",)


def without_status(pod: Any) -> None:
    pod["status"] = {"phase": "Pending"}


def without_driver_container(pod: Any) -> None:
    pod["status"]["containerStatuses"][0]["name"] = "sidecar"


@pytest.mark.parametrize("alter", [without_status, without_driver_container])
def test_a_pod_that_tells_nothing_is_unknown(alter: Callable[[Any], None]) -> None:
    pods, events, log = captured("none")
    alter(pods["items"][0])
    assert diagnosed(pods, events, log).cause == "unknown"


def test_the_newest_pod_that_stays_is_the_driver() -> None:
    pods, _, _ = captured("none")
    old, leaving = deepcopy(pods["items"][0]), deepcopy(pods["items"][0])
    old["metadata"] |= {"name": "old", "creationTimestamp": "2026-11-21T03:00:00Z"}
    leaving["metadata"] |= {
        "name": "leaving",
        "creationTimestamp": "2026-11-21T05:00:00Z",
        "deletionTimestamp": "2026-11-21T05:00:01Z",
    }
    present = pods["items"][0]["metadata"]["name"]
    pods["items"] = [leaving, *pods["items"], old]
    assert newest_of(pods, "orders")["metadata"]["name"] == present
    pods["items"] = [leaving]
    assert newest_of(pods, "orders")["metadata"]["name"] == "leaving"
