"""The parser's complaints in plain words. The reader's tests hold the parser's real ones."""

from __future__ import annotations

from drillbook.book.gherkin_errors import explain, prose


def test_an_unknown_complaint_still_quotes_the_line() -> None:
    what, fix = explain("xyz zyx", "something new")
    assert "'xyz zyx'" in what
    assert "Given, When, Then" in fix


def test_a_typing_error_is_recognised() -> None:
    assert explain("Thn it works", "")[1] == "Did you mean `Then`?"
    assert explain("Backgruond:", "")[1] == "Did you mean `Background:`?"


def test_prose_is_told_from_a_typing_error() -> None:
    assert prose("Wehn it stops")[1] == "Did you mean `When`?"
    assert prose("this shows that it works")[1].startswith("Move prose")
