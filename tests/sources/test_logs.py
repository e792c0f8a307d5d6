"""Logs: what counts of them, on lines as the kubelet dates them and on the embedded cluster."""

from datetime import UTC, datetime

import pytest

from drillbook.cluster import settings
from drillbook.cluster.connections import connections
from drillbook.model import Absent
from drillbook.sources import Logs
from drillbook.sources.logs import _lines_since

LINES = """\
2026-11-21T04:16:19.659429721Z first
2026-11-21T04:16:21.5Z second one
unable to retrieve container logs for containerd://x
"""


def test_only_lines_after_the_last_change_count() -> None:
    since = datetime(2026, 11, 21, 4, 16, 20, tzinfo=UTC)
    assert _lines_since(LINES, since) == ["second one"]
    assert _lines_since(LINES, None) == ["first", "second one"], "the kubelet's excuse is none"


@pytest.mark.cluster
def test_a_real_log_is_text_line_by_line() -> None:
    clients = connections(settings.load())
    clients.values["NAMESPACE"] = "kube-system"
    source = Logs(selector="k8s-app=kube-dns", container="coredns", tail=5)
    answer = source.read(clients).answer
    assert isinstance(answer, str)
    assert "CoreDNS" in answer
    assert len(answer.splitlines()) > 1
    nobody = Logs(selector="k8s-app=nobody", container="coredns")
    assert isinstance(nobody.read(clients).answer, Absent)
