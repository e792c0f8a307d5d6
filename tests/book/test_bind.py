"""Sentences become values; what does not bind is reported, all of it."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from drillbook.book import reader
from drillbook.book.bind import Binder
from drillbook.book.sentences import Definition
from drillbook.model import (
    Action,
    BoundRunbook,
    Component,
    Duration,
    Fault,
    Finding,
    Name,
    Part,
    Probe,
    Problem,
    Var,
    Where,
    Word,
    command,
    join,
    name_of,
)
from drillbook.model.errors import UsageError
from drillbook.model.matchers import equals
from drillbook.sources import Http, Kube
from tests.lint_examples import DEFINITIONS, PATH, TEXT, edited
from tests.lint_examples import definition as another


def problems(text: str, definitions: Sequence[Definition] = DEFINITIONS) -> list[Problem]:
    return Binder(definitions).bind(reader.parse(text, PATH))[1]


def test_steps_become_values_in_order_and_a_name_of_the_workload_its_variable() -> None:
    bound, found = Binder(DEFINITIONS).bind(reader.parse(TEXT, PATH))
    assert (bound is not None, found) == (True, [])
    detection, _, remediation, _ = bound.causes[0].scenarios
    assert [step.value.within for step in detection.steps] == [Duration("60s")]
    action, silent, shows = (step.value for step in remediation.steps)
    assert [type(one) for one in (action, silent, shows)] == [Action, Probe, Probe]
    assert str(action.command) == 'start "$APP"'


@pytest.mark.parametrize(
    ("old", "new", "rule", "line", "said"),
    [
        ("is started within", "is startet within", "unbound-step", 26, "is started within"),
        ("fires within 60s", "fires within 60", "not-a-duration", 18, "60"),
        ("fires within 60s", "fires within soon", "not-a-duration", 18, "soon"),
        ("fires within 60s", "fires within -5s", "not-a-duration", 18, "-5s"),
        ("When the database of", "Then the database of", "wrong-keyword", 26, "Write When"),
        ('"corner" is started', '"other" is started', "bad-argument", 26, "there is 'corner'"),
        # A given that does not bind is one problem, and not that of a missing fault as well.
        ("Given the shop", "Given the shoppe", "unbound-step", 9, "the shop"),
        ("is stopped", "is stoped", "unbound-step", 14, "is stopped"),
    ],
)
def test_what_does_not_bind_is_told(old: str, new: str, rule: str, line: int, said: str) -> None:
    found = problems(edited((old, new)))
    assert (found[0].rule, found[0].line, said in str(found[0])) == (rule, line, True)
    assert len({(one.rule, one.line) for one in found}) == 1


def test_every_problem_is_reported_at_once_and_what_did_bind_is_there_for_lint() -> None:
    text = edited(("is started", "is gone"), ("fires within 60s", "fires within 60"))
    bound, found = Binder(DEFINITIONS).bind(reader.parse(text, PATH))
    assert {one.rule for one in found} == {"unbound-step", "not-a-duration"}
    assert [len(one.steps) for one in bound.causes[0].scenarios] == [0, 1, 2, 2]


def test_a_runbook_without_a_workload_or_fault_says_so() -> None:
    text = edited(('      Given the database of "corner" is stopped\n', ""))
    assert "one-fault" in {one.rule for one in problems(text)}
    text = edited(('the shop "corner" takes orders', 'the database of "corner" is stopped'))
    assert "no-component" in {one.rule for one in problems(text)}


STARTED = "the database of {string} is started within {duration}"


def test_an_ambiguous_step_names_every_definition() -> None:
    twice = another("when", "the database of {string} is {word} within {duration}", Fault)
    (problem,) = problems(TEXT, (*DEFINITIONS, twice))
    assert problem.rule == "ambiguous-step"
    assert ("steps/x.py:1" in problem.what, problem.what.count("steps/shop.py")) == (True, 1)


def literal(where: Where, app: Word, budget: Duration) -> Action:
    return Action(command=command("start", "deployment/corner"))


def reads_a_missing_file(where: Where, app: Word, budget: Duration) -> Action:
    raise FileNotFoundError("no such workload")


def refuses(where: Where, app: Word, budget: Duration) -> Action:
    raise UsageError(f"no such application: {app}.")


def breaks(where: Where, app: Word, budget: Duration) -> Fault:
    return Fault(title="broken", changes=(), effect=None)


@pytest.mark.parametrize(
    ("build", "rule"),
    [
        (literal, "literal-drill-name"),
        (reads_a_missing_file, "bad-argument"),
        (refuses, "bad-argument"),
        (breaks, "wrong-keyword"),
    ],
)
def test_a_builder_that_goes_wrong_is_a_problem(build: Callable[..., Any], rule: str) -> None:
    own = [one for one in DEFINITIONS if one.pattern != STARTED]
    (problem,) = problems(TEXT, (*own, another("when", STARTED, build)))
    assert (problem.rule, problem.line) == (rule, 26)


LAKE = """\
@id:RB-X-001 @alert:Down @rto:5m
Feature: Two systems

  Background:
    Given the server "db"
    And a table "sales.orders" on "db"

  Rule: Broken
    Background:
      Given "db" is broken

    @detection
    Scenario: It fires
      Then the process of "db" runs "postgres"
      And "sales.orders" has rows
"""


READY = Probe(source=Http(url="http://x"), expect=equals("200"))


def fault(app: Word) -> Fault:
    return Fault(title="broken", changes=(), effect=READY)


def server(where: Where, name: str) -> Component:
    var = Var("DB")
    part = Part(
        role="process", kind="Deployment", name=var, selector=join("a=", var), container="c"
    )
    return Component(
        title="it",
        manifests=(),
        ready=(READY,),
        names=(name_of(name, var, command("find-it")),),
        parts=(part,),
    )


def table(name: str, on: Component) -> Component:
    word = join(Var("SCHEMA"), ".", Var("TABLE"))
    finds = tuple(Finding(var=Var(v), command=command("find", v)) for v in ("SCHEMA", "TABLE"))
    names = (Name(literal=name, word=word, finds=finds),)
    return Component(title=f"on {on.title}", manifests=(), ready=(READY,), names=names)


def runs(part: Part, what: str) -> Probe:
    source = Kube(kind="pods", selector=part.selector, path="{.items[*].x}")
    return Probe(source=source, expect=equals(what))


def has_rows(rows: Word) -> Probe:
    return Probe(source=Http(url=join("http://x/", rows)), expect=equals("200"))


SEVERAL = (
    another("given", "the server {string}", server),
    another("given", "a table {string} on {string}", table),
    another("given", "{string} is broken", fault),
    another("then", "{part} runs {string}", runs),
    another("then", "{string} has rows", has_rows),
)


def several(text: str) -> tuple[BoundRunbook | None, list[Problem]]:
    return Binder(SEVERAL).bind(reader.parse(text, PATH))


def test_components_stand_on_each_other_and_names_may_be_of_several_variables() -> None:
    bound, found = several(LAKE)
    assert not found
    assert bound is not None
    (cause,) = bound.causes
    assert [one.title for one in cause.workload.components] == ["it", "on it"]
    assert cause.workload.values == {"DB": "db", "SCHEMA": "sales", "TABLE": "orders"}
    runs_, rows = (str(s.value.source.command()) for s in cause.scenarios[0].steps)
    assert '-l a="$DB"' in runs_
    assert rows.endswith('http://x/"$SCHEMA"."$TABLE"')


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("the process of", "the shadow of", 'there is the process of "db"'),
        ('of "db" runs', 'of "dc" runs', "there is 'db', 'sales.orders'"),
        ('on "db"', 'on "dc"', "'dc' is not a name of the Background"),
        ('"sales.orders" on', '"orders" on', "is not of the shape"),
        ('a table "sales.orders" on "db"', 'the server "dd"', "the variable DB is taken"),
    ],
)
def test_what_a_background_does_not_hold_is_said(old: str, new: str, says: str) -> None:
    _, found = several(LAKE.replace(old, new))
    assert says in " ".join(problem.what for problem in found)


@pytest.mark.parametrize(
    ("sentence", "line", "rule"),
    [
        ("is scaled to 5", "--replicas=5", "drill-value"),
        ("is scaled to 5", "--limits=memory=5Gi", "drill-value"),
        ("is scaled to 5", "--replicas=15", ""),
        ("waits for 90s", "--timeout=90s", "drill-value"),
        ("takes a share of 0.75", "share=0.75", "drill-value"),
        ("is called by name", "cm/corner-conf", "literal-drill-name"),
        ("overwrites NAMESPACE", "x", "taken-name"),
    ],
)
def test_no_value_of_the_drill_stands_on_a_line_that_changes(
    sentence: str, line: str, rule: str
) -> None:
    name = sentence.split()[-1]
    reads = (Finding(var=Var(name), command=command("x")),) if name == "NAMESPACE" else ()

    def plain(app: Word) -> Action:
        return Action(command=command("set", line, app), reads=reads)

    def with_a_value(app: Word, value: object) -> Action:
        return plain(app)

    pattern = re.sub(r"\d+s", "{duration}", sentence)
    pattern = re.sub(r"\d+\.\d+", "{float}", pattern)
    pattern = re.sub(r"\b\d+", "{int}", pattern)
    build = with_a_value if "{" in pattern else plain
    definitions = (*DEFINITIONS, another("when", f"{{string}} {pattern}", build))
    text = edited(('the database of "corner" is started within 1m', f'"corner" {sentence}'))
    assert [p.rule for p in problems(text, definitions)] == ([rule] if rule else [])


def test_a_system_for_one_cause_alone_is_refused() -> None:
    given = '      Given the database of "corner" is stopped\n'
    text = edited((given, f'{given}      And the shop "other" takes orders\n'))
    assert "one-set-up" in {one.rule for one in problems(text)}
