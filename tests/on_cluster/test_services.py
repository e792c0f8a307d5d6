"""A Service goes on answering when kube-proxy writes all of its rules anew, at each start and once
an hour: its image once lacked what nft names protocols by, and it deleted every entry."""

import subprocess
import time

import pytest

from drillbook_staging import node
from drillbook_staging.places import places
from tests.on_cluster.snapshot import kubectl

pytestmark = [pytest.mark.cluster, pytest.mark.alone]
PROXY = ("-n", "kube-system", "pods", "-l", "k8s-app=kube-proxy")


def entries() -> int:
    """How many ports of Services the first node knows."""
    process = node.first_processes(places())["node1"]
    words = node.inside(process, "nft", "list", "map", "ip", "kube-proxy", "service-ips")
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return done.stdout.count("goto service-")


def test_a_full_sync_keeps_every_service() -> None:
    before = entries()
    assert before >= 4
    kubectl("delete", *PROXY, "--field-selector", "spec.nodeName=node1")
    kubectl("-n", "kube-system", "rollout", "status", "daemonset/kube-proxy", "--timeout=60s")
    until = time.monotonic() + 10
    while time.monotonic() < until:  # its first sync comes some seconds after its start
        time.sleep(1)
    assert entries() == before
