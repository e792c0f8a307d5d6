"""Runbooks whose steps are values: what drills, pages and hashes are made from."""

from collections.abc import Iterator
from dataclasses import dataclass

from drillbook.model.text import Cause, Phase, Runbook, Scenario, Step
from drillbook.model.values import Fault, Name, Value, Workload


@dataclass(frozen=True, kw_only=True)
class BoundStep:
    """A step and the value that its definition returned."""

    step: Step
    value: Value


@dataclass(frozen=True, kw_only=True)
class BoundScenario:
    scenario: Scenario
    steps: tuple[BoundStep, ...]


@dataclass(frozen=True, kw_only=True)
class BoundCause:
    """A cause whose steps are values."""

    cause: Cause
    workload: Workload
    fault: Fault
    background: tuple[BoundStep, ...]
    scenarios: tuple[BoundScenario, ...]

    def of(self, phase: Phase) -> tuple[BoundScenario, ...]:
        return tuple(s for s in self.scenarios if s.scenario.phase is phase)


@dataclass(frozen=True, kw_only=True)
class BoundRunbook:
    """A runbook whose steps are values: what drills, pages and hashes are made from."""

    runbook: Runbook
    causes: tuple[BoundCause, ...]

    @property
    def names(self) -> tuple[Name, ...]:
        """Every name that its workloads own, once."""
        return tuple(dict.fromkeys(n for c in self.causes for n in c.workload.names))

    @property
    def steps(self) -> Iterator[BoundStep]:
        """Every step, the Backgrounds' among them."""
        for cause in self.causes:
            yield from cause.background
            yield from (step for scenario in cause.scenarios for step in scenario.steps)

    def cause(self, cause_id: str) -> BoundCause:
        """Raises KeyError when there is no such cause."""
        return {bound.cause.id: bound for bound in reversed(self.causes)}[cause_id]
