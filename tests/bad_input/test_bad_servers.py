"""Statuses 401, 404, 429 with `Retry-After` and 503, 5xx bursts, truncated JSON, a login page
with status 200, DNS failure, a connection that hangs: bounded by a deadline; ERROR, never PASSED.
"""

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drillbook.cluster import which
from drillbook.cluster.clients import Connections
from drillbook.drill import environment as cluster
from drillbook.drill.perform import Performer
from drillbook.model import Duration, Probe, Verdict
from drillbook.model.clock import SystemClock
from drillbook.model.errors import CouldNotTell, DrillbookError
from drillbook.model.matchers import any_equals, at_least, contains, firing, gone, silent
from drillbook.sources import FiringAlert, Http, Kube, Logs, Series
from tests.bad_input.servers import Bad, never_answering, serving, timed
from tests.sources.test_answers import everything

STATUSES = (401, 404, 429, 503)
LOGIN = "<!doctype html><html><form action=/login>password</form></html>"
BAD = {
    **{f"{status}": Bad(status, '{"kind": "Status"}') for status in STATUSES},
    "429 in an hour": Bad(429, "{}", (("Retry-After", "3600"),)),
    "503 in an hour": Bad(503, "{}", (("Retry-After", "3600"),)),
    "413 in an hour": Bad(413, "{}", (("Retry-After", "3600"),)),
    "truncated": Bad(body='{"status": "success", "data": {"result', promised=1000),
    "half JSON": Bad(body='{"status": "success", "data": {"result'),
    "login page": Bad(body=LOGIN, headers=(("Content-Type", "text/html"),)),
    "redirect to nowhere": Bad(302, "", (("Location", "http://127.0.0.1:9/login"),)),
    "endless redirect": Bad(302, "", (("Location", "/again"),)),
    "empty": Bad(),
    "no content": Bad(204),
    "says nothing": Bad(silent_s=60),
    "a byte a second": Bad(body=json.dumps({"status": "success", "data": "x" * 60}), between_s=1),
}
PROBES: dict[str, Probe] = {
    "alert fires": Probe(source=FiringAlert(alert="X"), expect=firing()),
    "alert is silent": Probe(source=FiringAlert(alert="X"), expect=silent()),
    "series": Probe(source=Series(metric="batch", labels=()), expect=at_least(0)),
    "pods": Probe(source=Kube(kind="pods", selector="a=b", path="{.x}"), expect=any_equals("y")),
    "no pods": Probe(source=Kube(kind="pods", selector="a=b", path="{.x}"), expect=gone()),
    "log": Probe(source=Logs(selector="a=b", container="c"), expect=contains("")),
}
WITHIN = Duration("300ms")
REQUEST_S = 0.5
LIMIT_S = 6.0
"""A probe's time, and one read of a few requests of half a second each; the rest is this machine's.
"""


def connected(root: Path, url: str) -> Connections:
    one = everything(root, url)
    return Connections(one.settings.model_copy(update={"request_timeout_s": REQUEST_S}), one.values)


def performer(clients: Connections) -> Performer:
    clients.since = datetime.now(UTC) - timedelta(minutes=1)
    settings = clients.settings.model_copy(update={"poll_s": 0.1, "scrape_s": 0.1})
    one = Performer(clients=clients, settings=settings, clock=SystemClock())
    one.heard.add("X")  # so that silence may count: it must not, without an answer
    return one


def asked(root: Path, url: str, probe: Probe) -> Verdict:
    with timed(LIMIT_S):
        found = performer(connected(root, url)).probe(probe, WITHIN)
    assert found.observed, "a responder must read why"
    return found.verdict


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("name", BAD)
def test_a_bad_answer_is_an_error_in_time(tmp_path: Path, name: str, probe: str) -> None:
    with serving(lambda path: BAD[name]) as server:
        assert asked(tmp_path, server.url, PROBES[probe]) is Verdict.ERROR


@pytest.mark.parametrize("probe", PROBES)
def test_a_connection_that_hangs_is_an_error_in_time(tmp_path: Path, probe: str) -> None:
    with never_answering() as url:
        assert asked(tmp_path, url, PROBES[probe]) is Verdict.ERROR


@pytest.mark.parametrize("probe", PROBES)
def test_a_name_that_is_not_found_is_an_error_in_time(tmp_path: Path, probe: str) -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("monitoring.invalid", 80)
    verdict = asked(tmp_path, "https://monitoring.invalid", PROBES[probe])
    assert verdict is Verdict.ERROR


# --------------------------------------------------------------------------- what the guards ask

ASKING: dict[str, Callable[[Connections], object]] = {
    "identity": which.identity,
    "rules": cluster.loaded_rules,
    "scrape interval": cluster.scrape_interval_s,
    "clock": cluster.clock_skew_s,
    "alertmanager": cluster.alertmanager_ready,
}


# A guard that is fed a byte a second waits: nothing has been changed yet, and Ctrl-C ends it.
@pytest.mark.parametrize("ask", ASKING)
@pytest.mark.parametrize("name", [name for name in BAD if name != "a byte a second"])
def test_a_guard_that_gets_a_bad_answer_does_not_let_pass(
    tmp_path: Path, name: str, ask: str
) -> None:
    bad = serving(lambda path: BAD[name])
    with bad as server, timed(LIMIT_S), pytest.raises(DrillbookError) as caught:
        ASKING[ask](connected(tmp_path, server.url))
    assert caught.value.exit_code in (3, 4)


def test_retry_after_is_not_slept_through(tmp_path: Path) -> None:
    """A client library would sleep as long as the server says, three times, without a deadline."""
    with serving(lambda path: BAD["429 in an hour"]) as server, timed(5):
        with pytest.raises(CouldNotTell, match="429"):
            which.identity(everything(tmp_path, server.url))
        assert len(server.asked) == 1


# --------------------------------------------------------------------------- an endpoint's status


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_that_was_asked_for_is_an_answer(tmp_path: Path, status: int) -> None:
    """For Http the status is what was asked, so that a bad one is FAILED, not ERROR."""
    with serving(lambda path: Bad(status)) as server:
        probe = Probe(source=Http(url=f"{server.url}/health"), expect=any_equals("200"))
        assert asked(tmp_path, server.url, probe) is Verdict.FAILED


def test_an_endpoint_that_does_not_answer_is_an_error(tmp_path: Path) -> None:
    with never_answering() as url, timed(12):
        probe = Probe(source=Http(url=url), expect=any_equals("200"))
        assert performer(everything(tmp_path, url)).probe(probe, WITHIN).verdict is Verdict.ERROR


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_burst_of_errors_is_waited_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The check that can fail: the same probe passes where the answers are good. No proxy and no
    redirection takes it to another server than the one that is set."""
    monkeypatch.setenv(name, "http://127.0.0.1:9")

    def answer(path: str) -> Bad:
        now = datetime.now(UTC).timestamp()
        result = [{"metric": {}, "values": [[now, "1"]]}]
        data = {"resultType": "matrix", "result": result}
        return Bad(body=json.dumps({"status": "success", "data": data}))

    burst = iter([Bad(500), Bad(502), Bad(503)])
    with serving(lambda path: next(burst, None) or answer(path)) as server:
        one = performer(connected(tmp_path, server.url))
        assert one.probe(PROBES["series"], Duration("1m")).verdict is Verdict.PASSED
        assert len(server.asked) == 4
        elsewhere = Bad(302, "", (("Location", server.url),))
        with serving(lambda path: elsewhere) as other:
            assert asked(tmp_path, other.url, PROBES["series"]) is Verdict.ERROR
        assert len(server.asked) == 4
