"""What the production guard refuses: each condition by itself, with what to set."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import runbook_examples as examples

from drillbook.book.alert_rules import AlertRule, Cadence, RecordingRule
from drillbook.cluster.clients import Connections
from drillbook.cluster.kubeconfig import host_of
from drillbook.cluster.settings import Settings
from drillbook.drill import guard
from drillbook.model.errors import CouldNotTell, Refused, RunbookProblem, UsageError
from tests.bad_input.servers import Bad, as_json, serving
from tests.cluster.test_kubeconfig import kubeconfig_of

UID = "11111111-2222-3333-4444-555555555555"


@dataclass
class Api:
    """An API server that says this of itself."""

    uid: str = UID
    labels: dict[str, str] | None = field(default_factory=lambda: {"environment": "staging"})
    """Of drillbook-system; None: there is no such namespace."""
    admin: Any = False
    status: int = 200
    """Of every answer."""
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, Any]:
        self.asked.append(path)
        if self.status != 200:
            return self.status, {}
        if path.startswith("/version"):
            return 200, VERSION
        if path.endswith("/namespaces/kube-system"):
            return 200, {"metadata": {"name": "kube-system", "uid": self.uid}}
        if path.endswith("/namespaces/drillbook-system") and self.labels is not None:
            return 200, {"metadata": {"name": "drillbook-system", "labels": self.labels}}
        if path.endswith("/selfsubjectaccessreviews"):
            return 201, {"spec": {}, "status": {"allowed": self.admin}}
        return 404, {}


VERSION = dict.fromkeys(
    (
        *("buildDate", "compiler", "gitCommit", "gitTreeState", "gitVersion"),
        *("goVersion", "major", "minor", "platform"),
    ),
    "v1.34.4",
)


def asked_of(folder: Path, api: Api, **fields: Any) -> Any:
    """The guard's answer, on settings that allow this cluster but for `fields`."""
    with serving(lambda path: as_json(*api.answer(path))) as server:
        allowed = {"allowed_clusters": (UID,), "allowed_hosts": (urlsplit(server.url).netloc,)}
        path = kubeconfig_of(folder, server.url)
        given = {"root": folder, "kubeconfig": path, "request_timeout_s": 2, **allowed, **fields}
        settings = Settings(**given)
        return guard.admitted(settings, Connections(settings, {}))


def refused(folder: Path, api: Api, **fields: Any) -> str:
    with pytest.raises(Refused) as caught:
        asked_of(folder, api, **fields)
    said = str(caught.value)
    assert caught.value.exit_code == 3
    assert said.startswith("refused: ")
    assert said.endswith("Nothing was changed.")
    return said


def test_a_cluster_of_which_all_holds_is_admitted_and_the_override_recorded(tmp_path: Path) -> None:
    found = asked_of(tmp_path, Api())
    assert (found.uid, found.name, found.version) == (UID, "one", "v1.34.4")
    assert (found.environment, found.cluster_admin) == ("staging", False)
    assert asked_of(tmp_path, Api(admin=True), allow_cluster_admin=True).cluster_admin is True
    assert asked_of(tmp_path, Api(admin=False), allow_cluster_admin=True).cluster_admin is False


LABEL = "kubectl label namespace drillbook-system environment=staging"
ELSEWHERE = {"environment": "production"}


@pytest.mark.parametrize(
    ("api", "said", "unsaid"),
    [
        (Api(uid="another"), ['"another" to `allowed_clusters`'], "allowed_hosts"),
        (Api(labels=None), [LABEL], "allowed_clusters"),
        (Api(labels={}), [LABEL], "allowed_clusters"),
        (Api(labels={"environment": ""}), [LABEL], "allowed_clusters"),
        # What says something else is not to be relabelled.
        (Api(labels=ELSEWHERE), ["says 'production'"], "kubectl label"),
        (Api(admin=True), ["(cluster-admin)", "`runner`", "allow_cluster_admin = true"], LABEL),
        (Api(status=403), ["HTTP 403", "create token runner"], LABEL),
        # Every reason is told at once.
        (Api("another", None, True), ["allowed_clusters", LABEL, "allow_cluster_admin"], "HTTP"),
    ],
)
def test_each_reason_is_told(tmp_path: Path, api: Api, said: list[str], unsaid: str) -> None:
    found = refused(tmp_path, api)
    assert [one for one in said if one not in found] == []
    assert unsaid not in found


def test_production_is_never_drilled_and_none_does_not_fit(tmp_path: Path) -> None:
    api = Api(labels=ELSEWHERE)
    assert "production is never drilled" in refused(tmp_path, api, environment="production")
    assert api.asked == []
    refused(tmp_path, Api(labels={"environment": ""}), environment="")


@pytest.mark.parametrize("hosts", [(), ("another:6443",), ("127.0.0.1",), ("127.0.0.1:1",)])
def test_another_api_server_is_never_asked(tmp_path: Path, hosts: tuple[str, ...]) -> None:
    api = Api()
    said = refused(tmp_path, api, allowed_hosts=hosts)
    assert '"127.0.0.1:' in said
    assert "`allowed_hosts`" in said
    assert api.asked == []


@pytest.mark.parametrize("api", [Api(status=500), Api(admin=None), Api(uid="")])
def test_no_answer_is_neither_yes_nor_no(tmp_path: Path, api: Api) -> None:
    with pytest.raises(CouldNotTell):
        asked_of(tmp_path, api)


def test_an_address_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not an address"):
        asked_of(tmp_path, Api(), allowed_hosts=("host:port",))
    for server in ("", "https://", "https://host:port", "host:99999"):
        with pytest.raises(ValueError, match=r"names no host|[Pp]ort"):
            host_of(server)


@pytest.mark.parametrize(
    ("server", "host"),
    [
        ("https://api.example:6443/path", "api.example:6443"),
        ("https://API.example", "api.example:443"),
        ("http://api.example", "api.example:80"),
        ("api.example:6443", "api.example:6443"),
        ("api.example", "api.example:443"),
        ("https://[::1]:6443", "[::1]:6443"),
        ("https://staging.example:6443@production.example", "production.example:443"),
        ("https://production.example#staging.example:6443", "production.example:443"),
    ],
)
def test_the_host_of_a_server(server: str, host: str) -> None:
    assert host_of(server) == host


RECORD = RecordingRule(name="job:up", expr="sum by (job) (up)", labels={}, file="f", line=1)
RULE = AlertRule(
    name="Down",
    expr="job:up == 0",
    for_s=60,
    keep_s=30,
    labels={"severity": "P2"},
    cadence=Cadence(interval_s=10),
    records=(RECORD,),
    annotations={"runbook_url": "r"},
    file="f",
    line=1,
)
WORST = replace(RULE, expr="job:up < 0.5", labels={"severity": "P1"})
LOADED = {
    "Down": {"query": "job:up  == 0", "duration": 60, "keepFiringFor": 30, "interval": 10},
    "Worst": {"query": "job:up < 0.5", "duration": 60, "keepFiringFor": 30, "interval": 10},
    "job:up": {"query": "sum by (job) (up)", "type": "recording", "interval": 5},
}


def differences(folder: Path, loaded: dict[str, dict[str, Any]], scrape: str = "5s") -> str:
    """What the guard says of rules that a Prometheus runs; empty: nothing."""
    severities = {"Down": {"severity": "P2"}, "Worst": {"severity": "P1"}}
    groups = []
    for name, one in loaded.items():
        known = {"name": name.replace("Worst", "Down"), "type": "alerting"}
        rule = {**known, "labels": severities.get(name), **one}
        groups.append({"interval": one["interval"], "rules": [rule]})

    def answer(path: str) -> Bad:
        url = urlsplit(path)
        if url.path.endswith("/format_query"):
            data: Any = " ".join(parse_qs(url.query)["query"][0].split())
        elif url.path.endswith("/status/config"):
            data = {"yaml": f"global: {{scrape_interval: {scrape}}}"}
        else:
            data = {"groups": groups}
        return as_json(200, {"versionInfo": {"version": "1"}, "status": "success", "data": data})

    with serving(answer) as server:
        url = server.url
        settings = Settings(root=folder, prometheus_url=url, request_timeout_s=2)
        clients = Connections(settings, {"PROMETHEUS": url, "ALERTMANAGER": url})
        rules = {"Down": replace(RULE, variants=(WORST,))}
        try:
            guard.check_monitoring(settings, clients, rules, ["Down"])
        except CouldNotTell as error:
            return str(error)
    return ""


def test_the_rules_and_the_scrape_interval_are_those_of_the_checkout(tmp_path: Path) -> None:
    assert differences(tmp_path, LOADED) == ""
    assert "scrape interval 90 s, settings say 5 s" in differences(tmp_path, LOADED, "1m30s")


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("Down", None, "loaded with the labels {'severity': 'P1'}, not {'severity': 'P2'}"),
        ("Down", {"query": "job:up == 1"}, "loaded `job:up == 1`, wanted `job:up == 0`"),
        ("Worst", {"duration": 0}, "Down has for 0 s, not 60 s"),
        ("Down", {"keepFiringFor": 0}, "Down has keep_firing_for 0 s, not 30 s"),
        ("Down", {"interval": 5}, "Down is evaluated every 5 s, not 10 s"),
        ("Worst", {"labels": {"severity": "P2"}}, "2 rules of the same labels are named Down"),
        ("job:up", None, "job:up is not loaded"),
        ("job:up", {"query": "vector(0)"}, "job:up has another expression: loaded `vector(0)`"),
    ],
)
def test_every_rule_that_is_loaded_otherwise_is_named(
    tmp_path: Path, name: str, change: dict[str, Any] | None, said: str
) -> None:
    loaded = {n: {**one, **(change or {})} if n == name else one for n, one in LOADED.items()}
    if change is None:
        del loaded[name]
    assert said in differences(tmp_path, loaded)


@pytest.mark.parametrize(
    ("expr", "well"), [("up == 0", True), ("sum by (namespace) (up)", True), ("sum(up)", False)]
)
def test_a_drill_that_would_wait_in_vain_for_its_alert_is_refused(expr: str, well: bool) -> None:
    rules = {"AppDown": examples.rule(expr=expr)}
    if well:
        guard.refuse_unseen(examples.runbook(), rules)
    else:
        with pytest.raises(RunbookProblem, match=r"by its label 'namespace', .* cannot carry"):
            guard.refuse_unseen(examples.runbook(), rules)
