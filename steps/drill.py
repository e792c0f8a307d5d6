"""Sentences about the drill itself."""

from __future__ import annotations

from drillbook.book.sentences import then, when
from drillbook.model import Advice, Reinject


@when("the fault is injected again")
def inject_again() -> Reinject:
    return Reinject()


@then("a person makes sure: {string}")
def a_person_makes_sure(what: str) -> Advice:
    return Advice(what)
