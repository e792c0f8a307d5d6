"""Sentences about the drill itself."""

from __future__ import annotations

from drillbook.book.sentences import when
from drillbook.model import Reinject


@when("the fault is injected again")
def inject_again() -> Reinject:
    return Reinject()
