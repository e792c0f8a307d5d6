"""Step text -> value. Unbound and ambiguous steps are problems; nothing here does I/O."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from drillbook.book.reader import UNREADABLE
from drillbook.book.sentences import Definition
from drillbook.model import (
    DURATION_PATTERN,
    Action,
    BoundCause,
    BoundRunbook,
    BoundScenario,
    BoundStep,
    Cause,
    Fault,
    Name,
    Probe,
    Problem,
    Runbook,
    Scenario,
    Step,
    Value,
    Where,
    Word,
    Workload,
    parts_of,
)
from drillbook.model.errors import DrillbookError
from drillbook.model.yamlfile import UnreadableYaml

# A builder reads an argument, and files of the checkout that it names.
_REFUSALS = (DrillbookError, ValueError, TypeError, LookupError, AttributeError, OSError)

_ALLOWED: dict[str, tuple[str, ...]] = {
    "given": ("Workload", "Fault"),
    "when": ("Action", "Reinject", "Advice"),
    "then": ("Probe", "Advice"),
}


HINTS = 100


class Binder:
    """Binds runbooks against one set of definitions; sentences are matched once and remembered."""

    def __init__(self, definitions: Sequence[Definition]) -> None:
        self._definitions = tuple(definitions)
        self._matches: dict[str, list[tuple[Definition, tuple[Any, ...]]]] = {}
        self._hints = 0

    def bind(self, runbook: Runbook) -> tuple[BoundRunbook | None, list[Problem]]:
        """The runbook with values for steps, and every problem. With problems it holds only the
        steps that did bind, for lint to look at; None when a workload or fault is missing."""
        return _Binding(self, runbook).run()

    def matches(self, text: str) -> list[tuple[Definition, tuple[Any, ...]]]:
        """Every definition that matches, with the sentence's arguments."""
        if text not in self._matches:
            found = ((d, d.arguments(text)) for d in self._definitions)
            self._matches[text] = [(d, a) for d, a in found if a is not None]
        return self._matches[text]

    def closest(self, text: str) -> str:
        """The nearest patterns, for an error's 'did you mean'. Looking for them is slow, and
        nobody reads more than HINTS of them."""
        self._hints += 1
        if self._hints > HINTS:
            return f"not looked for after {HINTS} others"
        patterns = [d.pattern for d in self._definitions]
        near = difflib.get_close_matches(text, patterns, n=2, cutoff=0.3)
        return " or ".join(repr(pattern) for pattern in near) or "none is near"


def bind(
    runbook: Runbook, definitions: Sequence[Definition]
) -> tuple[BoundRunbook | None, list[Problem]]:
    """Bind one runbook. Bind many with one `Binder`: it remembers sentences."""
    return Binder(definitions).bind(runbook)


@dataclass
class _Binding:
    """One runbook being bound: its names so far and its problems so far."""

    binder: Binder
    runbook: Runbook
    names: dict[str, Name] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def run(self) -> tuple[BoundRunbook | None, list[Problem]]:
        background = self._steps(self.runbook.background)
        unbound = len(background) < len(self.runbook.background)
        where = "the runbook's Background"
        workload = self._only(background, Workload, self.runbook.line, where, unbound)
        if workload is not None:
            self.names = {name.literal: name for name in workload.names}
        causes = [self._cause(cause, background, workload) for cause in self.runbook.causes]
        bound = tuple(cause for cause in causes if cause is not None)
        problems = sorted(set(self.problems))
        if not bound or len(bound) < len(causes):
            return None, problems
        return BoundRunbook(runbook=self.runbook, causes=bound), problems

    def _cause(
        self, cause: Cause, background: tuple[BoundStep, ...], workload: Workload | None
    ) -> BoundCause | None:
        # A runbook of one cause needs no Rule: its fault may stand in the runbook's Background.
        every = background + self._steps(cause.background)
        unbound = len(every) < len(self.runbook.background) + len(cause.background)
        where = f"the Background of cause {cause.id!r}"
        fault = self._only(every, Fault, cause.line, where, unbound)
        scenarios = tuple(self._scenario(scenario) for scenario in cause.scenarios)
        if workload is None or fault is None:
            return None
        return BoundCause(
            cause=cause,
            workload=workload,
            fault=fault,
            background=every,
            scenarios=scenarios,
        )

    def _scenario(self, scenario: Scenario) -> BoundScenario:
        return BoundScenario(scenario=scenario, steps=self._steps(scenario.steps))

    def _steps(self, steps: Sequence[Step]) -> tuple[BoundStep, ...]:
        return tuple(bound for step in steps for bound in self._step(step))

    def _step(self, step: Step) -> Iterator[BoundStep]:
        found = [m for m in self.binder.matches(step.text) if m[0].keyword == step.keyword]
        if len(found) != 1:
            self._report_unmatched(step, found)
            return
        definition, arguments = found[0]
        try:
            value = self._build(definition, arguments, step)
        except _REFUSALS as error:
            # A file that is no YAML is not a wrong argument: nobody knows what it says.
            unreadable = isinstance(error, UnreadableYaml)
            self._report(
                step,
                UNREADABLE if unreadable else "bad-argument",
                f"{step.text!r}: {str(error).rstrip('.')}.",
                "Correct the argument, or what it stands for.",
            )
            return
        if type(value).__name__ not in _ALLOWED[step.keyword]:
            self._report(
                step,
                "wrong-keyword",
                f"{step.text!r} is a {step.keyword} step but returns a {type(value).__name__}.",
                f"A {step.keyword} step returns {' or '.join(_ALLOWED[step.keyword])}.",
            )
            return
        self._check_literals(step, value)
        yield BoundStep(step=step, value=value)

    def _build(self, definition: Definition, arguments: tuple[Any, ...], step: Step) -> Value:
        parameters = inspect.signature(definition.build).parameters
        given: Mapping[str, Any] = {
            "where": Where(),
            "doc_string": step.doc_string,
            "table": step.table,
        }
        named = {name: given[name] for name in parameters if name in given}
        free = [name for name in parameters if name not in given]
        if len(free) != len(arguments):
            raise TypeError(
                f"{definition.place}: the sentence has {len(arguments)} arguments, its builder "
                f"takes {len(free)}"
            )
        kinds = inspect.get_annotations(definition.build)
        filled = {
            name: self._name(argument, kinds.get(name))
            for name, argument in zip(free, arguments, strict=True)
        }
        return definition.build(**named, **filled)

    def _name(self, argument: Any, kind: Any) -> Any:
        """A step argument that is a name of the workload becomes its variable. A parameter of type
        `Word` takes nothing else: a misspelt name would be a literal on a page."""
        known = self.names.get(argument) if isinstance(argument, str) else None
        if known is not None:
            return known.var
        if self.names and isinstance(argument, str) and kind in ("Word", Word):
            names = ", ".join(map(repr, self.names))
            raise ValueError(f"{argument!r} is not a name of the workload; there is {names}")
        return argument

    def _check_literals(self, step: Step, value: Value) -> None:
        """A literal drill name on a page would be pasted by a responder of another application."""
        words = _words(value)
        for literal in self.names:
            pattern = re.compile(rf"(?<![\w-]){re.escape(literal)}(?![\w-])")
            for word in words:
                if any(isinstance(p, str) and pattern.search(p) for p in parts_of(word)):
                    self._report(
                        step,
                        "literal-drill-name",
                        f"the command of {step.text!r} holds the drill's own name {literal!r}.",
                        f"Build the command from the step's argument, so it prints \""
                        f'${self.names[literal].var.name}".',
                    )

    def _only(
        self, bound: Sequence[BoundStep], kind: type[Any], line: int, where: str, unbound: bool
    ) -> Any | None:
        """The only value of a kind. Where a step is `unbound`, that is the problem to mend."""
        found = [b.value for b in bound if isinstance(b.value, kind)]
        if len(found) == 1:
            return found[0]
        if unbound and not found:
            return None
        what = kind.__name__.lower()
        self.problems.append(
            Problem(
                path=str(self.runbook.path),
                line=line,
                rule=f"one-{what}",
                what=f"{where} holds {len(found)} {what} steps; a drill needs exactly one.",
                fix=f"Write one Given step that returns a {kind.__name__}.",
            )
        )
        return None

    def _report_unmatched(
        self, step: Step, found: Sequence[tuple[Definition, tuple[Any, ...]]]
    ) -> None:
        if found:
            places = " and ".join(d.place for d, _ in found)
            self._report(
                step,
                "ambiguous-step",
                f"{step.text!r} matches more than one step definition: {places}.",
                "Reword one of the patterns so that they exclude each other.",
            )
            return
        others = {d.keyword for d, _ in self.binder.matches(step.text)}
        if others:
            meant = " or ".join(sorted(others)).capitalize()
            self._report(
                step,
                "wrong-keyword",
                f"{step.text!r} is a {meant} sentence; here it is read as {step.keyword}.",
                f"Write {meant} before it; And and But take the keyword before them.",
            )
            return
        bad = re.search(r"\bwithin (\S+)", step.text)
        if bad and not re.fullmatch(DURATION_PATTERN, bad[1]):
            self._report(
                step,
                "not-a-duration",
                f"{step.text!r}: {bad[1]!r} is not a duration.",
                f"Write a number and a unit, such as `within {bad[1].rstrip('.')}s`."
                if bad[1].isdigit()
                else "Write a number and a unit, such as `within 90s`.",
            )
            return
        self._report(
            step,
            "unbound-step",
            f"no {step.keyword} definition matches {step.text!r}. "
            f"Closest: {self.binder.closest(step.text)}.",
            "Correct the sentence, or add a definition to a module of steps/.",
        )

    def _report(self, step: Step, rule: str, what: str, fix: str) -> None:
        self.problems.append(
            Problem(path=str(self.runbook.path), line=step.line, rule=rule, what=what, fix=fix)
        )


def _words(value: Value) -> tuple[Any, ...]:
    """The words of a value's command, where it has one."""
    if isinstance(value, Probe):
        return value.source.command().words
    return value.command.words if isinstance(value, Action) else ()
