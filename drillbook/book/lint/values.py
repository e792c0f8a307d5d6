"""Rules about what steps are bound to. A runbook that could not be bound is left out."""

from collections.abc import Iterator

from drillbook.book.alert_rules import AlertRule, floor_s, silence_s
from drillbook.book.lint.book import Book, did_you_mean
from drillbook.evidence.proof import tools_of
from drillbook.model import (
    Action,
    Advice,
    BoundCause,
    BoundScenario,
    BoundStep,
    Component,
    Duration,
    Fault,
    Finding,
    Phase,
    Probe,
    Problem,
    Reinject,
    Risk,
    Runbook,
    alert_of,
    reading,
)
from drillbook.model.matchers import Firing, Gone, Silent

_DESTROYING = frozenset({"delete", "drain", "drop", "rm", "--force", "-delete", "FLUSHALL"})
_READ_ONLY = (Phase.DETECTION, Phase.DIAGNOSIS)


def set_up(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """A scenario sets up nothing: its workload would not be made, its fault not taken back."""
    for _, scenario, bound in _steps(runbook, book):
        if isinstance(bound.value, (Component, Fault)):
            what = (
                f"{bound.step.text!r} sets something up in the scenario {scenario.scenario.name!r}."
            )
            fix = "Move it to a Background."
            yield _at(runbook, bound, "one-set-up", what, fix)


def read_only(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """Detection and diagnosis are asked while nobody knows yet what is wrong: they only read."""
    for _, scenario, bound in _steps(runbook, book):
        if _phase(scenario) in _READ_ONLY and isinstance(bound.value, Action):
            what = f"{bound.step.text!r} changes something during {_phase(scenario)}."
            fix = "Move it to @remediation, or check instead of changing."
            yield _at(runbook, bound, "read-only", what, fix)


def only_reads(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """A line that only checks or finds is run by itself: it must not be able to change anything."""
    for bound in book.steps(runbook):
        value = bound.value
        if isinstance(value, Action):
            lines = [one.command for one in value.reads if isinstance(one, Finding)]
        else:
            lines = [*value.lines()]
        for line in lines:
            if why := reading.why_not(line):
                what = f"{bound.step.text!r} reads by a line that may change something: {why}."
                fix = "Read it another way, or write it as an Action."
                yield _at(runbook, bound, "only-reads", what, fix)


def says_destroys(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """What deletes, or cannot be taken back, says so before it is run."""
    for _, _, bound in _steps(runbook, book):
        value = bound.value
        if not isinstance(value, Action) or value.risk is Risk.DESTROYS:
            continue
        words = {word for word in value.command.words if isinstance(word, str)}
        telling = sorted(words & _DESTROYING) or [w for w in words if '"immutable":true' in w]
        if telling:
            what = f"{bound.step.text!r} runs `{telling[0]}`, and does not say that it destroys."
            yield _at(runbook, bound, "says-destroys", what, "Give the Action risk=Risk.DESTROYS.")


def remedy(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """A remediation that does nothing would be proven by a fault that heals itself."""
    for cause in _whole(runbook, book):
        scenarios, steps = _of(cause, Phase.REMEDIATION)
        if scenarios and not any(isinstance(b.value, (Action, Advice)) for b in steps):
            what = f"the remediation of {cause.cause.id!r} changes nothing."
            fix = "Write the When step that mends it, or an Advice where only a person can."
            yield runbook.problem(scenarios[0].scenario.line, "no-remedy", what, fix)


def independent_effect(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """A fault confirmed by the runbook's own check would prove that check by itself."""
    for cause, _, bound in _steps(runbook, book):
        if isinstance(bound.value, Probe) and bound.value.source == cause.fault.effect.source:
            what = (
                f"{bound.step.text!r} reads what already confirms the fault of {cause.cause.id!r}."
            )
            fix = "Confirm the fault's effect by another source, in fixtures/faults."
            yield _at(runbook, bound, "dependent-effect", what, fix)


def declared_alerts(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """A page names the alerts that lead to it; a step that waits for another proves another."""
    for _, _, bound in _steps(runbook, book):
        name = _alert(bound)
        if name is not None and name not in runbook.alerts:
            near = did_you_mean(name, runbook.alerts, f"Add `@alert:{name}` above the Feature.")
            what = f"{bound.step.text!r} is about an alert that is none of this runbook's."
            yield _at(runbook, bound, "undeclared-alert", what, near)


def above_floor(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """What a check needs at worst, of a healthy monitoring, must fit into its budget."""
    for _, _, bound in _steps(runbook, book):
        if not isinstance(bound.value, Probe):
            continue
        floor, why = _floor_s(bound.value, book.alerts.get(_alert(bound) or ""), book)
        within = bound.value.within
        budget = within.seconds if within else book.default_within_s
        if budget < floor:
            shown = f"within {within}" if within else f"the default of {budget:g}s"
            what = (
                f"{bound.step.text!r}: {shown} is below what it needs at worst, {floor:g}s ({why})."
            )
            fix = f"Write `within {floor:g}s` or more, or make monitoring faster."
            yield _at(runbook, bound, "below-floor", what, fix)


def silence_after_sound(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """An alert that this cause never waited for may be silent because it cannot fire."""
    for cause in _whole(runbook, book):
        heard: set[str] = set()
        for bound in (bound for scenario in cause.scenarios for bound in scenario.steps):
            name = _alert(bound)
            if name is None or not isinstance(bound.value, Probe):
                continue
            if isinstance(bound.value.expect, Firing):
                heard.add(name)
            elif name not in heard:
                what = f"{bound.step.text!r}: no earlier step of {cause.cause.id!r} saw it fire."
                fix = f'Write `Then the alert "{name}" fires within ...` in @detection.'
                yield _at(runbook, bound, "silence-before-sound", what, fix)


def within_rto(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """A step that may take longer than the whole recovery; prevention comes after recovery."""
    try:
        rto = Duration(runbook.tag("rto"))
    except ValueError:
        return
    for _, scenario, bound in _steps(runbook, book):
        if not isinstance(bound.value, (Probe, Action)) or _phase(scenario) is Phase.PREVENTION:
            continue
        if bound.value.within is not None and bound.value.within > rto:
            what = f"{bound.step.text!r} may take {bound.value.within}, longer than @rto:{rto}."
            fix = "Shorten it, or promise a longer RTO."
            yield _at(runbook, bound, "beyond-rto", what, fix)


def reinjection(runbook: Runbook, book: Book) -> Iterator[Problem]:
    for _, scenario, bound in _steps(runbook, book):
        if isinstance(bound.value, Reinject) and _phase(scenario) is not Phase.PREVENTION:
            what = f"{bound.step.text!r} injects the fault outside of @prevention."
            yield _at(runbook, bound, "reinjection", what, "Move it to the prevention scenario.")


def unchecked(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """A change proves nothing unasked, and an alert's silence little: the system is asked."""
    for cause in _whole(runbook, book):
        for phase, kind in ((Phase.REMEDIATION, Action), (Phase.PREVENTION, Reinject)):
            _, steps = _of(cause, phase)
            last = max((n for n, b in enumerate(steps) if isinstance(b.value, kind)), default=None)
            if last is None or any(_asks_the_system(b) for b in steps[last + 1 :]):
                continue
            what = f"nothing in @{phase} asks the system itself after {steps[last].step.text!r}."
            fix = "Write a Then step after it that reads what it should bring about, not an alert."
            yield _at(runbook, steps[last], "unchecked", what, fix)


def injected_again(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """A prevention is proven by the same fault once more, or it is for a person to do."""
    for cause in _whole(runbook, book):
        scenarios, steps = _of(cause, Phase.PREVENTION)
        if not steps or any(isinstance(b.value, Reinject) for b in steps):
            continue
        if not all(isinstance(b.value, Advice) for b in steps):
            what = f"the prevention of {cause.cause.id!r} never meets the fault again."
            fix = "Write `When the fault is injected again` before its last check."
            yield runbook.problem(scenarios[0].scenario.line, "no-reinjection", what, fix)


def there_are_tools(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """A command that runs a missing file of scripts/ would fail in a responder's hands."""
    for bound in book.steps(runbook):
        for line in bound.value.lines():
            for path in tools_of(line):
                if path not in book.scripts:
                    what = f"{bound.step.text!r} runs {path}, which is not there."
                    near = did_you_mean(path, book.scripts, "Write the tool, or correct the step.")
                    yield _at(runbook, bound, "missing-tool", what, near)


def _asks_the_system(bound: BoundStep) -> bool:
    return isinstance(bound.value, Probe) and _alert(bound) is None


def _of(cause: BoundCause, phase: Phase) -> tuple[tuple[BoundScenario, ...], list[BoundStep]]:
    """The scenarios of one phase, and their steps in a row."""
    scenarios = cause.of(phase)
    return scenarios, [bound for scenario in scenarios for bound in scenario.steps]


def _whole(runbook: Runbook, book: Book) -> Iterator[BoundCause]:
    """The causes whose every step is bound: of another, nobody knows what it lacks."""
    unbound = book.unbound.get(str(runbook.path), frozenset())
    for bound in book.causes(runbook):
        scenarios = bound.cause.scenarios
        if unbound.isdisjoint(step.line for scenario in scenarios for step in scenario.steps):
            yield bound


def _steps(runbook: Runbook, book: Book) -> Iterator[tuple[BoundCause, BoundScenario, BoundStep]]:
    for cause in book.causes(runbook):
        for scenario in cause.scenarios:
            for bound in scenario.steps:
                yield cause, scenario, bound


def _phase(scenario: BoundScenario) -> Phase | None:
    return scenario.scenario.phase


def _alert(bound: BoundStep) -> str | None:
    """The alert that a step reads, if it reads one."""
    source = bound.value.source if isinstance(bound.value, Probe) else None
    return None if source is None else alert_of(source)


def _floor_s(probe: Probe, rule: AlertRule | None, book: Book) -> tuple[float, str]:
    """Seconds at worst, and what takes them. A rule's `for` delays its firing, `keep_firing_for`
    its end; of a series an answer from after the change is its next sample."""
    times = (book.scrape_s, book.evaluation_s)
    if rule is not None and isinstance(probe.expect, Silent):
        return silence_s(rule, *times), "scrape + evaluation + the rule's `keep_firing_for`"
    if rule is not None and isinstance(probe.expect, Firing):
        return floor_s(rule, *times), "scrape + evaluation + the rule's `for`"
    held_s = probe.throughout.seconds if probe.throughout else 0.0
    also = " + as long as it must hold" if probe.throughout else ""
    window = getattr(probe.source, "window", "")
    if not window:
        return held_s, also.removeprefix(" + ")
    # The last sample stays in a series' range; an expression decides itself what is gone.
    if isinstance(probe.expect, Gone) and not hasattr(probe.source, "reads"):
        range_s = Duration(window).seconds
        return book.scrape_s + range_s + held_s, f"scrape + {window} that it looks back{also}"
    return book.scrape_s + held_s, f"scrape{also}"


def _at(runbook: Runbook, bound: BoundStep, rule: str, what: str, fix: str) -> Problem:
    return runbook.problem(bound.step.line, rule, what, fix)


RULES = (
    *(set_up, read_only, only_reads, says_destroys, remedy, independent_effect),
    *(declared_alerts, above_floor, silence_after_sound, within_rto, reinjection, unchecked),
    *(injected_again, there_are_tools),
)
