"""A real HTTP server that answers badly: every bad answer is CouldNotTell, never a verdict."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from drillbook.book.alert_rules import AlertRule
from drillbook.cluster import which
from drillbook.cluster.clients import Connections, asking, could_not_ask
from drillbook.cluster.settings import Settings
from drillbook.drill import environment as cluster
from drillbook.drill import guard
from drillbook.model import Absent, AlertState
from drillbook.model.errors import CouldNotTell, UsageError
from drillbook.sources import FiringAlert, Http, Kube, Logs, Series, Tool
from drillbook.sources.prometheus import Expr, Moment
from tests.bad_input import servers
from tests.cluster.test_kubeconfig import kubeconfig_of

Answer = Callable[[str], tuple[int, str]]


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    with servers.serving(lambda path: servers.Bad(*answer(path))) as server:
        yield server.url


def connections(root: Path, url: str) -> Connections:
    values = {"PROMETHEUS": url, "ALERTMANAGER": url, "NAMESPACE": "drill-x"}
    return Connections(Settings(root=root, request_timeout_s=2), values)


def ok(data: Any) -> tuple[int, str]:
    return 200, json.dumps({"status": "success", "data": data})


BATCH = Series(metric="batch", labels=(("app", "x"),))


def rules(*alerts: dict[str, Any]) -> dict[str, Any]:
    rule = {"name": "Down", "health": "ok", "lastEvaluation": "2026-11-21T03:00:00Z"}
    return {"groups": [{"rules": [{**rule, "alerts": list(alerts)}]}]}


def monitoring(rule: dict[str, Any], listed: list[dict[str, Any]]) -> Answer:
    def answer(path: str) -> tuple[int, str]:
        return ok(rule) if path.startswith("/api/v1/rules") else (200, json.dumps(listed))

    return answer


def alert(namespace: str, state: str) -> dict[str, Any]:
    return {"state": state, "labels": {"namespace": namespace}}


def test_an_alert_of_another_namespace_is_not_this_one(tmp_path: Path) -> None:
    held = (alert("other", "firing"), alert("drill-x", "pending"))
    with serving(monitoring(rules(*held), [])) as url:
        state = FiringAlert(alert="Down").read(connections(tmp_path, url)).answer
    assert state == AlertState(firing=False, pending=True, listed=False)


def test_http_answers_with_the_status_or_is_named_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(CouldNotTell) as caught:
        BATCH.read(connections(tmp_path, "http://127.0.0.1:9"))
    assert str(caught.value).endswith("/api/v1/query: [Errno 111] Connection refused")
    with serving(lambda path: (503, "")) as url:
        reading = Http(url=f"{url}/health").read(connections(tmp_path, url))
    assert reading.answer == "503"
    with pytest.raises(CouldNotTell):
        Http(url="http://127.0.0.1:9").read(connections(tmp_path, ""))


ALERT = FiringAlert(alert="X")
RULE = AlertRule(
    name="X", expr="up", for_s=0, labels={}, annotations={"runbook_url": "r"}, file="f", line=1
)
READS: dict[str, Callable[[Connections], object]] = {
    "identity": which.identity,
    "pods": Kube(kind="pods", selector="a=b", path="{.items[*].x}").read,
    "pod": Kube(kind="pods", name="a", path="{.x}").read,
    "logs": Logs(selector="a=b", container="c").read,
    "rules": cluster.loaded_rules,
    "scrape": cluster.scrape_interval_s,
    "skew": cluster.clock_skew_s,
    "alertmanager": cluster.alertmanager_ready,
    "monitoring": lambda c: guard.check_monitoring(c.settings, c, {"X": RULE}, ["X"]),
    "alert": ALERT.read,
    "query": BATCH.read,
}
SHAPES = (
    *("", "null", "{}", "[]", "text", '"text"', '{"kind":"Nam', "<html>log in</html>"),
    *('{"status":"success"}', '{"status":"success","data":null}', '{"items":[1]}'),
    *('{"status":"success","data":{}}', '{"status":"success","data":[]}'),
    '{"status":"success","data":{"yaml":"{"}}',
    '{"status":"success","data":{"groups":[{"rules":[{"name":"X"}]}]}}',
    '{"status":"success","data":{"resultType":"matrix","result":[{"values":[[1]]}]}}',
    '{"status":"success","data":{"resultType":"matrix","result":[{"values":[[1e300,"1"]]}]}}',
    '{"metadata":{},"items":"x","gitVersion":"v1"}',
)


def everything(root: Path, url: str) -> Connections:
    path = kubeconfig_of(root, url)
    values = {"PROMETHEUS": url, "ALERTMANAGER": url, "NAMESPACE": "drill-x", "CONTEXT": "one"}
    return Connections(Settings(root=root, kubeconfig=path, request_timeout_s=2), values)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("read", READS)
def test_another_shape_is_could_not_tell(tmp_path: Path, read: str, shape: str) -> None:
    def answer(path: str) -> tuple[int, str]:
        return 200, shape

    with serving(answer) as url, pytest.raises(CouldNotTell):
        READS[read](everything(tmp_path, url))


def test_alertmanager_must_answer_with_a_list(tmp_path: Path) -> None:
    def answer(path: str) -> tuple[int, str]:
        return ok(rules()) if path.startswith("/api/v1/rules") else (200, "{}")

    with serving(answer) as url, pytest.raises(CouldNotTell, match="without a list"):
        FiringAlert(alert="Down").read(connections(tmp_path, url))


def test_an_expression_whose_series_have_no_sample_has_no_date(tmp_path: Path) -> None:
    def answer(path: str) -> tuple[int, str]:
        kind = {"resultType": "matrix", "result": []}
        return ok(["batch"] if "/label/" in path else kind)

    source = Expr(query="vector(1)", reads=(BATCH,))
    with serving(answer) as url, pytest.raises(CouldNotTell, match="no sample of batch"):
        source.read(connections(tmp_path, url))


def test_a_log_is_read_by_the_servers_clock(tmp_path: Path) -> None:
    pods = kubernetes([{"metadata": {"name": "a"}}])
    lines = "2026-11-21T04:16:25Z before\n2026-11-21T04:16:31Z after\n"

    def answer(path: str) -> tuple[int, str]:
        return (200, lines) if "/pods/a/log" in path else pods(path)

    with serving(answer) as url:
        clients = everything(tmp_path, url)
        clients.since = datetime(2026, 11, 21, 4, 16, 20, tzinfo=UTC)
        clients.set_skew(timedelta(seconds=10))
        assert Logs(selector="a=b", container="c").read(clients).answer == "after"


def test_variants_of_an_alert_answer_as_one(tmp_path: Path) -> None:
    firing = alert("drill-x", "firing")
    one, other = (rules(*held)["groups"][0]["rules"][0] for held in ((), (firing,)))
    groups = {"groups": [{"rules": [{**one, "labels": {"severity": "P1"}}, other]}]}
    with serving(monitoring(groups, [])) as url:
        state = FiringAlert(alert="Down").read(connections(tmp_path, url)).answer
    assert isinstance(state, AlertState)
    assert state.firing


@pytest.mark.parametrize("setting", ["prometheus", "alertmanager"])
def test_an_endpoint_that_is_not_set_is_named(tmp_path: Path, setting: str) -> None:
    values = {"PROMETHEUS": "http://p", "ALERTMANAGER": "http://a", setting.upper(): ""}
    clients = Connections(Settings(root=tmp_path), values)
    with pytest.raises(UsageError, match=f"Set `{setting}_url` in drillbook.toml"):
        getattr(clients, setting)("/", [])


def kubernetes(pods: list[dict[str, Any]]) -> Answer:
    """A server of pods, and of the metrics API's kind with the same plural name."""

    def resources(kind: str) -> dict[str, Any]:
        one = {"name": "pods", "kind": kind, "namespaced": True, "verbs": ["get", "list"]}
        return {"kind": "APIResourceList", "resources": [{**one, "singularName": ""}]}

    version = {"groupVersion": "metrics.k8s.io/v1beta1", "version": "v1beta1"}
    group = {"name": "metrics.k8s.io", "versions": [version], "preferredVersion": version}
    listed = {"apiVersion": "v1", "kind": "PodList", "metadata": {}}
    answers = {
        "/version": {"major": "1", "minor": "34", "gitVersion": "v1"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "groups": [group]},
        "/api/v1": resources("Pod"),
        "/apis/metrics.k8s.io/v1beta1": resources("PodMetrics"),
        "/api/v1/namespaces/drill-x/pods": {"items": pods, **listed},
    }

    def answer(path: str) -> tuple[int, str]:
        found = answers.get(path.partition("?")[0])
        return (404, "{}") if found is None else (200, json.dumps(found))

    return answer


def test_what_is_being_removed_says_nothing_about_the_present(tmp_path: Path) -> None:
    old = {"metadata": {"name": "old", "deletionTimestamp": "2026-11-21T03:00:00Z"}}
    new = {"metadata": {"name": "new"}}
    source = Kube(kind="pods", selector="a=b", path="{.items[*].metadata.name}")
    with serving(kubernetes([old, new])) as url:
        assert source.read(everything(tmp_path, url)).answer == "new"
    with serving(kubernetes([old])) as url:
        assert isinstance(source.read(everything(tmp_path, url)).answer, Absent)


@pytest.mark.parametrize("status", [400, 404])
def test_a_proxys_refusal_is_not_the_api_servers(tmp_path: Path, status: int) -> None:
    pods = kubernetes([{"metadata": {"name": "a"}}])

    def answer(path: str) -> tuple[int, str]:
        gone = "/pods/a" in path
        return (status, "<html>Not Found</html>") if gone else pods(path)

    with serving(answer) as url:
        for name in ("pod", "logs"):
            with pytest.raises(CouldNotTell, match=f"HTTP {status}"):
                READS[name](everything(tmp_path, url))


def test_pods_are_pods_beside_a_metrics_server(tmp_path: Path) -> None:
    with serving(kubernetes([])) as url:
        clients = everything(tmp_path, url)
        assert len(clients._dynamic.resources.search(name="pods")) > 1
        assert clients.kind_of("pods").kind == "Pod"


def test_a_tool_that_prints_no_utf_8_is_read_all_the_same(tmp_path: Path) -> None:
    tool = Tool(words=("printf", r'{"cause":"\351"}'), field="cause")
    assert tool.read(connections(tmp_path, "")).answer == "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("before", [30, 60, 180, 280])
def test_an_error_holds_no_half_of_a_secret(before: int) -> None:
    """It could not be redacted: every text is cut somewhere, at any of its characters."""
    secret = "hunter2-correct-horse-" * 3
    text = "x" * before + f" {secret} and more" + " word" * 99

    def nothing() -> None:
        with asking("x"):
            raise ValueError(text)

    url = f"data: {text}"
    for read in (
        lambda: Tool(words=("true",), field="x").parse(text),
        lambda: Http(url=url).parse(text),
        lambda: Http(url=url, field="x").parse(text),
        lambda: Moment(metric="batch", labels=(), of="batch").parse(text),
        lambda: FiringAlert(alert="X").parse(json.dumps({"x": text})),
        nothing,
    ):
        with pytest.raises(CouldNotTell) as caught:
            read()
        assert "hunter2" not in str(caught.value).replace(secret, "")
    assert "hunter2" not in str(could_not_ask("x", OSError(text))).replace(secret, "")


def test_without_bash_it_could_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = Tool(words=("true",), field="cause")
    monkeypatch.delenv("PATH")
    with pytest.raises(CouldNotTell, match="printed no JSON"):
        tool.read(connections(tmp_path, ""))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CouldNotTell, match="could not be started"):
        tool.read(connections(tmp_path, ""))


def test_a_list_without_a_selector_is_the_whole_list() -> None:
    line = str(Kube(kind="events", path="{.items[*].message}").command())
    assert "get events -o" in line


def test_a_line_that_prints_its_answer_alone_names_no_field() -> None:
    assert [Http(url="/", field=one).shown_field for one in ("status", "seconds", "a.b")] == [
        *("", "", "a.b")
    ]
