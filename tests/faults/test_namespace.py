"""A drill namespace's name and its expiry."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from drillbook.errors import CouldNotTell
from drillbook.faults import expired
from drillbook.faults.namespace import EXPIRY_ANNOTATION, fresh_name

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def kept(stamp: str | None) -> SimpleNamespace:
    annotations = None if stamp is None else {EXPIRY_ANNOTATION: stamp}
    return SimpleNamespace(metadata=SimpleNamespace(name="drill-x", annotations=annotations))


def test_names_are_dns_labels_and_never_the_same() -> None:
    names = {fresh_name("RB-SPARK-001", "a-very-long-cause-" * 5) for _ in range(20)}
    assert len(names) == 20
    assert all(re.fullmatch(r"drill-[a-z0-9-]{1,56}[a-z0-9]", name) for name in names)


def test_only_what_is_past_its_expiry_is_expired() -> None:
    assert expired(kept("2026-11-21T02:59:00+00:00"), NOW)
    assert not expired(kept("2026-11-21T03:01:00+00:00"), NOW)
    assert not expired(kept(None), NOW)


def test_an_expiry_that_is_no_time_is_named() -> None:
    with pytest.raises(CouldNotTell, match="soon"):
        expired(kept("soon"), NOW)
