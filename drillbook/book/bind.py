"""Step text -> value. Unbound and ambiguous steps are problems; nothing here does I/O."""

import difflib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from drillbook.book.reader import UNREADABLE
from drillbook.book.sentences import Definition, PartRef
from drillbook.model import (
    DURATION_PATTERN,
    Action,
    Advice,
    BoundCause,
    BoundRunbook,
    BoundScenario,
    BoundStep,
    Cause,
    Component,
    Duration,
    Fault,
    FilledIn,
    Key,
    Name,
    Part,
    Problem,
    Runbook,
    Step,
    Value,
    Where,
    Word,
    Workload,
    parts_of,
    shell,
)
from drillbook.model.errors import DrillbookError
from drillbook.model.yamlfile import UnreadableYaml

# A builder reads an argument, and files of the checkout that it names.
_REFUSALS = (DrillbookError, ValueError, TypeError, LookupError, AttributeError, OSError)

_ALLOWED: dict[str, tuple[str, ...]] = {
    "given": ("Component", "Fault"),
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

    def closest(self, text: str, keyword: str) -> str:
        """The HINTS nearest patterns of a keyword, for 'did you mean'; looking for them is slow."""
        self._hints += 1
        if self._hints > HINTS:
            return f"not looked for after {HINTS} others"
        patterns = [d.pattern for d in self._definitions if d.keyword == keyword]
        shape = re.sub(r'the [a-z-]+ of "[^"]*"', "{part}", text)
        shape = re.sub(rf"\b{DURATION_PATTERN}\b", "{duration}", shape)
        shape = re.sub(r'"[^"]*"', "{string}", shape)
        near = difflib.get_close_matches(shape, patterns, n=2, cutoff=0.3)
        return " or ".join(repr(pattern) for pattern in near) or "none is near"


@dataclass
class _Binding:
    """One runbook being bound: its names so far and its problems so far."""

    binder: Binder
    runbook: Runbook
    names: dict[str, Name] = field(default_factory=dict)
    components: list[Component] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def run(self) -> tuple[BoundRunbook | None, list[Problem]]:
        background = self._background(self.runbook.background)
        unbound = len(background) < len(self.runbook.background)
        if not self.components and not unbound:
            what = "the runbook's Background sets nothing up; a drill needs a system to break."
            fix = "Write one Given step or more that return a Component."
            self._problem(self.runbook.line, "no-component", what, fix)
        causes = [self._cause(cause, background) for cause in self.runbook.causes]
        bound = tuple(cause for cause in causes if cause is not None)
        problems = sorted(set(self.problems))
        if not bound or len(bound) < len(causes):
            return None, problems
        return BoundRunbook(runbook=self.runbook, causes=bound), problems

    def _background(self, steps: Sequence[Step]) -> tuple[BoundStep, ...]:
        """A step may name what a step before it set up."""
        found: list[BoundStep] = []
        for step in steps:
            for bound in self._step(step):
                found.append(bound)
                if isinstance(bound.value, Component):
                    self._know(step, bound.value)
        return tuple(found)

    def _know(self, step: Step, component: Component) -> None:
        variables = {v: n.literal for n in self.names.values() for v in n.values}
        for name in component.names:
            taken = sorted(set(name.values) & set(variables))
            if name.literal in self.names or taken:
                what = f"the name {name.literal!r}" if not taken else f"the variable {taken[0]}"
                what = f"{step.text!r}: {what} is taken by a step before it."
                fix = "Call it something else, so that a page can tell the two apart."
                self._problem(step.line, "taken-name", what, fix)
            self.names[name.literal] = name
        self.components.append(component)

    def _cause(self, cause: Cause, background: tuple[BoundStep, ...]) -> BoundCause | None:
        # A runbook of one cause needs no Rule: its fault may stand in the runbook's Background.
        every = background + self._steps(cause.background)
        unbound = len(every) < len(self.runbook.background) + len(cause.background)
        fault = self._fault(cause, every, unbound)
        for bound in every[len(background) :]:
            if isinstance(bound.value, Component):
                what = f"{bound.step.text!r} sets a system up for one cause alone."
                fix = "Move it to the runbook's Background: all causes stand on the same systems."
                self._problem(bound.step.line, "one-set-up", what, fix)
        scenarios = tuple(
            BoundScenario(scenario=one, steps=self._steps(one.steps)) for one in cause.scenarios
        )
        if not self.components or fault is None:
            return None
        return BoundCause(
            cause=cause,
            workload=Workload(tuple(self.components)),
            fault=fault,
            background=every,
            scenarios=scenarios,
        )

    def _fault(self, cause: Cause, bound: Sequence[BoundStep], unbound: bool) -> Fault | None:
        """The only fault. Where a step is `unbound`, that is the problem to mend."""
        found = [b.value for b in bound if isinstance(b.value, Fault)]
        if len(found) == 1:
            return found[0]
        if found or not unbound:
            what = (
                f"the Background of cause {cause.id!r} holds {len(found)} fault steps; a drill "
                "needs exactly one."
            )
            fix = "Write one Given step that returns a Fault."
            self._problem(cause.line, "one-fault", what, fix)
        return None

    def _steps(self, steps: Sequence[Step]) -> tuple[BoundStep, ...]:
        return tuple(bound for step in steps for bound in self._step(step))

    def _step(self, step: Step) -> Iterator[BoundStep]:
        found = [m for m in self.binder.matches(step.text) if m[0].keyword == step.keyword]
        if len(found) != 1:
            self._report_unmatched(step, found)
            return
        definition, arguments = found[0]
        takes, _ = _signature(definition.build)
        for name, there in (("doc_string", step.doc_string), ("table", step.table)):
            if there is not None and name not in takes:
                what = f"{step.text!r} takes no {name.replace('_', ' ')}, so nobody would read it."
                fix = f"Remove it, or give the builder at {definition.place} a parameter `{name}`."
                self._problem(step.line, "unread-argument", what, fix)
        try:
            value = self._build(definition, arguments, step)
        except _REFUSALS as error:
            # A file that is no YAML is not a wrong argument: nobody knows what it says.
            unreadable = isinstance(error, UnreadableYaml)
            what = f"{step.text!r}: {str(error).rstrip('.')}."
            fix = "Correct the argument, or what it stands for."
            self._problem(step.line, UNREADABLE if unreadable else "bad-argument", what, fix)
            return
        if type(value).__name__ not in _ALLOWED[step.keyword]:
            what = f"{step.text!r} is a {step.keyword} step but returns a {type(value).__name__}."
            fix = f"A {step.keyword} step returns {' or '.join(_ALLOWED[step.keyword])}."
            self._problem(step.line, "wrong-keyword", what, fix)
            return
        self._check_literals(step, value)
        yield BoundStep(step=step, value=value)

    def _build(self, definition: Definition, arguments: tuple[Any, ...], step: Step) -> Value:
        parameters, kinds = _signature(definition.build)
        given: Mapping[str, Any] = {
            "where": Where(),
            "doc_string": step.doc_string,
            "table": step.table,
        }
        for what in ("doc_string", "table"):
            if given[what] is not None and what not in parameters:
                raise TypeError(f"this sentence takes no {what.replace('_', ' ')}; remove it")
        named = {name: given[name] for name in parameters if name in given}
        free = [name for name in parameters if name not in given]
        if len(free) != len(arguments):
            raise TypeError(
                f"{definition.place}: the sentence has {len(arguments)} arguments, its builder "
                f"takes {len(free)}"
            )
        each = zip(free, arguments, strict=True)
        filled = {name: self._argument(argument, kinds.get(name)) for name, argument in each}
        value = definition.build(**named, **filled)
        if isinstance(value, Action):
            self._check_drill_values(step, value, filled, kinds)
        return value

    def _argument(self, argument: Any, kind: Any) -> Any:
        """A step argument that is a name of a component becomes what stands for it, or the part or
        component that a builder asks for. A parameter of type `Word` takes nothing else: a
        misspelt name would be a literal on a page."""
        if isinstance(argument, PartRef):
            return self._part(argument)
        if not isinstance(argument, str):
            return argument
        if kind in ("Key", Key) and not re.fullmatch(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*", argument):
            raise ValueError(f"{argument!r} is no key: letters, digits, `_`, `.` and `-` make one")
        known = self.names.get(argument)
        if kind in ("Component", Component):
            found = (c for c in self.components if known in c.names)
            return next(found, None) or self._unknown_name(argument)
        if known is not None:
            return known.word
        return self._unknown_name(argument) if self.names and kind in ("Word", Word) else argument

    def _unknown_name(self, argument: str) -> Any:
        names = ", ".join(map(repr, self.names)) or "none yet"
        raise ValueError(f"{argument!r} is not a name of the Background; there is {names}")

    def _part(self, wanted: PartRef) -> Part:
        found = Workload(tuple(self.components)).part(wanted.role, wanted.name)
        if found is not None:
            return found
        if wanted.name not in self.names:
            self._unknown_name(wanted.name)
        every = ((part, n) for one in self.components for n in one.names for part in one.parts)
        there = ", ".join(f'the {part.role} of "{name.literal}"' for part, name in every)
        raise ValueError(
            f'there is no {wanted.role} of "{wanted.name}"; there is {there or "no part"}'
        )

    def _check_literals(self, step: Step, value: Value) -> None:
        """A literal drill name on a page would be pasted by a responder of another application."""
        literals = [p for line in value.lines() for p in _literals((*line.words, line.stdin))]
        for name in self.names.values():
            pattern = _standing_alone(name.literal)
            if any(pattern.search(text) for text in (*literals, *_prose(value))):
                what = f"what {step.text!r} prints holds the drill's own name {name.literal!r}."
                fix = f"Build it from the step's argument, so it prints {shell(name.word)}."
                self._problem(step.line, "literal-drill-name", what, fix)

    def _check_drill_values(
        self, step: Step, action: Action, arguments: Mapping[str, Any], kinds: Mapping[str, Any]
    ) -> None:
        """A value that is right for the drilled application would be pasted into another one."""
        lines = [line for line in (action.command, action.rollback) if line]
        literals = [p for line in lines for p in _literals(line.words)]
        given = [
            str(argument)
            for name, argument in arguments.items()
            if kinds.get(name) not in ("Key", Key, "Word", Word)
            and isinstance(argument, str | int | float | Duration)
            and argument != action.within
        ]
        given += [line.strip() for line in (step.doc_string or "").splitlines()]
        given += [cell for row in step.table or () for cell in row]
        for value in filter(None, given):
            if any(_holds(value, text) for text in literals):
                what = f"the line of {step.text!r} holds the drill's own value {value!r}."
                fix = (
                    "Read it from the application (Finding), or let the reader fill it in "
                    "(FilledIn); a name of a setting is annotated as Key."
                )
                self._problem(step.line, "drill-value", what, fix)
        taken = {*_PLACES, *(variable for name in self.names.values() for variable in name.values)}
        for one in action.reads:
            if one.var.name in taken:
                what = f"{step.text!r} reads {one.var.name}, which names the drill's own place."
                self._problem(step.line, "taken-name", what, "Call the variable something else.")

    def _report_unmatched(
        self, step: Step, found: Sequence[tuple[Definition, tuple[Any, ...]]]
    ) -> None:
        if found:
            places = " and ".join(d.place for d, _ in found)
            what = f"{step.text!r} matches more than one step definition: {places}."
            fix = "Reword one of the patterns so that they exclude each other."
            self._problem(step.line, "ambiguous-step", what, fix)
            return
        others = {d.keyword for d, _ in self.binder.matches(step.text)}
        if others:
            meant = " or ".join(sorted(others)).capitalize()
            what = f"{step.text!r} is a {meant} sentence; here it is read as {step.keyword}."
            fix = f"Write {meant} before it; And and But take the keyword before them."
            self._problem(step.line, "wrong-keyword", what, fix)
            return
        bad = re.search(r"\bwithin (\S+)", step.text)
        if bad and not re.fullmatch(DURATION_PATTERN, bad[1]):
            like = f"{bad[1].rstrip('.')}s" if bad[1].isdigit() else "90s"
            what = f"{step.text!r}: {bad[1]!r} is not a duration."
            fix = f"Write a number and a unit, such as `within {like}`."
            self._problem(step.line, "not-a-duration", what, fix)
            return
        what = (
            f"no {step.keyword} definition matches {step.text!r}. "
            f"Closest: {self.binder.closest(step.text, step.keyword)}."
        )
        fix = "`drillbook steps` lists them all; a new one goes into a module of steps/."
        self._problem(step.line, "unbound-step", what, fix)

    def _problem(self, line: int, rule: str, what: str, fix: str) -> None:
        self.problems.append(self.runbook.problem(line, rule, what, fix))


@cache
def _signature(build: Callable[..., Value]) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    """A builder's parameters, and what it says of them; a large book asks thousands of times."""
    return tuple(inspect.signature(build).parameters), inspect.get_annotations(build)


_PLACES = frozenset(
    {
        *("ALERTMANAGER", "CHANGED_AT", "CONTAINER", "CONTEXT", "NAMESPACE", "NODE", "POD"),
        *("PATH", "PROMETHEUS"),
    }
)
"""Variables that say where a line works; nothing that is read for a change may have their name."""


@lru_cache(maxsize=1024)
def _standing_alone(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(text)}(?!\w)")


def _holds(value: str, text: str) -> bool:
    """Whether a line's text holds a value: a number also with a unit behind it, as 3 in 3Gi."""
    if re.fullmatch(r"\d+(?:\.\d+)?", value):
        return bool(re.search(rf"(?<![\w.]){re.escape(value)}[A-Za-z%]*(?![\w.])", text))
    return bool(_standing_alone(value).search(text))


def _literals(words: Sequence[Word]) -> Iterator[str]:
    return (p for word in words for p in parts_of(word) if isinstance(p, str))


def _prose(value: Value) -> Iterator[str]:
    """What a value says to the reader of a page."""
    if isinstance(value, Action):
        yield value.note
        yield from (one.says for one in value.reads if isinstance(one, FilledIn))
    elif isinstance(value, Advice):
        yield value.text
