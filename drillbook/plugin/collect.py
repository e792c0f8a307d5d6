"""`.feature` files -> pytest nodes: module = runbook, class = one drill, item = scenario. The only
place near pytest's and pytest-bdd's internals."""

import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd.feature import get_feature
from pytest_bdd.scenario import scenario

from drillbook.book import reader
from drillbook.book.drills import drill_name, drills_of
from drillbook.book.lint import LOSING, Book
from drillbook.book.lint.metadata import tag_values
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
        cls, parent: "RunbookFile", *, name: str, cause: str, control: Control
    ) -> "DrillClass":
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
        self._refuse_what_would_be_lost()
        functions = self._functions()
        self.session._fixturemanager.parsefactories(self)
        self.classes = {}
        for cause, control in drills_of(self.runbook):
            name = drill_name(cause, control)
            members = dict(self._members(cause, control, functions))
            self.classes[name] = type(name, (), members)
            yield DrillClass.from_parent(self, name=name, cause=cause, control=control)

    def _refuse_what_would_be_lost(self) -> None:
        """What `drillbook lint` would refuse because a drill would ask it wrongly or not at all."""
        # These rules look at one runbook alone.
        book = Book(runbooks=(), bound={}, alerts={}, scrape_s=0, evaluation_s=0)
        found = [p for rule in (*LOSING, tag_values) for p in rule(self.runbook, book)]
        if found:
            raise self.CollectError("\n".join(map(str, sorted(found))))

    def _functions(self) -> dict[int, Callable[[], None]]:
        """One test function per scenario, by its line."""
        parsed = [s for cause in self.runbook.causes for s in cause.scenarios]
        feature = get_feature(str(self.path.parent), self.path.name, ENCODING)
        if len(feature.scenarios) != len(parsed):
            raise self.CollectError(
                f"{self.runbook.path}: {len(parsed)} scenarios, of which pytest-bdd finds "
                f"{len(feature.scenarios)}. Report this file."
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


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """pytest passes by folders such as `build` and `dist`, but no runbook is
    left out because of its area's name, unless somebody asks for that."""
    asked = config.getoption("ignore") or config.getoption("ignore_glob")
    features = config.rootpath / reader.FEATURES
    path = collection_path
    ours = path.is_dir() and path.is_relative_to(features) and path.name[0] not in "._"
    return False if ours and not asked else None


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> RunbookFile | None:
    """A runbook for a `.feature` file, else None."""
    if file_path.suffix != ".feature":
        return None
    found: RunbookFile = RunbookFile.from_parent(parent, path=file_path)
    return found
