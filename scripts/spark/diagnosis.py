"""Which of the known causes makes a Spark driver restart. Pure: facts in, diagnosis out.

It never guesses: signs of two causes, or of none, are `unknown`. Only the newest termination
speaks; an older one may have had another cause.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

RECOVERED_AFTER = timedelta(minutes=10)
"""A run this long has recovered: twice the kubelet's longest back-off, after which it forgets it.
The alert SparkDriverCrashLoop counts the same way."""

OOM, MODULE, CONFIGURATION = "driver-oom", "missing-module", "refused-configuration"
UNKNOWN, NONE = "unknown", "none"


@dataclass(frozen=True, kw_only=True)
class Termination:
    """How one run of the driver's container ended."""

    reason: str
    """As the kubelet has it: OOMKilled, Error, Completed ..."""
    exit_code: int
    finished_at: datetime


@dataclass(frozen=True, kw_only=True)
class Driver:
    """The driver's pod and container."""

    pod: str
    phase: str
    restarts: int = 0
    ready: bool = False
    waiting: str = ""
    """The reason of a container that waits; empty when it does not."""
    running_since: datetime | None = None
    newest: Termination | None = None
    """Its newest termination, in this pod."""
    log: str = ""
    """The end of the log of the run that ended with `newest`; empty when it is gone."""
    memory_limit: str = ""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One of the pod's warnings."""

    reason: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was read of one application."""

    application: str
    namespace: str
    read_at: datetime
    """UTC."""
    driver: Driver | None
    warnings: tuple[Event, ...] = ()
    """Oldest first."""
    neighbours: tuple[str, ...] = ()
    """The other applications with a driver in the namespace."""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """A cause by its id in the runbook, `none`, or `unknown`; and what says so."""

    cause: str
    summary: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Sign:
    """Evidence for one cause."""

    cause: str
    evidence: str


_LOG_SIGNS = (
    (MODULE, re.compile(r"^(?:ModuleNotFoundError: .+|Error: Failed to load class .+)$")),
    # Spark's own checks when it starts, in Java's words or as Py4J repeats them after ": ".
    (CONFIGURATION, re.compile(r"^(?:: )?[\w.]+Exception: \[INVALID_(?:DRIVER|EXECUTOR)_MEMORY\]")),
    (CONFIGURATION, re.compile(r"^(?:: )?java\.lang\.IllegalArgumentException: spark\.[\w.]+ ")),
    # A heap that the JVM itself refuses.
    (CONFIGURATION, re.compile(r"^Error occurred during initialization of VM$")),
    (CONFIGURATION, re.compile(r"^Error: Could not create the Java Virtual Machine\.$")),
)

_SUMMARIES = {
    OOM: "the kernel killed the driver at its container's memory limit",
    MODULE: "a module or class of the application is not where it is looked for",
    CONFIGURATION: "Spark or the JVM refuses a setting at start",
}


def diagnose(facts: Facts) -> Diagnosis:
    """The cause of the newest termination, where exactly one cause has signs."""
    driver = facts.driver
    if driver is None:
        return _no_driver(facts)
    if not _ended_lately(driver, facts.read_at):
        return _never_ended(driver, facts)
    signs = tuple(_signs(driver))
    causes = sorted({sign.cause for sign in signs})
    evidence = (*_state(driver), *(sign.evidence for sign in signs))
    if len(causes) == 1:
        return Diagnosis(cause=causes[0], summary=_SUMMARIES[causes[0]], evidence=evidence)
    summary = (
        f"the newest termination has signs of {' and of '.join(causes)}"
        if causes
        else "the newest termination has no sign of a known cause"
    )
    return _unknown(summary, (*evidence, *_warnings(facts)))


def _ended_lately(driver: Driver, now: datetime) -> bool:
    """Whether its newest termination says anything about the present."""
    if driver.newest is None:
        return False
    return driver.running_since is None or now - driver.running_since < RECOVERED_AFTER


def _signs(driver: Driver) -> Iterator[Sign]:
    if driver.newest is not None and driver.newest.reason == "OOMKilled":
        yield Sign(
            OOM, f"last termination: OOMKilled, memory limit {driver.memory_limit or 'none'}"
        )
    for line in dict.fromkeys(driver.log.splitlines()):
        for cause, pattern in _LOG_SIGNS:
            if pattern.search(line):
                yield Sign(cause, f"log of the ended run: {_printable(line)}")


def _no_driver(facts: Facts) -> Diagnosis:
    others = ", ".join(facts.neighbours) or "none"
    return _unknown(
        f"there is no driver pod of {facts.application} in namespace {facts.namespace}",
        (f"applications with a driver there: {others}",),
    )


def _never_ended(driver: Driver, facts: Facts) -> Diagnosis:
    """A driver that runs, or that has not come to run yet."""
    if driver.running_since is not None and driver.ready:
        summary = "the driver is running and ready, without a recent restart"
        return Diagnosis(cause=NONE, summary=summary, evidence=tuple(_state(driver)))
    return _unknown(
        "the driver is not ready, but it did not end lately either: this is no crash loop (yet)",
        (*_state(driver), *_warnings(facts)),
    )


def _unknown(summary: str, evidence: tuple[str, ...]) -> Diagnosis:
    return Diagnosis(cause=UNKNOWN, summary=summary, evidence=evidence)


def _state(driver: Driver) -> Iterator[str]:
    doing = f"waiting: {driver.waiting}" if driver.waiting else "not running"
    if driver.running_since is not None:
        ready = "ready" if driver.ready else "not ready"
        doing = f"running since {_stamp(driver.running_since)}, {ready}"
    yield f"pod {driver.pod}: {driver.phase}, restarts: {driver.restarts}, {doing}"
    if driver.newest is not None:
        end = driver.newest
        yield (
            f"newest termination: {end.reason}, exit code {end.exit_code}, "
            f"at {_stamp(end.finished_at)}"
        )


def _warnings(facts: Facts) -> Iterator[str]:
    for event in facts.warnings[-3:]:
        yield f"event {event.reason}: {_printable(event.message)}"


def _printable(line: str) -> str:
    """A line of a log without what could steer a terminal, and not too long."""
    return "".join(char for char in line if char.isprintable()).strip()[:300]


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
