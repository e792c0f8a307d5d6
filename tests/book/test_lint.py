"""Each rule of lint: a runbook that it accepts, and the one change that it must find."""

from dataclasses import replace
from typing import Any

import pytest

from drillbook.book.lint import RULES, notes, problems, values
from drillbook.model import (
    Action,
    BoundRunbook,
    BoundScenario,
    Component,
    Duration,
    Fault,
    Finding,
    Probe,
    Problem,
    Var,
    Workload,
    command,
)
from drillbook.model.matchers import at_least, equals, gone, present
from drillbook.sources import Expr, Series, Tool
from tests import runbook_examples as examples
from tests.lint_examples import PATH, TEXT, book, edited, rule
from tests.runbook_examples import tool


def found(*changes: tuple[str, str]) -> list[Problem]:
    return problems(book(edited(*changes)))


@pytest.mark.parametrize(
    "alert", ["NoOrders", "shop-no-orders", "Shop.NoOrders", "Usage(>80%)", "Заказов"]
)
def test_a_good_runbook_has_no_problem(alert: str) -> None:
    text = TEXT.replace("NoOrders", alert)
    assert problems(book(text, rules=(rule(name=alert),))) == []


ALERT = 'Then the alert "NoOrders"'
START = 'When the database of "corner" is started'
SHOWS = 'Then the database of "corner" shows "1"'
FULL = 'Given the disk of "corner" is full'
INJECTOR = 'injector says that "corner" has "yes"'
AGAIN = "When the fault is injected again"
# (rule id, line of the problem or 0 for any, old text, new text, a part of the message)
ONE_CHANGE = [
    ("missing-tag", 3, "@id:RB-SHOP-001 ", "", "no @id tag"),
    ("tag-value", 1, "RB-SHOP-001", "RB-shop-1", "@id:RB-shop-1"),
    ("tag-value", 1, "@version:1.0.0", "@version:1.0", "semantic version"),
    ("tag-value", 1, "@severity:P2", "@severity:P5", "one of P0 to P4"),
    ("missing-tag", 3, " @rto:10m", "", "no @rto tag"),
    ("tag-value", 2, "@rto:10m", "@rto:0m", "above zero"),
    ("tag-value", 2, "@domain:cluster/namespace", "@domain:node/2", "@domain:node/2"),
    ("tag-value", 2, "@domain:cluster/namespace", "@domain:cluster/namespace/x", "as a path"),
    ("missing-tag", 3, "@alert:NoOrders ", "", "no @alert tag"),
    ("unknown-alert", 2, "@alert:NoOrders", "@alert:NoOrder", "Did you mean NoOrders?"),
    ("operation-alert", 2, "@rto:10m", "@rto:10m @kind:operation", "leads to an operation"),
    ("unknown-tag", 1, "@owner:shop", "@ownr:shop", "Did you mean @owner?"),
    ("unknown-tag", 1, "@owner:shop", "@owner:shop @zzz", "Known tags: @id,"),
    ("tag-level", 11, "@cause:no-database", "@cause:no-database @rto:5m", "above the Feature"),
    ("tag-level", 11, "@cause:no-database", "@cause:no-database @detection", "above a Scenario"),
    ("repeated-tag", 1, "@owner:shop", "@owner:shop @owner:two", "second @owner"),
    ("missing-prose", 3, "The shop takes no orders", "", "the Feature has no name"),
    ("missing-prose", 3, "Impact: no money comes in.", "Impact:", "no line 'Impact'"),
    ("secret", 18, 'alert "NoOrders"', 'token=abc-12345 "NoOrders"', "token=[redacted]"),
    ("secret", 3, "Impact: no money", "Impact: https://shop:hunter2@db; no money", "shop:["),
    ("secret", 11, "@cause:no-database", f"@cause:ghp_{'a1' * 18}", "[redacted]"),
    ("secret", 26, "is started within 1m", 'is started by "x?password=hunter2"', "[redacted]"),
    ("missing-prose", 12, "Rule: The database is gone", "Rule:", "the Rule has no name"),
    ("missing-cause", 11, "  @cause:no-database\n", "", "`@cause:the-database-is-gone`"),
    ("tag-value", 11, "@cause:no-database", "@cause:No_Database", "small letters"),
    ("duplicate-cause", 36, "@cause:full-disk", "@cause:no-database", "the Rule in line 12"),
    ("reserved-cause", 12, "@cause:no-database", "@cause:all", "reserved"),
    ("one-phase", 16, "    @detection\n", "", "has none"),
    ("one-phase", 17, "@detection", "@detection @diagnosis", "@detection and @diagnosis"),
    ("missing-phase", 12, "@prevention", "@diagnosis", "no @prevention scenario"),
    ("phase-order", 31, "@prevention", "@detection", "after a @remediation one"),
    ("scenario-name", 17, "Scenario: The alert fires", "Scenario: ???", "no letter"),
    ("duplicate-scenario", 41, "The alert fires for the disk", "The alert fires", "in line 17"),
    ("duplicate-scenario", 41, "The alert fires for the disk", "the alert-fires", "the same test"),
    ("outline", 17, "Scenario: The alert", "Scenario Outline: The alert", "no examples"),
    ("empty-scenario", 45, '      Then the disk of "corner" shows "full"\n', "", "has no step"),
    ("stray-scenario", 12, "  @cause:no", "  @detection\n  Scenario: x\n  @cause:no", "no cause"),
    ("undeclared-alert", 18, 'alert "NoOrders"', 'alert "NoOrder"', "Did you mean NoOrders?"),
    ("below-floor", 18, "fires within 60s", "fires within 39s", "`within 40s` or more"),
    ("beyond-rto", 26, "started within 1m", "started within 11m", "longer than @rto:10m"),
    (
        "silence-before-sound",
        42,
        f"disk\n      {ALERT} fires",
        f"disk\n      {ALERT} is silent",
        "",
    ),
    ("no-remedy", 25, f"{START} within 1m\n", "", "changes nothing"),
    ("unchecked", 26, '      And the database of "corner" shows "1"\n', "", "the system itself"),
    ("unchecked", 32, f"again\n      {SHOWS}", "again", "in @prev"),
    ("one-fault", 13, "takes orders\n\n", f"takes orders\n    {FULL}\n\n", "no-database"),
    ("one-set-up", 18, ALERT, f"{FULL}\n      {ALERT}", ""),
    ("read-only", 22, "Then the database", f"{START} within 1m\n      Then the database", ""),
    ("dependent-effect", 22, 'database of "corner" shows "0"', INJECTOR, ""),
    ("reinjection", 26, START, f"{AGAIN}\n      And{START[4:]}", ""),
    (
        "unchecked",
        32,
        f"again\n      {SHOWS}",
        f"again\n      {ALERT} is silent within 60s",
        "not an",
    ),
    ("no-reinjection", 31, "      When the fault is injected again\n", "", "never meets the fault"),
    ("unknown-tag", 1, "@owner:shop", "@owner:shop @control:healthy", "not a tag"),
    ("unbound-step", 18, "fires within 60s", "rings within 60s", "no then definition"),
    ("prose-structure", 3, "Impact: no", "- one\n  - two\n  Impact: no", "'- one'"),
    ("prose-structure", 12, "is gone\n", "is gone\n    | a |\n", "'| a |'"),
    ("command-in-prose", 3, "no money", "run `kubectl get pods`; no money", "`kubectl get pods`"),
    ("unknown-id", 3, "no money", "see RB-SHOP-002; no money", "Did you mean RB-SHOP-001?"),
    ("unread-argument", 22, 'shows "0"\n', 'shows "0"\n        | a |\n', "takes no table"),
    ("unawaited-alert", 2, "@alert:NoOrders", "@alert:NoOrders @alert:Slow", "alert Slow"),
    ("not-a-duration", 18, "fires within 60s", "fires within 60", "is not a duration"),
]


@pytest.mark.parametrize(("rule_id", "line", "old", "new", "part"), ONE_CHANGE)
def test_one_change_is_found(rule_id: str, line: int, old: str, new: str, part: str) -> None:
    ones = [p for p in found((old, new)) if p.rule == rule_id]
    assert {p.line for p in ones if part in str(p)} == {line}, ones
    assert all(p.path == str(PATH) and p.fix and "hunter2" not in str(p) for p in ones)


@pytest.mark.parametrize(
    ("rule_id", "old", "new"),
    [
        ("missing-tag", "@alert:NoOrders ", "@kind:operation "),
        ("dependent-effect", 'disk of "corner" shows "full"', INJECTOR),  # of another cause
    ],
)
def test_one_change_is_fine(rule_id: str, old: str, new: str) -> None:
    assert rule_id not in {p.rule for p in found((old, new))}


def test_every_rule_has_a_test_that_shows_it_failing() -> None:
    """In the table, or in a test of its own below."""
    below = {"place", "own_id", "own_page", "own_labels", "waited_for", "severities"}
    below |= {"there_are_tools", "only_reads", "says_destroys", "shown_secrets"}
    below |= {"as_listed", "told_apart"}  # in test_catalogue.py
    books = [book(edited((old, new))) for _, _, old, new, _ in ONE_CHANGE]
    silent = {one.__name__ for one in RULES if not any(list(one(b.runbooks[0], b)) for b in books)}
    assert silent == below


def test_what_looks_like_a_secret_or_a_list_and_is_none() -> None:
    """Prose about one, a variable in its place, an indented line, a program's bare name."""
    said = "Authorization: Bearer $TOKEN answers 401; password: see the vault; `psql` is 3 - 1"
    assert found(("Impact: no money", f"  Impact: {said}; no money")) == []


def test_a_secret_whose_value_the_page_would_print() -> None:
    good = book(TEXT)
    read = (Finding(var=Var("DB_PASSWORD"), command=command("kubectl", "get", "pods")),)
    bound = _with(good.bound[str(PATH)], Action, reads=read)
    (one,) = problems(replace(good, bound={str(PATH): bound}))
    assert (one.rule, one.line, "DB_PASSWORD" in one.what) == ("secret-shown", 26, True)


def test_two_runbooks_of_one_id() -> None:
    second, first = (p for p in problems(book(TEXT, TEXT)) if p.rule == "duplicate-id")
    assert (first.path, first.line, second.path in first.what) == (str(PATH), 1, True)


@pytest.mark.parametrize("path", ["features/x.feature", "features/Shop/a b.feature"])
def test_a_path_that_gives_no_page(path: str) -> None:
    moved = replace(book(TEXT).runbooks[0], path=PATH.__class__(path))
    ones = problems(replace(book(TEXT), runbooks=(moved,), bound={}))
    assert "bad-path" in {p.rule for p in ones}


def test_a_runbook_without_rules_is_one_cause() -> None:
    text = "\n".join(
        line
        for line in edited(("    Background:\n", "")).split("  @cause:full-disk")[0].splitlines()
        if "Rule:" not in line
    )
    # Both Given steps in the Feature's Background, and the cause's tag above the Feature.
    text = text.replace("\n  @cause:no-database", "").replace("@rto", "@cause:no-database @rto")
    assert [c.id for c in book(text).runbooks[0].causes] == ["no-database"]
    assert problems(replace(book(text), bind_problems=())) == []


def test_what_cannot_be_read_is_one_problem() -> None:
    stray = rule(name="Stray", annotations={"runbook_url": "runbooks/shop/torn.md"})
    torn = Problem(
        path="features/shop/torn.feature", line=1, rule="unreadable", what="torn.", fix="Mend it."
    )
    assert problems(book(TEXT, rules=(rule(), stray), unreadable=(torn,))) == [torn]
    wrong = Problem(
        path="monitoring/alerts/shop.yaml", line=3, rule="bad-rule", what="no.", fix="Mend it."
    )
    names = frozenset({"NoOrders"})
    assert problems(book(TEXT, rules=(), written_alerts=names, rule_problems=(wrong,))) == [wrong]


@pytest.mark.parametrize(
    ("expr", "labels", "why"),
    [
        ("sum by (job, namespace) (x) == 0", {}, ""),
        ("x == 0", {}, ""),
        ("vector(1)", {"namespace": "{{ $labels.ns }}"}, ""),
        # Known by another label of its own, or by the job that it names.
        ("sum by (pod) (x) == 0", {"severity": "P2"}, ""),
        ('absent(up{job="shop"} == 1)', {}, ""),
        ("sum(x) == 0", {"severity": "P2"}, "loses every label"),
        ("vector(1)", {}, "loses every label"),
        ("absent(x)", {}, "loses every label"),
        ("count(max by (namespace) (x) >= 2) > 0", {}, "keeps `namespace` inside and loses it"),
        ("max by (pod) (max by (namespace, pod) (x))", {}, "keeps `namespace` inside"),
        ("sum by (namespace) (x) == 0", {"namespace": ""}, "keeps `namespace` inside"),
    ],
)
def test_an_alert_must_say_where_it_fires(expr: str, labels: dict[str, str], why: str) -> None:
    ones = problems(book(TEXT, rules=(rule(expr=expr, labels=labels),)))
    assert [why in p.what for p in ones if p.rule == "alert-namespace"] == [True] * bool(why)
    wide = edited(("@domain:cluster/namespace", "@domain:cluster/node/2"))
    ones = problems(book(wide, rules=(rule(expr=expr, labels=labels),)))
    assert "alert-namespace" not in {p.rule for p in ones}


def test_a_step_that_waits_for_a_label_which_the_alert_cannot_carry() -> None:
    def by_pod(expr: str) -> list[int]:
        one = book(TEXT, rules=(rule(expr=expr),))
        value = one.bound[str(PATH)].causes[0].scenarios[0].steps[0].value
        source = replace(value.source, labels=(("pod", "a"),))
        bound = examples.changed(one.bound[str(PATH)], 0, replace(value, source=source))
        found = problems(replace(one, bound={str(PATH): bound}))
        return [p.line for p in found if p.rule == "alert-label"]

    assert by_pod("sum by (namespace) (x) == 0") == [18]
    assert by_pod("sum by (namespace, pod) (x) == 0") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("P2",), ""),
        ((), ""),
        (("{{ $labels.how }}",), ""),
        (("warning",), ""),
        (("P3", "P2"), ""),  # the page is about the worst of the variants
        (("P4",), "is of severity 'P4', its runbook features/shop/no-orders.feature of @sev"),
        (("P1", "P2"), "is of severity 'P1'"),
        (("urgent",), "nothing says how bad the severity 'urgent'"),
    ],
)
def test_rule_and_runbook_agree_how_bad_it_is(words: tuple[str, ...], said: str) -> None:
    first, *others = [rule(labels={"severity": word}) for word in words] or [rule()]
    ones = problems(book(TEXT, rules=(replace(first, variants=tuple(others)),)))
    assert [said in p.what for p in ones if p.rule == "severity"] == [True] * bool(said)
    known = {"urgent": ("P1",)}  # by the settings
    one = book(TEXT, rules=(rule(labels={"severity": "urgent"}),), severities=known)
    assert ["P1 in the runbook" in p.fix for p in problems(one)] == [True]


GIT, PAGE = "https://git.example/b", "runbooks/shop/no-orders.md"


@pytest.mark.parametrize(
    ("changed", "base", "fix"),
    [
        ({"url": f"{GIT}/{PAGE}"}, f"{GIT}/", ""),
        ({"url": PAGE}, GIT, ""),
        ({"url": f"{GIT}/{PAGE}"}, "", f'Write `pages_url = "{GIT}"` in drillbook.toml'),
        ({"url": "https://wiki/no-orders"}, GIT, "Write its runbook under features/."),
        ({"url": PAGE.replace("orders", "order")}, "", f"Write runbook_url: {PAGE}"),
        ({"url": PAGE.replace("orders", "order")}, "", f"Did you mean {PAGE}?"),
        ({"name": "Stray", "url": "https://wiki/stray"}, "", "Write its runbook under features/."),
        ({"name": "Other", "url": PAGE}, "", "@alert:Other"),
    ],
)
def test_an_alert_leads_to_its_page(changed: dict[str, str], base: str, fix: str) -> None:
    name, url = changed.get("name", "NoOrders"), changed["url"]
    other = rule(name=name, line=9, annotations={"runbook_url": url})
    rules = (other,) if name == "NoOrders" else (rule(), other)
    ones = [p for p in problems(book(TEXT, rules=rules, pages_url=base)) if p.rule == "runbook-url"]
    assert {(one.path, one.line) for one in ones} == ({(other.file, 9)} if fix else set())
    assert any(fix in one.fix for one in ones) or not fix


def test_an_alert_that_fires_on_is_not_silent_at_once() -> None:
    ones = problems(book(TEXT, rules=(rule(keep_s=600.0),)))
    assert {p.rule for p in ones} == {"below-floor"}
    assert all("`within 610s`" in p.fix and "`keep_firing_for`" in p.what for p in ones)


@pytest.mark.parametrize(
    ("line", "is_probe", "rule"),
    [
        (("kubectl", "delete", "pod", "x"), True, "only-reads"),
        (("kubectl", "delete", "pod", "x"), False, "says-destroys"),
        (("kubectl", "patch", "-p", '{"immutable":true}'), False, "says-destroys"),
        (("kubectl", "get", "pod", "x"), True, ""),
        (("kubectl", "set", "image", "x"), False, ""),
    ],
)
def test_checks_read_and_destroying_is_said(
    line: tuple[str, ...], is_probe: bool, rule: str
) -> None:
    source = Tool(words=line, field="x")
    value = Probe(source=source, expect=equals("y")) if is_probe else Action(command=command(*line))
    bound = examples.changed(examples.runbook(), 1 if is_probe else 3, value)
    alone = replace(bound, causes=bound.causes[:1])
    one = replace(book(TEXT), bound={str(bound.runbook.path): alone})
    found = (*values.only_reads(bound.runbook, one), *values.says_destroys(bound.runbook, one))
    text = alone.causes[0].scenarios[1 if is_probe else 2].steps[0].step.text
    assert [p.rule for p in found if repr(text) in p.what] == ([rule] if rule else [])


@pytest.mark.parametrize("part", ["ready", "effect"])
def test_what_a_background_checks_only_reads(part: str) -> None:
    source = Tool(words=("kubectl", "delete", "pod", "x"), field="x")
    probe = Probe(source=source, expect=equals("y"))
    good = book(TEXT).bound[str(PATH)]
    kind, changed = (Component, (probe,)) if part == "ready" else (Fault, probe)
    first, *others = good.causes
    background = tuple(
        replace(b, value=replace(b.value, **{part: changed})) if isinstance(b.value, kind) else b
        for b in first.background
    )
    bad = replace(good, causes=(replace(first, background=background), *others))
    assert "only-reads" in {p.rule for p in problems(replace(book(TEXT), bound={str(PATH): bad}))}


def test_a_step_without_within_is_judged_by_the_default() -> None:
    good = book(TEXT)
    one = replace(good, bound={str(PATH): _with(good.bound[str(PATH)], Probe, within=None)})
    assert {p.rule for p in problems(one)} == {"below-floor"}
    assert problems(replace(one, default_within_s=40.0)) == []


ORDERS = Series(metric="orders_total", labels=())
MANY = Expr(query="sum(orders_total) > 3", reads=(ORDERS,))


@pytest.mark.parametrize(
    ("probe", "needs"),
    [
        (Probe(source=ORDERS, expect=at_least(1), within=Duration("4s")), "scrape)"),
        (Probe(source=ORDERS, expect=at_least(1), within=Duration("5s")), ""),
        (Probe(source=ORDERS, expect=gone()), "scrape + 1m that it looks back)"),
        (Probe(source=MANY, expect=gone()), ""),
        (Probe(source=tool(), expect=present(), throughout=Duration("40s")), "must hold)"),
        (Probe(source=tool(), expect=present(), throughout=Duration("30s")), ""),
        (Probe(source=ORDERS, expect=present(), throughout=Duration("30s")), "scrape + as long"),
    ],
)
def test_a_check_that_cannot_hold_within_its_budget(probe: Probe, needs: str) -> None:
    bound = examples.changed(examples.runbook(), 1, probe)
    one = replace(book(TEXT), bound={str(bound.runbook.path): bound})
    found = [p for p in values.above_floor(bound.runbook, one) if p.line == 1]
    assert [needs in p.what for p in found] == [True] * bool(needs), found


@pytest.mark.parametrize(
    ("expr", "needs"),
    [
        ("sum by (namespace) (rate(orders_total[1m])) == 0", True),
        ("orders_total offset 5m > 0 unless orders_total", True),
        ("max_over_time(sum(orders_total)[5m:1m]) > 1 and up", True),
        ("orders_total == 0 unless orders_total offset 1h", False),
    ],
)
def test_an_alert_that_looks_back_at_what_no_steady_state_reads(expr: str, needs: bool) -> None:
    one = book(TEXT, rules=(rule(expr=expr),))
    said = notes(one, one.runbooks)
    assert ["orders_total, which no steady state" in note for note in said] == [True] * needs
    first, *others = one.bound[str(PATH)].causes
    (shop,) = first.workload.components
    ready = (Probe(source=ORDERS, expect=at_least(1)),)
    steady = replace(first, workload=Workload((replace(shop, ready=ready),)))
    bound = replace(one.bound[str(PATH)], causes=(steady, *others))
    assert notes(replace(one, bound={str(PATH): bound}), one.runbooks) == []


def _with(bound: BoundRunbook, kind: type[Any], **fields: Any) -> BoundRunbook:
    """The same runbook with some fields of every value of a kind changed."""

    def changed(scenario: BoundScenario) -> BoundScenario:
        steps = (
            replace(step, value=replace(step.value, **fields))
            if isinstance(step.value, kind)
            else step
            for step in scenario.steps
        )
        return replace(scenario, steps=tuple(steps))

    causes = tuple(replace(c, scenarios=tuple(map(changed, c.scenarios))) for c in bound.causes)
    return replace(bound, causes=causes)


def test_another_causes_step_that_does_not_bind_hides_nothing() -> None:
    ones = found(('shows "full"', "is full"), ("      When the fault is injected again\n", ""))
    assert {p.rule for p in ones} == {"wrong-keyword", "no-reinjection"}


def test_a_tool_that_is_not_there() -> None:
    text = edited(('"corner" is started within 1m', '"corner" is started by "start.py"'))
    ones = problems(book(text, scripts=frozenset({"scripts/shop/starts.py"})))
    assert [(p.rule, p.line) for p in ones] == [("missing-tool", 26)]
    assert ones[0].fix == "Did you mean scripts/shop/starts.py?"
    assert problems(book(text, scripts=frozenset({"scripts/shop/start.py"}))) == []
