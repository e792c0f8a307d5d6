"""Which of Prometheus' targets count."""

from datetime import UTC, datetime
from typing import Any

from drillbook_staging.platform import counted

SINCE = datetime(2026, 11, 21, 17, 0, tzinfo=UTC)


def target(job: str, health: str, scraped: str) -> dict[str, Any]:
    return {"labels": {"job": job}, "health": health, "lastScrape": scraped}


ACTIVE = [
    target("a", "up", "2026-11-21T17:00:00.123456789Z"),
    target("a", "up", "2026-11-21T16:59:59.123456789Z"),
    target("b", "down", "2026-11-21T17:00:01Z"),
    target("c", "unknown", "0001-01-01T00:00:00Z"),
]


def test_what_is_up_counts() -> None:
    assert counted(ACTIVE, None) == {"a": 2}


def test_a_scrape_from_before_says_nothing_about_now() -> None:
    """It may be of a pod that was replaced, which Prometheus has not noticed yet."""
    assert counted(ACTIVE, SINCE) == {"a": 1}
