"""Everything wrong with runbooks, at once. Pure: a tuple of small rules over one `Book`. `metadata`
looks at tags and prose, `structure` at causes, scenarios and their names, `alerts` at the alert
rules behind them, `values` at what the steps are bound to."""

from collections.abc import Iterable

from drillbook.book.lint import alerts, metadata, structure, values
from drillbook.book.lint.book import Book
from drillbook.book.lint.metadata import secrets
from drillbook.book.lint.structure import LOSING
from drillbook.book.lint.tags import TAGS
from drillbook.book.reader import UNREADABLE
from drillbook.model import Problem, Runbook

# fmt: off
__all__ = [
    "LOSING", "RULES", "TAGS", "UNREADABLE", "Book", "notes", "of_book", "of_runbooks", "problems",
    "secrets",
]
# fmt: on

RULES = (*metadata.RULES, *structure.RULES, *alerts.RULES, *values.RULES)
"""Each takes one runbook and the book that it stands in."""


def problems(book: Book) -> list[Problem]:
    """Every problem once, sorted by file and line; binding's and the reader's among them."""
    return sorted({*of_runbooks(book, book.runbooks), *of_book(book)})


def of_runbooks(book: Book, runbooks: Iterable[Runbook]) -> set[Problem]:
    """What is wrong with some runbooks of a book, and with how the book's are bound."""
    found = {p for runbook in runbooks for rule in RULES for p in rule(runbook, book)}
    return found.union(book.bind_problems)


def notes(book: Book, runbooks: Iterable[Runbook]) -> list[str]:
    """What is worth knowing of some runbooks, and no problem."""
    rules = (alerts.blind_starts, metadata.unfinished)
    return [note for runbook in runbooks for rule in rules for note in rule(runbook, book)]


def of_book(book: Book) -> set[Problem]:
    """What is wrong with the book as a whole."""
    return {*alerts.pages_of_rules(book), *book.unreadable, *book.rule_problems}
