"""pytest's hooks: options, the drill's life around its class, each scenario's turns."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from drillbook.book.lint import TAGS
from drillbook.book.sentences import DEFINITIONS
from drillbook.cluster import settings as settings_module
from drillbook.drill.drill_record import record_of_refusal
from drillbook.drill.live_drill import LiveDrill
from drillbook.drill.signals import held_off, take_termination_as_interrupt
from drillbook.evidence.clean_stream import clean_output
from drillbook.model import Duration, Phase
from drillbook.model.errors import DrillbookError, Refused
from drillbook.plugin import sentences
from drillbook.plugin.clean_reports import CleanReports
from drillbook.plugin.collect import DrillClass
from drillbook.plugin.session import DrillSession

SESSION = pytest.StashKey[DrillSession]()
_RUNNING: list[LiveDrill] = []
"""The drill that is under way, if any: one process runs one drill at a time."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("drillbook", "drills of runbooks on a staging cluster")
    group.addoption("--drill", action="store_true", help="perform the drills that are collected")
    group.addoption("--drill-run", default=None, metavar="FOLDER", help="where records go")
    group.addoption("--drill-until", default=Phase.PREVENTION.value, metavar="PHASE")
    group.addoption("--drill-attempt", default=1, type=int, metavar="N", help="in this run")
    group.addoption("--drill-leave-standing", default=None, metavar="DURATION")
    group.addoption(
        "--drill-thorough", action="store_true", help="ask other causes for their whole `within`"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    for name in TAGS:
        config.addinivalue_line("markers", f"{name}: a tag of Drillbook's runbooks")
    if config.getoption("--drill"):
        config.stash[SESSION] = _open(config)
        redactor = config.stash[SESSION].redactor
        clean_output(redactor)
        config.pluginmanager.register(CleanReports(redactor), "drillbook-clean-reports")
        take_termination_as_interrupt()


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Every conftest is imported by now, and so is every module of sentences."""
    session.config.pluginmanager.register(sentences.as_plugin(DEFINITIONS), "drillbook-sentences")


def _open(config: pytest.Config) -> DrillSession:
    leave_standing = config.getoption("--drill-leave-standing")
    try:
        loaded = settings_module.load(root=config.rootpath)
        run = config.getoption("--drill-run")
        name = Path(run).name if run else f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"
        return DrillSession(
            settings=loaded,
            run=name,
            folder=Path(run) if run else loaded.runs / name,
            until=Phase(config.getoption("--drill-until")),
            leave_standing=Duration(leave_standing) if leave_standing else None,
            thorough=config.getoption("--drill-thorough"),
            attempt=config.getoption("--drill-attempt"),
        )
    except (DrillbookError, ValueError) as error:
        raise pytest.UsageError(str(error)) from error


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse to run drills by accident, or in part: an expression keeps or drops a whole drill."""
    owners = [item.parent for item in items if isinstance(item.parent, DrillClass)]
    if owners and not config.getoption("--drill") and not config.option.collectonly:
        raise pytest.UsageError(
            f"{len(owners)} scenarios of runbooks were collected, which change a cluster. "
            "Pass --drill to perform them, or use `drillbook drill`."
        )
    for node in dict.fromkeys(owners):
        whole = sum(name.startswith("test_") for name in vars(node.obj))
        kept = owners.count(node)
        if config.getoption("--drill") and kept < whole:
            raise pytest.UsageError(
                f"{node.nodeid}: {kept} of its {whole} scenarios were selected. A drill is kept or "
                "dropped as a whole: select by the drill's name, or use --drill-until."
            )


def pytest_bdd_apply_tag(tag: str, function: Any) -> bool | None:
    """A tag with a value is read by our reader, not made a mark of that odd name."""
    return True if ":" in tag else None


@pytest.fixture(scope="class")
def drill(request: pytest.FixtureRequest) -> Iterator[LiveDrill]:
    """The drill that the class node is: begun before it, and always ended after it: on success,
    failure, exception, SIGINT and SIGTERM."""
    node = request.node
    session = request.config.stash[SESSION]
    incident = _incident(session, node)
    _RUNNING.append(incident)
    try:
        incident.begin()
        yield incident
    finally:
        with held_off():
            path = session.write(incident.end())
            incident.clients.close()
            _RUNNING.remove(incident)
            incident.progress.say(f"record: {path}")


def _incident(session: DrillSession, node: Any) -> LiveDrill:
    """A refusal before there is an incident has a record as well."""
    started = datetime.now(UTC)
    try:
        return session.live_drill(node.runbook, node.cause, node.control)
    except Refused as error:
        about = {key: getattr(node, key) for key in ("runbook", "cause", "control")}
        about |= {key: getattr(session, key) for key in ("run", "commit", "until")}
        ended = datetime.now(UTC)
        session.write(record_of_refusal(error, started=started, ended=ended, **about))
        raise


def pytest_bdd_before_scenario(request: pytest.FixtureRequest, scenario: Any) -> None:
    if not isinstance(request.node.parent, DrillClass):
        return
    incident: LiveDrill = request.getfixturevalue("drill")
    if incident.failed:
        pytest.skip("not run: an earlier step of this drill did not pass")
    if not incident.performs(scenario.line_number):
        pytest.skip("not asked for: the drill ends before this phase")
    incident.enter(scenario.line_number)


def pytest_bdd_before_step(request: pytest.FixtureRequest, step: Any) -> None:
    if isinstance(request.node.parent, DrillClass):
        request.getfixturevalue("drill").select(step.line_number)


def pytest_bdd_after_scenario(request: pytest.FixtureRequest, scenario: Any) -> None:
    if isinstance(request.node.parent, DrillClass) and _RUNNING:
        _RUNNING[-1].judge_scenario(scenario.line_number)


def pytest_keyboard_interrupt(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """A signal came between two steps."""
    for incident in _RUNNING:
        incident.interrupted = True
