"""Rules and values as one thing, and each way in which they can disagree."""

from pathlib import Path

import pytest
import yaml
from rich.console import Console

from drillbook.book import monitoring
from drillbook.book.alert_rules import Rules, carries, floor_s, labels_of, list_filters, silence_s
from drillbook.book.monitoring import load_alerts, rendered_rules
from drillbook.cli.commands.rules import write
from drillbook.cluster.settings import Settings
from drillbook.evidence import proof
from drillbook.model.errors import UsageError

RULES = """\
groups:
  - name: g
    interval: 10s
    rules:
      - record: total
        expr: sum(up)
      - alert: Down
        expr: |
          up
          == 0
        labels: {severity: P1}
        annotations: {runbook_url: runbooks/a/down.md}
"""
DOWN = "annotations: {runbook_url: runbooks/a/down.md}"


def checkout(root: Path, rules: str = RULES, values: str = "for: {Down: 90s}\n") -> Path:
    """A checkout's monitoring folder with one rule file and one environment, `lab`."""
    (root / "monitoring/alerts").mkdir(parents=True)
    (root / "monitoring/values").mkdir()
    (root / "monitoring/alerts/one.yaml").write_text(rules)
    (root / "monitoring/values/lab.yaml").write_text(values)
    return root


def edited(root: Path, *changes: tuple[str, str], values: str = "for: {Down: 90s}\n") -> Rules:
    """What loads of the example with some words changed."""
    text = RULES
    for old, new in changes:
        text = text.replace(old, new)
    return load_alerts(checkout(root, text, values), "lab")


def said(rules: Rules) -> list[str]:
    return [str(problem) for problem in rules.problems]


def test_an_alert_has_its_values_and_its_place(tmp_path: Path) -> None:
    rule = load_alerts(checkout(tmp_path), "lab")["Down"]
    assert (rule.for_s, rule.file, rule.line) == (90.0, "monitoring/alerts/one.yaml", 7)
    assert rule.expr == "up\n== 0"
    assert rule.labels == {"severity": "P1"}
    assert rule.runbook_url == "runbooks/a/down.md"
    with pytest.raises(UsageError, match=r"Environments that have values: lab\.$"):
        load_alerts(tmp_path, "moon")
    assert floor_s(rule, scrape_s=15, evaluation_s=60) == 15 + 10 + 90
    (tmp_path / "monitoring/alerts/one.yaml").unlink()
    with pytest.raises(UsageError, match=r"no \*\.yaml here"):
        load_alerts(tmp_path, "lab")


def test_the_rendered_rules_differ_from_the_written_ones_by_for_alone(tmp_path: Path) -> None:
    rendered = rendered_rules(checkout(tmp_path), "lab")
    assert "expr: |-\n      up\n      == 0\n" in rendered["one.yaml"]
    loaded, written = yaml.safe_load(rendered["one.yaml"]), yaml.safe_load(RULES)
    assert loaded["groups"][0]["rules"][1].pop("for") == "90s"
    written["groups"][0]["rules"][1]["expr"] = "up\n== 0"
    assert loaded == written


def test_the_newer_fields_are_known_and_rendered_as_prometheus_takes_them(tmp_path: Path) -> None:
    group = "- name: g\n    limit: 20\n    query_offset: 30s\n    labels: {team: data, page: no}"
    alert = "alert: Down\n        keep_firing_for: 10m"
    changes = (("- name: g", group), ("alert: Down", alert), ("{severity: P1}", "{page: yes}"))
    rules = edited(tmp_path, *changes)
    rule = rules["Down"]
    assert said(rules) == []
    assert rule.labels == {"team": "data", "page": "yes"}
    assert floor_s(rule, scrape_s=15, evaluation_s=60) == 15 + 10 + 30 + 90
    assert silence_s(rule, scrape_s=15, evaluation_s=60) == 15 + 10 + 30 + 600
    (loaded,) = yaml.safe_load(rendered_rules(tmp_path, "lab")["one.yaml"])["groups"]
    assert (loaded["limit"], loaded["query_offset"], loaded["labels"]["page"]) == (20, "30s", "no")
    assert loaded["rules"][1]["keep_firing_for"] == "10m"
    assert loaded["rules"][1]["labels"] == {"page": "yes"}
    values = "for: {Down: 1h30m}\nkeep_firing_for: {Down: 0s}\n"
    (tmp_path / "monitoring/values/lab.yaml").write_text(values)
    less = load_alerts(tmp_path, "lab")["Down"]
    assert (less.for_s, less.keep_s) == (5400, 0), "an environment may keep it for less"


RECORDED = """\
groups:
  - name: records
    interval: 30s
    rules:
      - record: job:errors:rate
        expr: sum by (namespace, job) (rate(errors_total[5m]))
      - record: all:errors:rate
        expr: sum(job:errors:rate)
      - record: unread
        expr: sum(up)
  - name: alerts
    rules:
      - alert: Down
        expr: all:errors:rate > 1
        annotations: {runbook_url: runbooks/a/down.md}
"""


def test_an_alert_holds_the_recording_rules_that_it_reads(tmp_path: Path) -> None:
    rule = load_alerts(checkout(tmp_path, RECORDED), "lab")["Down"]
    assert [one.name for one in rule.records] == ["all:errors:rate", "job:errors:rate"]
    assert not carries(rule, "namespace")
    assert labels_of(rule) == frozenset()
    # Two evaluations at worst: that of the records, and the alert's.
    assert floor_s(rule, scrape_s=5, evaluation_s=10) == 5 + 10 + 30 + 90
    text = RECORDED.replace("all:errors:rate > 1", "job:errors:rate > 1")
    keeping = load_alerts(checkout(tmp_path / "keeping", text), "lab")["Down"]
    assert labels_of(keeping) == {"namespace", "job"}
    assert list_filters([keeping], ["pod", "job"]) == ('job!=""',)


@pytest.mark.parametrize(
    ("old", "new", "stales"),
    [
        ("sum by (namespace, job) (rate(errors_total[5m]))", "vector(0)", True),
        ("interval: 30s", "interval: 1m", True),
        ("expr: sum(up)", "expr: count(up)", False),
        ("annotations: {", "annotations: {summary: in other words, ", False),
    ],
)
def test_a_proof_covers_recording_rules(tmp_path: Path, old: str, new: str, stales: bool) -> None:
    def text(name: str, rules: str) -> str:
        (tmp_path / name).mkdir()
        return proof.canonical(load_alerts(checkout(tmp_path / name, rules), "lab")["Down"])

    assert old in RECORDED
    assert (text("a", RECORDED) != text("b", RECORDED.replace(old, new))) is stales


VARIANT = f"""\
      - alert: Down
        expr: up < 0.5
        labels: {{severity: P2}}
        {DOWN}
"""


def test_an_alert_of_two_severities_may_wait_for_different_times(tmp_path: Path) -> None:
    values = "for:\n  Down: 90s\n  'Down{severity=\"P2\"}': 1h\nkeep_firing_for: {Down: 5m}\n"
    rules = load_alerts(checkout(tmp_path, RULES + VARIANT, values), "lab")
    rule = rules["Down"]
    assert (said(rules), [one.labels["severity"] for one in rule.every]) == ([], ["P1", "P2"])
    assert [(one.for_s, one.keep_s) for one in rule.every] == [(90, 300), (3600, 300)]
    assert floor_s(rule, scrape_s=5, evaluation_s=5) == 5 + 10 + 3600
    rendered = rendered_rules(tmp_path, "lab")["one.yaml"]
    assert ("for: 90s" in rendered, "for: 1h" in rendered) == (True, True)


def test_two_rules_that_no_label_tells_apart(tmp_path: Path) -> None:
    rules = load_alerts(checkout(tmp_path, RULES + VARIANT.replace("P2", "P1")), "lab")
    assert said(rules) == [
        "monitoring/alerts/one.yaml:13: [bad-rule] the alert Down is there already, with the same "
        "labels, at monitoring/alerts/one.yaml:7. Rename one of them, or give them labels that "
        "differ, such as severity."
    ]
    assert rules["Down"].expr == "up\n== 0"


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("runbook_url: runbooks/a/down.md", "summary: x", 7, "Down has no annotation runbook_url"),
        ("runbook_url: runbooks/a/down.md", 'runbook_url: " "', 7, "no annotation runbook_url"),
        ("alert: Down", "alert: Down\n        for: 1m", 8, "values/<environment>.yaml only"),
        ("alert: Down", "name: Down", 7, "either `alert` or `record`"),
        ("record: total", "alert: Up\n        record: total", 5, "either `alert` or `record`"),
        ("labels: {", "label: {", 11, "the alert Down has a field 'label', which is not known"),
        ("interval: 10s", "every: 10s", 3, "the group 'g' has a field 'every'"),
        ("groups:", "more: 1\ngroups:", 1, "the file has a field 'more'"),
        ("{severity: P1}", "{severity: [1]}", 11, "`labels` is not made of `name: text`"),
        ("{severity: P1}", "{is-bad: P1}", 11, "'is-bad' is no name of a label"),
        ("expr: sum(up)", "expr: ''", 6, "the recording rule total: no expression"),
        ("expr: sum(up)", "expr: sum(up", 6, "unclosed left parenthesis"),
        ("expr: sum(up)", "expr: up[5m]", 6, "a range of time"),
        ("expr: sum(up)", "expr: up\n        annotations: {a: b}", 7, "only an alert has"),
        ("record: total", "record: not-a-metric", 5, "'not-a-metric' is no name of a metric"),
        ("{severity: P1}", '{severity: "{{ $value"}', 11, "template of severity is not closed"),
        ("interval: 10s", "interval: soon", 3, "interval: 'soon' is not a duration"),
        ("interval: 10s", "limit: many", 3, "limit: 'many' is no whole number"),
        ("alert: Down", "alert: Is down", 7, "Rename it, such as Is-down."),
        ("groups:", "groups:\n  - name: g\n    rules: []", 4, "a group is called 'g', as that in"),
        ("- name: g\n    ", "- ", 2, "a group is without a name"),
        ("groups:", "groups: [", 2, "not usable YAML"),  # more: tests/bad_input/test_bad_yaml.py
        ("groups:", "groups: 1\nothers:", 1, "needs `groups` as a list"),
        (RULES, "", 1, "it holds no mapping"),
    ],
)
def test_what_is_wrong_has_its_line(
    tmp_path: Path, old: str, new: str, line: int, said: str
) -> None:
    assert old in RULES
    root = checkout(tmp_path, RULES, "for: {Down: 0s, Other: 0s}\n")
    other = RULES.replace("Down", "Other").replace("total", "other")
    (root / "monitoring/alerts/two.yaml").write_text(other)
    assert load_alerts(root, "lab").problems == ()
    (root / "monitoring/alerts/one.yaml").write_text(RULES.replace(old, new))
    rules = load_alerts(root, "lab")
    assert "Other" in rules
    found = [one for one in rules.problems if said in str(one)]
    assert [(one.path, one.line) for one in found] == [("monitoring/alerts/one.yaml", line)]
    with pytest.raises(UsageError, match=f"alerts/one.yaml:{line}: "):
        rendered_rules(root, "lab")


def test_an_alert_that_could_not_be_read_is_asked_for_with_the_reason(tmp_path: Path) -> None:
    rules = edited(tmp_path, ("== 0", "== (0"))
    assert set(rules) == set()
    with pytest.raises(UsageError, match=r"named Down.\nmonitoring/alerts/one.yaml:8: .*unclosed"):
        rules["Down"]


def test_a_prometheusrule_object_is_read(tmp_path: Path) -> None:
    head = (
        "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: a}\nspec:\n"
    )
    text = head + "".join(f"  {line}\n" for line in RULES.splitlines())
    rules = load_alerts(checkout(tmp_path, text), "lab")
    assert (said(rules), rules["Down"].line) == ([], 11)
    assert rendered_rules(tmp_path, "lab")["one.yaml"].startswith("groups:\n")


@pytest.mark.parametrize("name", ["more.yml", "folder/more.yaml"])
def test_a_rule_file_that_nobody_reads_is_said(tmp_path: Path, name: str) -> None:
    path = checkout(tmp_path) / "monitoring/alerts" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(RULES)
    (said_so,) = said(load_alerts(tmp_path, "lab"))
    assert said_so.startswith(f"monitoring/alerts/{name}:1: [bad-rule] only monitoring/alerts/*.")


@pytest.mark.parametrize(
    ("values", "line", "said"),
    [
        ("for: {}\n", 7, "Add `Down: 0s` (how long it waits before it fires) under `for`."),
        ("for: {Down: 0s, Dwon: 0s}\n", 1, "no rule in monitoring/alerts defines Dwon."),
        ("for: {Down: 90}\n", 1, "for: Down: '90' is not a duration"),
        ("for: {Down: 0s}\nlabels: {}\n", 2, "a field 'labels'"),
        ("for:\n  Down: 0s\n  'Down{a=': 0s\n", 3, 'Write `Down{severity="P1"}`.'),
        ("Down: 0s\n", 1, "it has no `for`"),
        ("", 1, "it holds no mapping"),
    ],
)
def test_values_that_are_none(tmp_path: Path, values: str, line: int, said: str) -> None:
    problems = load_alerts(checkout(tmp_path, values=values), "lab").problems
    assert [one.line for one in problems if said in str(one)] == [line]


def test_every_environment_is_looked_at(tmp_path: Path) -> None:
    (checkout(tmp_path) / "monitoring/values/moon.yaml").write_text("for: {}\n")
    assert load_alerts(tmp_path, "lab").problems == ()
    (problem,) = monitoring.problems(tmp_path)
    assert "no value in monitoring/values/moon.yaml" in problem.what


def test_the_rules_command_writes_what_prometheus_loads(tmp_path: Path) -> None:
    settings = Settings(root=checkout(tmp_path), pages_url="https://git.example/book")
    write(settings, "lab", tmp_path / "out", Console())
    assert "runbook_url: https://git.example/book/runbooks/a/down.md" in (
        (tmp_path / "out/one.yaml").read_text()
    )
    assert "runbook_url: runbooks/a/down.md\n" in rendered_rules(tmp_path, "lab")["one.yaml"]
    (tmp_path / "monitoring/alerts/one.yaml").write_text(RULES.replace("== 0", "=="))
    with pytest.raises(UsageError, match=r"one\.yaml:8: "):
        write(settings, "lab", tmp_path / "other", Console())
    assert not (tmp_path / "other").exists()


def test_a_window_has_a_length_in_each_environment(tmp_path: Path) -> None:
    looks = RULES.replace("sum(up)", "sum(rate(up[$burn]))").replace("== 0", "offset $burn == 0")
    values = "for: {Down: 90s}\nwindows: {burn: 2m, other: 1h}\n"
    rules = load_alerts(checkout(tmp_path, looks, values), "lab")
    assert rules["Down"].expr == "up\noffset 2m == 0"
    (unused,) = said(rules)
    assert "no expression in monitoring/alerts looks back over $other" in unused


def test_a_window_without_a_length_is_named(tmp_path: Path) -> None:
    looks = RULES.replace("sum(up)", "sum(rate(up[$burn]))")
    (problem,) = load_alerts(checkout(tmp_path, looks), "lab").problems
    assert problem.line == 5
    assert "looks back over $burn, which monitoring/values/lab.yaml does not say" in problem.what
