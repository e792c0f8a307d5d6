"""Sentences become values; what does not bind is reported, all of it."""

from collections.abc import Sequence
from pathlib import PurePosixPath

import pytest
from cucumber_expressions.expression import CucumberExpression

from drillbook.book import reader
from drillbook.book.bind import bind
from drillbook.book.sentences import TYPES, Definition
from drillbook.model import (
    Action,
    Command,
    Component,
    Duration,
    Fault,
    Probe,
    Problem,
    Value,
    Var,
    Where,
    Word,
    command,
    join,
    name_of,
)
from drillbook.model.errors import UsageError
from drillbook.model.matchers import equals, firing
from drillbook.sources import FiringAlert, Http

READY = Probe(source=Http(url="http://x"), expect=equals("200"))


def system(where: Where, app: str) -> Component:
    name = name_of(app, Var("APP"), command("find-it"))
    return Component(title="it", manifests=(), ready=(READY,), names=(name,))


def fault(app: Word) -> Fault:
    return Fault(title="broken", changes=(), effect=READY)


def fires(where: Where, alert: str, budget: Duration) -> Probe:
    return Probe(source=FiringAlert(alert=alert), expect=firing(), within=budget)


def restart(where: Where, app: Word) -> Action:
    return Action(command=command("restart", join("deployment/", app)))


def restart_literally(where: Where, app: Word) -> Action:
    return Action(command=command("restart", "deployment/orders"))


def define(keyword: str, pattern: str, build: object) -> Definition:
    return Definition(
        keyword=keyword,
        pattern=pattern,
        build=build,  # type: ignore[arg-type]
        expression=CucumberExpression(pattern, TYPES),
        file="steps/x.py",
        line=1,
    )


DEFINITIONS = (
    define("given", "the system {string}", system),
    define("given", "{string} is broken", fault),
    define("then", "the alert {string} fires within {duration}", fires),
    define("when", "{string} is restarted", restart),
)

TEXT = """
@id:RB-X-001
Feature: it
  Background:
    Given the system "orders"

  @cause:one
  Rule: one
    Background:
      Given "orders" is broken
    @detection
    Scenario: seen
      Then the alert "Down" fires within 90s
    @remediation
    Scenario: mended
      When "orders" is restarted
"""


def problems(text: str, definitions: Sequence[Definition] = DEFINITIONS) -> list[Problem]:
    return bind(reader.parse(text, PurePosixPath("features/x/x.feature")), definitions)[1]


def values(text: str = TEXT) -> list[Value]:
    bound, found = bind(reader.parse(text, PurePosixPath("features/x/x.feature")), DEFINITIONS)
    assert bound is not None, found
    return [step.value for s in bound.causes[0].scenarios for step in s.steps]


def test_steps_become_values_in_order() -> None:
    alert, action = values()
    assert isinstance(alert, Probe)
    assert alert.within == Duration("90s")
    assert isinstance(action, Action)


def test_a_name_of_the_workload_becomes_its_variable() -> None:
    action = values()[1]
    assert isinstance(action, Action)
    assert action.command == Command(("restart", join("deployment/", Var("APP"))))
    assert str(action.command) == 'restart deployment/"$APP"'


def test_a_literal_drill_name_on_a_page_is_a_problem() -> None:
    literal = define("when", "{string} is restarted", restart_literally)
    (problem,) = problems(TEXT, (*DEFINITIONS[:3], literal))
    assert problem.rule == "literal-drill-name"
    assert "$APP" in problem.fix


def test_an_unbound_step_names_the_nearest() -> None:
    (problem,) = problems(TEXT.replace("is restarted", "is restartet"))
    assert (problem.rule, problem.line) == ("unbound-step", 16)
    assert "{string} is restarted" in problem.what


def test_an_ambiguous_step_names_every_definition() -> None:
    twice = (*DEFINITIONS, define("when", "{string} is {word}", restart))
    (problem,) = problems(TEXT, twice)
    assert problem.rule == "ambiguous-step"
    assert problem.what.count("steps/x.py:1") == 2


@pytest.mark.parametrize("length", ["90", "soon", "-5s"])
def test_what_is_no_duration_is_named(length: str) -> None:
    (problem,) = problems(TEXT.replace("90s", length))
    assert problem.rule == "not-a-duration"
    assert problem.fix.endswith(".")
    assert length in problem.what


def test_every_problem_is_reported_at_once() -> None:
    text = TEXT.replace("is restarted", "is gone").replace("90s", "90")
    assert {p.rule for p in problems(text)} == {"unbound-step", "not-a-duration"}


def test_a_runbook_without_a_workload_or_fault_says_so() -> None:
    text = TEXT.replace('      Given "orders" is broken\n', "")
    assert [p.rule for p in problems(text)] == ["one-fault"]
    text = TEXT.replace('Given the system "orders"', 'Given "orders" is broken')
    assert "no-component" in [p.rule for p in problems(text)]


def test_a_given_that_does_not_bind_is_one_problem() -> None:
    text = TEXT.replace('Given the system "orders"', 'Given the sistem "orders"')
    assert [p.rule for p in problems(text)] == ["unbound-step"]
    assert [p.rule for p in problems(TEXT.replace("is broken", "is braken"))] == ["unbound-step"]


def test_a_name_that_the_workload_does_not_own_is_a_problem() -> None:
    (problem,) = problems(TEXT.replace('When "orders"', 'When "order"'))
    assert (problem.rule, problem.line) == ("bad-argument", 16)
    assert "there is 'orders'" in problem.what


def test_a_sentence_under_another_keyword_is_told_its_own() -> None:
    (problem,) = problems(TEXT.replace('When "orders"', 'Then "orders"'))
    assert problem.rule == "wrong-keyword"
    assert "Write When" in problem.fix


def test_what_did_bind_is_still_there_for_lint() -> None:
    text = TEXT.replace("is restarted", "is gone")
    bound, found = bind(reader.parse(text, PurePosixPath("features/x/x.feature")), DEFINITIONS)
    assert [p.rule for p in found] == ["unbound-step"]
    assert bound is not None
    assert [len(s.steps) for s in bound.causes[0].scenarios] == [1, 0]


def reads_a_missing_file(where: Where, app: Word) -> Action:
    raise FileNotFoundError("no such workload")


def test_a_builder_that_cannot_read_its_file_is_a_problem_of_that_step() -> None:
    definition = define("when", "{string} is restarted", reads_a_missing_file)
    (problem,) = problems(TEXT, (*DEFINITIONS[:3], definition))
    assert (problem.rule, problem.line) == ("bad-argument", 16)


def refuses(where: Where, app: Word) -> Action:
    raise UsageError(f"no such application: {app}.")


def test_a_builder_that_refuses_its_argument_is_a_problem_of_that_step() -> None:
    definition = define("when", "{string} is restarted", refuses)
    (problem,) = problems(TEXT, (*DEFINITIONS[:3], definition))
    assert (problem.rule, problem.line) == ("bad-argument", 16)


def test_a_runbook_without_rules_has_its_fault_in_its_background() -> None:
    text = """
@id:RB-X-001
Feature: it
  Background:
    Given the system "orders"
    And "orders" is broken
  @detection
  Scenario: seen
    Then the alert "Down" fires within 90s
"""
    assert problems(text) == []


def test_a_keyword_must_fit_its_value() -> None:
    wrong = define("when", "{string} is restarted", fault)
    assert problems(TEXT, (*DEFINITIONS[:3], wrong))[0].rule == "wrong-keyword"
