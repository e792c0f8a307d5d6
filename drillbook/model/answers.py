"""What a source answers, and what may be expected of an answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias, runtime_checkable

from drillbook.model.words import Command


@dataclass(frozen=True)
class Absent:
    """The server answered: the object, field or series is not there."""

    what: str

    def __str__(self) -> str:
        return f"absent: {self.what}"


@dataclass(frozen=True)
class AlertState:
    """What Prometheus and Alertmanager say of one alert under one set of labels."""

    firing: bool
    """Prometheus holds it as firing."""
    pending: bool
    """Prometheus holds it as pending."""
    listed: bool
    """Alertmanager lists it as active."""
    pages: tuple[str, ...] = ()
    """The runbook_url annotations of what is listed."""

    def __str__(self) -> str:
        state = "firing" if self.firing else "pending" if self.pending else "inactive"
        return f"{state} at Prometheus, {'listed' if self.listed else 'not listed'} by Alertmanager"


Answer: TypeAlias = str | float | AlertState | Absent


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One answer of a source and how old the server says it is."""

    answer: Answer
    dated: datetime | None = None
    """UTC, by the server's clock; None where an answer is current by construction."""


@runtime_checkable
class Source(Protocol):
    """One source, two faces: `read` for the drill, `command` for the page, one `parse` for both."""

    def read(self, clients: Any) -> Reading:
        """Ask once. Raises CouldNotTell when no answer can be had."""

    def command(self) -> Command:
        """The line that a responder pastes for the same answer."""

    def parse(self, text: str) -> Answer:
        """What the line printed, as the same answer."""


def alert_of(source: Source) -> str | None:
    """The alert that a source asks for, if it asks for one."""
    found = getattr(source, "alert", None)
    return found if isinstance(found, str) else None


class Matcher(Protocol):
    """Says whether an answer is what was expected. Pure; printed on the page by `describe`."""

    def holds(self, answer: Answer, since: datetime | None) -> bool:
        """`since`: the drill's last change (UTC), for matchers that compare with it."""

    def describe(self) -> str:
        """What to expect, as a page prints it after 'expect'."""
