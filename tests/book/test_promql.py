"""What an expression reads and which labels its result can carry; Prometheus is the judge."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from drillbook.book import promql
from drillbook.cluster.settings import embedded_cluster

LOSES = (
    *("sum(a)", "sum by (x) (a)", "sum without (ns) (a)", "max by (x) (max by (ns, x) (a))"),
    *("count(max by (ns) (a) >= 1) > 0", "vector(1)", 'absent(zz{x="q"})', 'a{ns=""}', "hour()"),
    *('absent(zz{ns="q"} == 1)', 'absent(zz{ns="q", ns="r"})', "a == on (x) b", "sum(a) and a"),
    *(
        "a and sum(a)",
        "a * on (x) group_left (ns) sum by (x) (b)",
        "a * on (x) group_right () sum by (x) (b)",
    ),
    *("max_over_time(sum(a)[5m:1m])", 'count_values("v", a)', "sum(a) > bool 0", "-sum(a)"),
    *("(sum(a) or sum(b)) > 0", "sum(a) unless a", "scalar(a) + sum(a)", "clamp_max(sum(a), 1)"),
    "histogram_quantile(0.9, sum by (le) (h))",
)
KEEPS = (
    *("a", "a > 0", "sum by (ns) (a)", "sum without (x) (a)", "topk by (x) (1, a)", "limitk(1, a)"),
    *(
        'count_values by (x) ("ns", a)',
        'absent(zz{ns="q", x!="1"})',
        'absent_over_time(z{ns="k"}[5m])',
    ),
    *("a * on (x) group_left (y) b", "b * on (x) group_right (y) a", "a and on (x) b", "a and a"),
    *("a unless on (y) b", "sum(b) or a", 'label_replace(sum(a), "ns", "k", "", "")', "time() - a"),
    *('label_join(sum(a), "ns", "-", "x")', "a > scalar(sum(b))", "a == on (x) group_left () b"),
    *("histogram_quantile(0.9, h)", "rate(h[5m])", "round(a, scalar(b))", "a == ignoring (y) a"),
    *("a > on () group_left sum(b)", "sum by (ns) (a) > 0 and on (ns) (a == 1)", "a offset 1m"),
)


@pytest.mark.parametrize("expr", LOSES)
def test_a_label_that_is_provably_lost(expr: str) -> None:
    assert not promql.carries(promql.parsed(expr), "ns")


@pytest.mark.parametrize("expr", KEEPS)
def test_a_label_that_can_be_there(expr: str) -> None:
    assert promql.carries(promql.parsed(expr), "ns")


@pytest.mark.cluster  # promtool is of the staging cluster's cache
def test_prometheus_finds_no_label_that_we_call_lost(tmp_path: Path) -> None:
    path = os.pathsep.join((embedded_cluster().get("tool_path", ""), os.environ["PATH"]))
    promtool = shutil.which("promtool", path=path)
    assert promtool, "no promtool: run `drillbook staging up`"
    series = {'a{ns="n",x="1"}': "1x9", 'b{x="1",y="2"}': "1x9", 'h{le="+Inf",ns="n"}': "0+2x9"}
    wrong = {"eval_time": "9m", "exp_samples": [{"labels": "none{}", "value": -7}]}
    asked = [e for e in (*LOSES, *KEEPS) if not e.startswith("limitk")]  # behind a feature flag
    one = {
        "interval": "1m",
        "input_series": [{"series": s, "values": v} for s, v in series.items()],
        "promql_expr_test": [{"expr": expr, **wrong} for expr in asked],
    }
    document = {"rule_files": [], "evaluation_interval": "1m", "tests": [one]}
    (tmp_path / "all.yaml").write_text(json.dumps(document))
    done = subprocess.run(
        [promtool, "test", "rules", str(tmp_path / "all.yaml")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = {
        json.loads(expr): set(re.findall(r'(\w+)="', answer)) - {"__name__"}
        for expr, answer in re.findall(
            r'expr: ("(?:[^"\\]|\\.)*").*?\n\s*exp: .*\n\s*got: (.*)', done.stdout + done.stderr
        )
    }
    assert set(found) == set(asked)
    assert {expr for expr in LOSES if "ns" in found[expr]} == set()
    for expr, labels in found.items():
        lost = {label for label in labels if not promql.carries(promql.parsed(expr), label)}
        assert lost == set(), expr


@pytest.mark.parametrize(
    ("expr", "said"),
    [
        ("sum(up", "unclosed"),
        ("", "no expression"),
        ("up ==", "invalid"),
        ("rate(up)", "expected type"),
        ("nosuch(up)", "unknown function"),
        ("time() > 5", "BOOL"),
        ("up[5m]", "a range of time"),
        ('"text"', "a text"),
        ("up offset NaN", "cannot be read"),
        ("up offset 9999999999999999999", "out of range"),
        ("+".join(["up"] * 9999), "more than 500 operators"),
    ],
)
def test_what_is_no_expression_of_a_rule(expr: str, said: str) -> None:
    with pytest.raises(promql.BadExpression, match=said):
        promql.parsed(expr)


@pytest.mark.parametrize(
    ("expr", "metric", "does"),
    [
        ("sum(rate(job:up:sum[5m]))", "job:up:sum", True),
        ("up", "job:up:sum", False),
        ('{__name__=~"job:.*"}', "job:up:sum", True),
        ('{__name__!~"job:.*", x="y"}', "job:up:sum", False),
        ('{x="y"}', "job:up:sum", True),
    ],
)
def test_which_series_an_expression_reads(expr: str, metric: str, does: bool) -> None:
    assert promql.reads(promql.parsed(expr), metric) is does


@pytest.mark.parametrize(("text", "s"), [("0", 0), ("90s", 90), ("1h30m", 5400), ("10ms", 0.01)])
def test_a_duration_as_prometheus_writes_it(text: str, s: float) -> None:
    assert promql.seconds(text) == s
    for wrong in ("", "soon", "5", f"-{text}", f"1m{text}1h"):
        with pytest.raises(ValueError, match="is not a duration"):
            promql.seconds(wrong)
