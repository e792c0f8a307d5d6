"""pytest's hooks, one line each: this file reads like a table of contents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drillbook.drill.live_drill import LiveDrill
from drillbook.plugin import collect, hooks


def pytest_addoption(parser: pytest.Parser) -> None:
    hooks.add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    hooks.configure(config)


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    hooks.know_sentences(session.config)


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> collect.RunbookFile | None:
    return collect.collect_file(parent, file_path)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return collect.ignore(collection_path, config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    hooks.select(config, items)


def pytest_bdd_apply_tag(tag: str, function: Any) -> bool | None:
    return hooks.apply_tag(tag, function)


def pytest_bdd_before_scenario(request: pytest.FixtureRequest, scenario: Any) -> None:
    hooks.before_scenario(request, scenario)


def pytest_bdd_before_step(request: pytest.FixtureRequest, step: Any) -> None:
    hooks.before_step(request, step)


def pytest_bdd_after_scenario(request: pytest.FixtureRequest, scenario: Any) -> None:
    hooks.after_scenario(request, scenario)


def pytest_keyboard_interrupt(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    hooks.interrupted()


@pytest.fixture(scope="class")
def drill(request: pytest.FixtureRequest) -> Iterator[LiveDrill]:
    """The drill that the class node is: its workload and fault before, its undo after."""
    yield from hooks.run(request)
