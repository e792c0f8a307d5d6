"""malformed Gherkin, two features in one file, unknown language, invalid UTF-8, NUL: exit 2 with
file:line; other files still checked; BOM and CRLF are fine."""

from pathlib import Path

from tests.bad_input.command_line import FEATURE, drillbook, replace

BAD = "features/spark/bad-{}.feature"

UNREADABLE = {
    "malformed": (b"Feature: f\n  Scenario: s\n    Given a\n    nonsense\n", 4),
    "two features": (b"Feature: f\n  Scenario: s\n    Given a\n\nFeature: g\n", 5),
    "unknown language": (b"# language: xx\nFeature: f\n", 1),
    "invalid UTF-8": (b"Feature: f\n  caf\xe9\n", 2),
    "UTF-16": ("Feature: f\n".encode("utf-16"), 1),
    "NUL": (b"Feature: f\n\n  a\0b\n", 3),
    "empty": (b"", 1),
}


def test_every_unreadable_file_is_named_with_its_line(checkout: Path) -> None:
    """The others are still checked, and 2 wins over 1."""
    for number, (data, _) in enumerate(UNREADABLE.values()):
        (checkout / BAD.format(number)).write_bytes(data)
    replace(checkout, FEATURE, "@rto:15m", "@rto:15")
    answer = drillbook(checkout, "lint")
    assert answer.code == 2, answer.said
    assert "@rto:15 does not say" in answer.said
    for number, (name, (_, line)) in enumerate(UNREADABLE.items()):
        assert f"{BAD.format(number)}:{line}: [unreadable]" in answer.said, name


def test_a_byte_order_mark_and_crlf_are_fine(checkout: Path) -> None:
    data = (checkout / FEATURE).read_bytes().replace(b"\n", b"\r\n")
    (checkout / FEATURE).write_bytes(b"\xef\xbb\xbf" + data)
    answer = drillbook(checkout, "lint")
    assert answer.code == 0, answer.said
