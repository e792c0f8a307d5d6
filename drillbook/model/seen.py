"""What a drill saw: verdicts and evidence."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Verdict(StrEnum):
    """FAILED: the system or the runbook is wrong. ERROR: could not tell."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    ERROR = "ERROR"
    NOT_RUN = "NOT_RUN"
    MANUAL = "MANUAL"


class Injection(StrEnum):
    """What came of the fault; never merged with the verdict."""

    CONFIRMED = "confirmed"
    NO_EFFECT = "no effect"
    REFUSED = "refused"
    NONE = "none"
    """Nothing was injected: a control without a fault, or a drill that ended before."""


class Undo(StrEnum):
    """What came of the undo; never merged with the verdict."""

    VERIFIED = "verified"
    FAILED = "failed"
    KEPT = "kept"
    """Asked for with --leave-standing: the incident stands until its expiry."""
    NOT_NEEDED = "not needed"


class Control(StrEnum):
    """The set-up that a drill runs under."""

    PLAIN = "plain"
    HEALTHY = "healthy"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one step saw."""

    verdict: Verdict
    command: str = ""
    """The line that a responder would run for the same answer, or that was run."""
    expected: str
    observed: str
    started: datetime
    """UTC."""
    took: timedelta = timedelta()
    waited: timedelta = timedelta()
    """The part of `took` slept between two reads; the reads themselves are the harness's own."""
    outcome: str = ""
    """A reinjection's: blocked, absorbed, took effect, not applied."""
    printed: str = ""
    """The first lines that the command printed when it was pasted into a shell."""
