"""Rules and values as one thing, and each way in which they can disagree."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from drillbook.book.monitoring import floor_s, load_alerts, rendered_rules
from drillbook.model.errors import UsageError

ROOT = Path(__file__).parents[2]

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


def checkout(root: Path, rules: str = RULES, values: str = "for: {Down: 90s}\n") -> Path:
    """A checkout's monitoring folder with one rule file and one environment, `lab`."""
    (root / "monitoring/alerts").mkdir(parents=True)
    (root / "monitoring/values").mkdir()
    (root / "monitoring/alerts/one.yaml").write_text(rules)
    (root / "monitoring/values/lab.yaml").write_text(values)
    return root


def refusal(root: Path, environment: str = "lab") -> str:
    with pytest.raises(UsageError) as caught:
        load_alerts(root, environment)
    return str(caught.value)


def test_an_alert_has_its_values_and_its_place(tmp_path: Path) -> None:
    rule = load_alerts(checkout(tmp_path), "lab")["Down"]
    assert (rule.for_s, rule.file, rule.line) == (90.0, "monitoring/alerts/one.yaml", 7)
    assert rule.expr == "up\n== 0"
    assert rule.labels == {"severity": "P1"}
    assert rule.runbook_url == "runbooks/a/down.md"


def test_recording_rules_are_no_alerts(tmp_path: Path) -> None:
    assert set(load_alerts(checkout(tmp_path), "lab")) == {"Down"}


def test_the_rendered_rules_differ_from_the_written_ones_by_for_alone(tmp_path: Path) -> None:
    rendered = rendered_rules(checkout(tmp_path), "lab")
    assert set(rendered) == {"one.yaml"}
    loaded = yaml.safe_load(rendered["one.yaml"])
    assert loaded["groups"][0]["rules"][1].pop("for") == "90s"
    assert loaded == yaml.safe_load(RULES)


def test_a_rendered_expression_of_several_lines_stays_readable(tmp_path: Path) -> None:
    assert (
        "expr: |\n      up\n      == 0\n" in rendered_rules(checkout(tmp_path), "lab")["one.yaml"]
    )


def test_the_floor_is_scrape_and_evaluation_and_for(tmp_path: Path) -> None:
    rule = load_alerts(checkout(tmp_path), "lab")["Down"]
    assert floor_s(rule, scrape_s=15, evaluation_s=30) == 135


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_our_own_rules_load(environment: str) -> None:
    rules = load_alerts(ROOT, environment)
    assert rules["SparkDriverCrashLoop"].labels["severity"] == "P1"


def test_our_environments_differ_in_for_only() -> None:
    staging, production = (
        yaml.safe_load(rendered_rules(ROOT, name)["spark.yaml"])["groups"]
        for name in ("staging", "production")
    )
    assert staging != production
    for groups in (staging, production):
        for rule in groups[0]["rules"]:
            del rule["for"]
    assert staging == production


def test_an_alert_without_a_value(tmp_path: Path) -> None:
    said = refusal(checkout(tmp_path, values="for: {}\n"))
    assert said == (
        "monitoring/alerts/one.yaml:7: the alert Down has no value in monitoring/values/lab.yaml. "
        "Add `Down: 0s` (how long it waits before it fires) under `for`."
    )


def test_a_value_without_an_alert(tmp_path: Path) -> None:
    said = refusal(checkout(tmp_path, values="for: {Down: 0s, Dwon: 0s}\n"))
    assert said.startswith(
        "monitoring/values/lab.yaml: for: no rule in monitoring/alerts defines Dwon."
    )


def test_the_same_alert_in_two_files(tmp_path: Path) -> None:
    root = checkout(tmp_path)
    (root / "monitoring/alerts/two.yaml").write_text(RULES)
    assert refusal(root).startswith(
        "monitoring/alerts/two.yaml:7: the alert Down is there already, "
        "at monitoring/alerts/one.yaml:7."
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "runbook_url: runbooks/a/down.md",
            "summary: x",
            "the alert Down has no annotation runbook_url",
        ),
        ("runbook_url: runbooks/a/down.md", 'runbook_url: " "', "has no annotation runbook_url"),
        (
            "      - alert: Down\n",
            "      - alert: Down\n        for: 1m\n",
            "values/<environment>.yaml only",
        ),
        ("- alert: Down", "- name: Down", "groups.0.rules.1.name: Extra inputs are not permitted"),
        ("- record: total", "- alert: Up\n        record: total", "either `alert` or `record`"),
        (
            "{severity: P1}",
            "{severity: 1}",
            "groups.0.rules.1.labels.severity: Input should be a valid string",
        ),
        (
            "expr: sum(up)",
            "expr: ''",
            "groups.0.rules.0.expr: String should have at least 1 character",
        ),
        (
            "    interval: 10s",
            "    name: h",
            "one.yaml:3: not usable YAML: the key 'name' is there twice",
        ),
        (
            "{severity: P1}",
            "&a {severity: *a}",
            "one.yaml:11: not usable YAML: aliases are not read here",
        ),
        ("expr: sum(up)", "expr: !!python/name:os.system", "one.yaml:6: not usable YAML"),
        ("groups:", "groups: [", "not usable YAML"),
        (RULES, "", "one.yaml: Input should be a valid dictionary"),
    ],
)
def test_a_file_that_is_no_rule_file(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in RULES
    assert said in refusal(checkout(tmp_path, rules=RULES.replace(old, new)))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("for: {Down: 90}\n", "for.Down: Input should be a valid string"),
        ("for: {Down: soon}\n", "lab.yaml: for: Down: 'soon' is not a duration"),
        ("for: {Down: 0s, Down: 1s}\n", "the key 'Down' is there twice"),
        ("for: {Down: 0s}\nlabels: {}\n", "labels: Extra inputs are not permitted"),
        ("Down: 0s\n", "for: Field required"),
    ],
)
def test_values_that_are_none(tmp_path: Path, values: str, said: str) -> None:
    assert said in refusal(checkout(tmp_path, values=values))


def test_an_unknown_environment_names_the_known_ones(tmp_path: Path) -> None:
    assert refusal(checkout(tmp_path), "moon").endswith("Environments that have values: lab.")


def test_no_rules_at_all(tmp_path: Path) -> None:
    root = checkout(tmp_path)
    (root / "monitoring/alerts/one.yaml").unlink()
    assert "no *.yaml here" in refusal(root)
