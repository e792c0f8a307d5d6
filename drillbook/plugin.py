"""pytest's hooks, one line each: this file reads like a table of contents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drillbook import collect, drilling
from drillbook.drill.live_drill import Incident


def pytest_addoption(parser: pytest.Parser) -> None:
    drilling.add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    drilling.configure(config)


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> collect.RunbookFile | None:
    return collect.collect_file(parent, file_path)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    drilling.select(config, items)


def pytest_bdd_apply_tag(tag: str, function: Any) -> bool | None:
    return drilling.apply_tag(tag, function)


def pytest_bdd_before_scenario(request: pytest.FixtureRequest, scenario: Any) -> None:
    drilling.before_scenario(request, scenario)


def pytest_bdd_before_step(request: pytest.FixtureRequest, step: Any) -> None:
    drilling.before_step(request, step)


def pytest_bdd_after_scenario(request: pytest.FixtureRequest, scenario: Any) -> None:
    drilling.after_scenario(request, scenario)


def pytest_keyboard_interrupt(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    drilling.interrupted()


@pytest.fixture(scope="class")
def drill(request: pytest.FixtureRequest) -> Iterator[Incident]:
    """The drill that the class node is: its workload and fault before, its undo after."""
    yield from drilling.run(request)
