"""What the rules look at, and how they say what they found."""

import difflib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from drillbook.book.alert_rules import AlertRule
from drillbook.book.catalogue import Catalogue
from drillbook.cluster.settings import SEVERITIES
from drillbook.model import BoundCause, BoundRunbook, BoundStep, Problem, Runbook, page_of


@dataclass(frozen=True, kw_only=True)
class Book:
    """All runbooks of a checkout, and what they are judged against."""

    runbooks: tuple[Runbook, ...]
    bound: Mapping[str, BoundRunbook]
    """By the feature's path; what could not be bound is missing."""
    bind_problems: tuple[Problem, ...] = ()
    unreadable: tuple[Problem, ...] = ()
    """What kept other files from being read."""
    alerts: Mapping[str, AlertRule]
    """By name, as the environment of the drills loads them."""
    scrape_s: float
    evaluation_s: float
    default_within_s: float = 30.0
    """The budget of a sentence without `within`, in seconds."""
    pages_url: str = ""
    """What stands before a page's path where an alert leads to an address."""
    severities: Mapping[str, Sequence[str]] = field(default_factory=SEVERITIES.copy)
    """What an alert's severity means, as levels of @severity."""
    written_alerts: frozenset[str] = frozenset()
    """The name of every rule that somebody wrote, usable or not."""
    rule_problems: tuple[Problem, ...] = ()
    """What is wrong with the rules, and with every environment's values."""

    scripts: frozenset[str] = frozenset()
    """The files under scripts/, relative to the checkout."""
    catalogue: Catalogue = field(default_factory=dict)
    """What the book is to hold; empty: nothing says it."""

    def causes(self, runbook: Runbook) -> tuple[BoundCause, ...]:
        """The runbook's causes with values for steps; none where it could not be bound."""
        bound = self.bound.get(str(runbook.path))
        return bound.causes if bound else ()

    def steps(self, runbook: Runbook) -> Iterable[BoundStep]:
        """Every step of the runbook that is bound, the Backgrounds' among them."""
        bound = self.bound.get(str(runbook.path))
        return bound.steps if bound else ()

    @cached_property
    def unbound(self) -> Mapping[str, frozenset[int]]:
        """By the feature's path, the lines that `bind` found something wrong with."""
        lines: dict[str, set[int]] = defaultdict(set)
        for one in self.bind_problems:
            lines[one.path].add(one.line)
        return {path: frozenset(found) for path, found in lines.items()}

    @cached_property
    def by_id(self) -> Mapping[str, tuple[Runbook, ...]]:
        """The runbooks that claim an id."""
        found: dict[str, list[Runbook]] = defaultdict(list)
        for runbook in self.runbooks:
            found[runbook.id].append(runbook)
        return {key: tuple(ones) for key, ones in found.items()}

    @cached_property
    def alerts_of(self) -> Mapping[str, tuple[str, ...]]:
        """The alerts that each runbook names, by its page."""
        return {str(runbook.page): runbook.alerts for runbook in self.runbooks}

    @cached_property
    def pages(self) -> frozenset[str]:
        """The page of every feature file, readable or not, relative to the checkout."""
        paths = {runbook.path for runbook in self.runbooks}
        paths.update(PurePosixPath(problem.path) for problem in self.unreadable)
        return frozenset(str(page_of(path)) for path in paths)


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """The nearest known word as a question, or another next move."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"Did you mean {near[0]}?" if near else otherwise
