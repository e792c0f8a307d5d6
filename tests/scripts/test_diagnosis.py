"""The classifier alone: each cause by its sign, and silence where signs are missing or many."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from scripts.spark.diagnosis import Driver, Event, Facts, Termination, diagnose

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MODULE = "ModuleNotFoundError: No module named 'pricing'"
REFUSED = "org.apache.spark.SparkIllegalArgumentException: [INVALID_DRIVER_MEMORY] System memory"


def ended(reason: str = "Error", code: int = 1) -> Termination:
    return Termination(reason=reason, exit_code=code, finished_at=NOW - MINUTE)


LOOPING = Driver(
    pod="orders-1",
    phase="Running",
    restarts=3,
    waiting="CrashLoopBackOff",
    newest=ended(),
    memory_limit="1Gi",
)
HEALTHY = Driver(
    pod="orders-1", phase="Running", ready=True, running_since=NOW - MINUTE, memory_limit="1Gi"
)


def facts(driver: Driver | None, **more: object) -> Facts:
    base = Facts(application="orders", namespace="shop", read_at=NOW, driver=driver)
    return replace(base, **more)  # type: ignore[arg-type]


def cause(driver: Driver | None) -> str:
    return diagnose(facts(driver)).cause


def test_a_kill_by_the_kernel() -> None:
    found = diagnose(facts(replace(LOOPING, newest=ended("OOMKilled", 137))))
    assert found.cause == "driver-oom"
    assert found.evidence == (
        "pod orders-1: Running, restarts: 3, waiting: CrashLoopBackOff",
        "newest termination: OOMKilled, exit code 137, at 2026-11-20T09:59:00Z",
        "last termination: OOMKilled, memory limit 1Gi",
    )


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (MODULE, "missing-module"),
        ("Error: Failed to load class com.example.Orders.", "missing-module"),
        (REFUSED, "refused-configuration"),
        (f": {REFUSED}", "refused-configuration"),
        (
            ": java.lang.IllegalArgumentException: spark.memory.fraction should be between 0 and 1",
            "refused-configuration",
        ),
        ("Error occurred during initialization of VM", "refused-configuration"),
        ("Error: Could not create the Java Virtual Machine.", "refused-configuration"),
        # Words about a cause are no sign of it: a quoted line, a handled error, another exception.
        (f"start.sh: refused: {REFUSED}", "unknown"),
        ("WARN retrying after ModuleNotFoundError: No module named 'fast_json'", "unknown"),
        ("java.lang.IllegalArgumentException: requirement failed", "unknown"),
        ("", "unknown"),
    ],
)
def test_what_a_line_of_the_log_means(line: str, named: str) -> None:
    log = f"26/11/20 09:59:00 WARN Utils: something\n{line}\n\tat org.apache.spark.SparkEnv\n"
    assert cause(replace(LOOPING, log=log)) == named


def test_the_line_itself_is_the_evidence_once_and_without_control_characters() -> None:
    found = diagnose(facts(replace(LOOPING, log=f"{MODULE}\x1b[2J\n{MODULE}\x1b[2J\n")))
    assert found.evidence[2:] == (f"log of the ended run: {MODULE}[2J",)


def test_signs_of_two_causes_are_unknown_and_both_are_shown() -> None:
    found = diagnose(facts(replace(LOOPING, newest=ended("OOMKilled", 137), log=MODULE)))
    assert found.cause == "unknown"
    assert "signs of driver-oom and of missing-module" in found.summary
    assert len(found.evidence) == 4


def test_an_unknown_end_brings_the_newest_warnings() -> None:
    events = tuple(Event(reason="BackOff", message=f"number {n}") for n in range(5))
    found = diagnose(facts(LOOPING, warnings=events))
    assert found.cause == "unknown"
    assert found.evidence[2:] == (
        "event BackOff: number 2",
        "event BackOff: number 3",
        "event BackOff: number 4",
    )


KILLED_BEFORE = replace(HEALTHY, newest=ended("OOMKilled", 137), restarts=2)


@pytest.mark.parametrize(
    ("driver", "named"),
    [
        (HEALTHY, "none"),
        (replace(HEALTHY, ready=False), "unknown"),
        (Driver(pod="orders-1", phase="Pending", waiting="ContainerCreating"), "unknown"),
        # Exit code 137 alone is no kill by the kernel.
        (replace(LOOPING, newest=ended("Error", 137)), "unknown"),
        # Between two ends the last one counts; before a long run it says nothing.
        (KILLED_BEFORE, "driver-oom"),
        (replace(KILLED_BEFORE, running_since=NOW - 9 * MINUTE), "driver-oom"),
        (replace(KILLED_BEFORE, running_since=NOW - 10 * MINUTE), "none"),
    ],
)
def test_what_a_drivers_state_means(driver: Driver, named: str) -> None:
    assert cause(driver) == named


def test_no_driver_names_the_neighbours() -> None:
    found = diagnose(facts(None, neighbours=("payments",)))
    assert found.cause == "unknown"
    assert found.summary == "there is no driver pod of orders in namespace shop"
    assert found.evidence == ("applications with a driver there: payments",)
