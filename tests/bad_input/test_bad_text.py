"""malformed Gherkin, two features in one file, unknown language, invalid UTF-8, NUL: exit 2 with
file:line; other files still checked; BOM and CRLF are fine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bad_input.command_line import FEATURE, drillbook, replace

BAD = "features/spark/bad.feature"

UNREADABLE = {
    "malformed": (b"Feature: f\n  Scenario: s\n    Given a\n    nonsense\n", 4),
    "two features": (b"Feature: f\n  Scenario: s\n    Given a\n\nFeature: g\n", 5),
    "unknown language": (b"# language: xx\nFeature: f\n", 1),
    "invalid UTF-8": (b"Feature: f\n  caf\xe9\n", 2),
    "UTF-16": ("Feature: f\n".encode("utf-16"), 1),
    "NUL": (b"Feature: f\n\n  a\0b\n", 3),
    "empty": (b"", 1),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_file_is_named_with_its_line(checkout: Path, name: str) -> None:
    data, line = UNREADABLE[name]
    (checkout / BAD).write_bytes(data)
    answer = drillbook(checkout, "lint")
    assert answer.code == 2, answer.said
    assert f"{BAD}:{line}: [unreadable]" in answer.said


def test_the_others_are_still_checked_and_2_wins(checkout: Path) -> None:
    (checkout / BAD).write_bytes(UNREADABLE["NUL"][0])
    replace(checkout, FEATURE, "@rto:15m", "@rto:15")
    answer = drillbook(checkout, "lint")
    assert answer.code == 2, answer.said
    assert f"{BAD}:3: [unreadable]" in answer.said
    assert "@rto:15 does not say" in answer.said


@pytest.mark.parametrize("change", ["BOM", "CRLF", "both"])
def test_a_byte_order_mark_and_crlf_are_fine(checkout: Path, change: str) -> None:
    data = (checkout / FEATURE).read_bytes()
    if change != "BOM":
        data = data.replace(b"\n", b"\r\n")
    if change != "CRLF":
        data = b"\xef\xbb\xbf" + data
    (checkout / FEATURE).write_bytes(data)
    answer = drillbook(checkout, "lint")
    assert answer.code == 0, answer.said
