"""`.feature` files -> pytest nodes: module = runbook, class = one drill, item = scenario.

The only place near pytest's and pytest-bdd's internals.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_bdd.feature import get_feature
from pytest_bdd.scenario import scenario

from drillbook.book import reader
from drillbook.book.drills import drill_name, drills_of
from drillbook.evidence.proof import ALL
from drillbook.model import Cause, Control, Phase, Runbook, Scenario
from drillbook.model.errors import DrillbookError
from drillbook.model.slug import slug

ENCODING = "utf-8-sig"
"""UTF-8 with or without a byte order mark, as the reader takes it."""
_HEALTHY = (Phase.DETECTION, Phase.DIAGNOSIS)


class DrillClass(pytest.Class):
    """One cause under one control: pytest's class scope is one drill."""

    cause: str
    control: Control

    @classmethod
    def from_parent(  # type: ignore[override]
        cls, parent: RunbookFile, *, name: str, cause: str, control: Control
    ) -> DrillClass:
        node: DrillClass = super().from_parent(parent, name=name)
        node.cause, node.control = cause, control
        return node

    def _getobj(self) -> type:
        parent: Any = self.parent
        found: type = parent.classes[self.name]
        return found

    @property
    def runbook(self) -> Runbook:
        parent: Any = self.parent
        found: Runbook = parent.runbook
        return found


class RunbookFile(pytest.Module):
    """One feature file."""

    runbook: Runbook
    classes: dict[str, type]

    def _getobj(self) -> types.ModuleType:
        return types.ModuleType(self.path.stem)

    def collect(self) -> Iterator[DrillClass]:
        root = self.config.rootpath
        try:
            self.runbook = reader.read(self.path, root)
        except DrillbookError as error:
            raise self.CollectError(str(error)) from error
        self._refuse_merged_causes()
        functions = self._functions()
        self.session._fixturemanager.parsefactories(self)
        self.classes = {}
        for cause, control in drills_of(self.runbook):
            name = drill_name(cause, control)
            members = dict(self._members(cause, control, functions))
            self.classes[name] = type(name, (), members)
            yield DrillClass.from_parent(self, name=name, cause=cause, control=control)

    def _refuse_merged_causes(self) -> None:
        """Two causes of one id would be one drill with both faults in."""
        ids = [cause.id for cause in self.runbook.causes]
        if len(set(ids)) < len(ids) or "" in ids:
            raise self.CollectError(
                f"{self.runbook.path}: its causes are named {', '.join(map(repr, ids))}; each "
                "needs an id of its own, `@cause:`. `drillbook lint` says more."
            )

    def _functions(self) -> dict[int, Callable[[], None]]:
        """One test function per scenario, by its line.

        pytest-bdd keeps scenarios by name, so two of one name would silently be one: refuse.
        """
        feature = get_feature(str(self.path.parent), self.path.name, ENCODING)
        parsed = [s for cause in self.runbook.causes for s in cause.scenarios]
        stray = [s for s in parsed if s.phase is None]
        if stray:
            raise self.CollectError(
                f"{self.runbook.path}:{stray[0].line}: {stray[0].name!r} has not exactly one phase "
                "tag, so no drill would ask it. `drillbook lint` says more."
            )
        if len(feature.scenarios) != len(parsed):
            raise self.CollectError(
                f"{self.runbook.path}: {len(parsed)} scenarios but {len(feature.scenarios)} names: "
                "two scenarios share a name. `drillbook lint` says which."
            )
        return {s.line: self._function(s) for s in parsed}

    def _function(self, one: Scenario) -> Callable[[], None]:
        def body() -> None:
            """The steps are all there is."""

        found: Callable[[], None] = scenario(
            feature_name=self.path.name,
            scenario_name=one.name,
            features_base_dir=str(self.path.parent),
            encoding=ENCODING,
        )(body)
        return found

    def _members(
        self, cause_id: str, control: Control, functions: dict[int, Callable[[], None]]
    ) -> Iterator[tuple[str, object]]:
        for cause in self.runbook.causes:
            if cause_id not in (cause.id, ALL):
                continue
            for one in _asked(cause, control):
                prefix = f"{cause.id}--" if cause_id == ALL else ""
                yield f"test_{prefix}{slug(one.name)}", staticmethod(functions[one.line])


def _asked(cause: Cause, control: Control) -> tuple[Scenario, ...]:
    """The scenarios that a control asks of a cause."""
    if control is Control.HEALTHY:
        return tuple(s for s in cause.scenarios if s.phase in _HEALTHY)
    return cause.scenarios


def collect_file(parent: pytest.Collector, path: Any) -> RunbookFile | None:
    """What the hook answers: a runbook for a `.feature` file, else None."""
    if path.suffix != ".feature":
        return None
    found: RunbookFile = RunbookFile.from_parent(parent, path=path)
    return found
