"""A 50 MB feature; 100,000 example rows: bounded, exit 2 in under 5 s."""

from pathlib import Path

import pytest

from drillbook.book import reader
from tests.bad_input.command_line import FEATURE, drillbook

BIG = "features/spark/big.feature"
HEAD = "Feature: f\n  Scenario Outline: o\n    Given the <a>\n    Examples:\n      | a |\n"


def steps(number: int) -> str:
    told = (f"    Then the driver number {n} is as it should be\n" for n in range(number))
    return f"Feature: f\n  Background:\n    Given x\n  Scenario: s\n{''.join(told)}"


TEXTS = {
    "50 MB of lines": "Feature: f\n"
    + "# a comment of 50 bytes, more or less, of no use.\n" * 10**6,
    "50 MB in one line": "Feature: " + "f" * 50_000_000,
    "100,000 example rows": HEAD + "      | 1 |\n" * 100_000,
    "100,000 short rows": HEAD.replace("      ", "") + "|1|\n" * 100_000,
    "100,000 tags": "@a\n" * 100_000 + "Feature: f\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_too_large_is_refused_at_once(checkout: Path, name: str) -> None:
    (checkout / BIG).write_text(TEXTS[name])
    answer = drillbook(checkout, "lint")
    assert answer.code == 2, answer.said
    assert f"{BIG}:" in answer.said
    assert "Split it" in answer.said
    assert answer.took_s < 5
    assert len(answer.said) < 2000


def test_the_largest_runbook_that_is_read_is_judged_in_time(checkout: Path) -> None:
    (checkout / BIG).write_text(steps(reader.LIMIT_LINES - 10))
    answer = drillbook(checkout, "lint", BIG)
    assert answer.code == 1, answer.said[:2000]
    assert "not looked for after" in answer.said
    assert answer.took_s < 5


def test_the_others_are_read_beside_it(checkout: Path) -> None:
    (checkout / BIG).write_text(TEXTS["100,000 example rows"])
    assert drillbook(checkout, "lint", FEATURE).code == 0
