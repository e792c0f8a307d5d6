"""Rules about causes, scenarios and their names."""

from collections.abc import Iterator

from drillbook.book.lint.book import Book
from drillbook.evidence.proof import ALL
from drillbook.model import Cause, Control, Phase, Probe, Problem, Runbook, Scenario
from drillbook.model.matchers import Firing
from drillbook.model.slug import slug

RESERVED = (ALL, Control.HEALTHY.value)
"""Words that stand in a cause's place in a drill's name."""


def stray_scenarios(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """In a runbook with Rules, a scenario outside of them belongs to no cause."""
    if any(cause.line != runbook.line for cause in runbook.causes):
        for cause in runbook.causes:
            for scenario in cause.scenarios if cause.line == runbook.line else ():
                what = f"{scenario.name!r} stands outside every Rule, so it belongs to no cause."
                fix = "Move it into the Rule of its cause."
                yield runbook.problem(scenario.line, "stray-scenario", what, fix)


def cause_ids(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """A drill is named by its cause: each needs an id, and its own."""
    seen: dict[str, Cause] = {}
    for cause in runbook.causes:
        if not cause.id:
            what = f"the Rule {cause.name!r} has no @cause tag, and it is not the only one."
            fix = (
                f"Write `@cause:{slug(cause.name) or 'short-name'}` above it; it is kept for life."
            )
            yield runbook.problem(cause.line, "missing-cause", what, fix)
        elif cause.id in seen:
            first = seen[cause.id]
            what = f"the cause id {cause.id!r} is also that of the Rule in line {first.line}."
            fix = "Give one of them another id: their drills would be one, with both faults in."
            yield runbook.problem(cause.line, "duplicate-cause", what, fix)
        elif cause.id in RESERVED:
            what = f"the cause id {cause.id!r} is reserved for drills of the whole runbook."
            yield runbook.problem(cause.line, "reserved-cause", what, "Choose another id.")
        seen.setdefault(cause.id, cause)


def cause_names(runbook: Runbook, book: Book) -> Iterator[Problem]:
    for cause in runbook.causes:
        if not cause.name and cause.line != runbook.line:
            fix = "Write what went wrong behind `Rule:`; a responder chooses by it."
            yield runbook.problem(cause.line, "missing-prose", "the Rule has no name.", fix)


def one_phase(runbook: Runbook, book: Book) -> Iterator[Problem]:
    for _, scenario in _scenarios(runbook):
        if len(scenario.phases) != 1:
            phases = " and ".join(f"@{phase}" for phase in scenario.phases) or "none"
            what = f"{scenario.name!r} needs exactly one phase tag and has {phases}."
            fix = f"Write one of {', '.join(f'@{phase}' for phase in Phase)} above it."
            yield runbook.problem(scenario.line, "one-phase", what, fix)


def four_phases(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """A cause that cannot be told, mended or prevented is half a runbook."""
    for cause in runbook.causes:
        there = {phase for scenario in cause.scenarios for phase in scenario.phases}
        for phase in Phase:
            if phase not in there:
                what = f"the cause {cause.id!r} has no @{phase} scenario."
                fix = "Write one; a phase that only a person can do is a step that returns Advice."
                yield runbook.problem(cause.line, "missing-phase", what, fix)


def phase_order(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """The phases run in the file's order, on one live incident."""
    order = list(Phase)
    for cause in runbook.causes:
        latest = Phase.DETECTION
        for scenario in cause.scenarios:
            phase = scenario.phase or latest
            if order.index(phase) < order.index(latest):
                what = f"the @{phase} scenario {scenario.name!r} stands after a @{latest} one."
                fix = f"Order a cause's scenarios: {', '.join(order)}."
                yield runbook.problem(scenario.line, "phase-order", what, fix)
            else:
                latest = phase


def scenario_names(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """Names become node ids: their letters and digits, in any script."""
    for _, scenario in _scenarios(runbook):
        if not slug(scenario.name):
            what = f"the scenario name {scenario.name!r} holds no letter and no digit."
            yield runbook.problem(scenario.line, "scenario-name", what, "Reword it.")


def own_names(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """pytest-bdd keeps the scenarios of a file by name, across Rules, and the last one wins."""
    seen: dict[str, Scenario] = {}
    for _, scenario in _scenarios(runbook):
        first = seen.setdefault(slug(scenario.name), scenario)
        if first is not scenario and slug(scenario.name):
            alike = "is" if first.name == scenario.name else "makes the same test name as"
            what = f"the scenario name {scenario.name!r} {alike} the one in line {first.line}."
            fix = "Reword one of them: a name is used once in a file, across its Rules too."
            yield runbook.problem(scenario.line, "duplicate-scenario", what, fix)


def outlines(runbook: Runbook, book: Book) -> Iterator[Problem]:
    for _, scenario in _scenarios(runbook):
        if scenario.is_outline:
            what = f"{scenario.name!r} is a Scenario Outline; a drill has no examples."
            fix = "Write a Scenario for each case."
            yield runbook.problem(scenario.line, "outline", what, fix)


def empty_scenarios(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """Empty is never green."""
    for _, scenario in _scenarios(runbook):
        if not scenario.steps:
            what = f"the scenario {scenario.name!r} has no step."
            fix = "Write its steps, or remove it."
            yield runbook.problem(scenario.line, "empty-scenario", what, fix)


def awaited_alerts(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """Whoever is paged by an alert of this page reads that a drill has seen it fire."""
    bound = book.bound.get(str(runbook.path))
    if bound is None or str(runbook.path) in book.unbound:
        return
    steps = (s for cause in bound.causes for one in cause.of(Phase.DETECTION) for s in one.steps)
    probes = [step.value for step in steps if isinstance(step.value, Probe)]
    awaited = {getattr(p.source, "alert", "") for p in probes if isinstance(p.expect, Firing)}
    for tag in runbook.tags:
        if tag.name == "alert" and tag.value not in awaited:
            what = f"no @detection waits for the alert {tag.value}."
            fix = f'Write `Then the alert "{tag.value}" fires within ...`, or remove the tag.'
            yield runbook.problem(tag.line, "unawaited-alert", what, fix)


def _scenarios(runbook: Runbook) -> Iterator[tuple[Cause, Scenario]]:
    return ((cause, scenario) for cause in runbook.causes for scenario in cause.scenarios)


RULES = (
    *(stray_scenarios, cause_ids, cause_names, one_phase, four_phases, phase_order),
    *(scenario_names, own_names, outlines, empty_scenarios, awaited_alerts),
)
LOSING = (
    *(stray_scenarios, cause_ids, one_phase, scenario_names, own_names, outlines),
    empty_scenarios,
)
"""Without these a scenario would be in no drill, or in another cause's; pytest alone asks them."""
