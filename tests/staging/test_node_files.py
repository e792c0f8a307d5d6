"""What a node is told: no template leaves a hole, and nothing of the host's slips in."""

import json
from pathlib import Path

import pytest
import yaml
from jinja2 import UndefinedError

from drillbook_staging import cluster, images, node
from drillbook_staging.addresses import nodes
from drillbook_staging.node import Programs
from drillbook_staging.node_init import environment
from drillbook_staging.places import Places, places

PLACES = Places(Path("/s/state"), Path("/c/cache"), Path("/checkout/staging"))
PROGRAMS = Programs(Path("/c/cache/kube"), "localhost/pause:1")
FIRST, SECOND = nodes(2)
ADMIN = {
    "clusters": [{"name": "kubernetes", "cluster": {"server": "https://x", "ca": "A"}}],
    "users": [{"name": "kubernetes-admin", "user": {"client-key-data": "SECRET"}}],
}


def test_a_template_with_a_hole_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="pods"):
        node.render("cni.conflist")


def test_each_node_gives_its_own_addresses_to_its_pods() -> None:
    found = node.files(PLACES, SECOND, PROGRAMS)
    network = json.loads(found["etc-cni/net.d/10-drillbook.conflist"])
    assert network["plugins"][0]["ipam"]["ranges"] == [[{"subnet": SECOND.pods}]]
    assert found["etc-kubernetes/resolv.conf"] == f"nameserver {SECOND.ip}\n"


def test_the_kernels_settings_are_shadowed_not_changed() -> None:
    found = node.files(PLACES, FIRST, PROGRAMS)
    binds = node.spec(PLACES, FIRST, (FIRST, SECOND), PROGRAMS)["binds"]
    assert found["kernel/vm/overcommit_memory"] == "1\n"
    source = str(PLACES.node("node1") / "kernel/vm/overcommit_memory")
    assert [source, "/proc/sys/vm/overcommit_memory"] in list(binds)  # type: ignore[call-overload]


def test_a_node_has_a_route_to_every_other() -> None:
    told = node.spec(PLACES, FIRST, (FIRST, SECOND), PROGRAMS)
    assert told["routes"] == [[SECOND.pods, SECOND.ip]]
    assert node.spec(PLACES, FIRST, (FIRST,), PROGRAMS)["routes"] == []


def test_a_nodes_environment_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    monkeypatch.setenv("DRILLBOOK_PART_OF", "/s/state")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert environment("/bin") == {
        "PATH": "/bin",
        "HOME": "/run",
        "LC_ALL": "C.UTF-8",
        "DRILLBOOK_PART_OF": "/s/state",
    }


def test_kubeadm_is_told_every_document() -> None:
    documents = list(
        yaml.safe_load_all(
            cluster.init_config(FIRST, "abcdef.0123456789abcdef", images.read(places({})))
        )
    )
    assert [document["kind"] for document in documents] == [
        "InitConfiguration",
        "ClusterConfiguration",
        "KubeletConfiguration",
        "KubeProxyConfiguration",
    ]
    assert documents[0]["localAPIEndpoint"]["advertiseAddress"] == FIRST.ip


def test_a_second_node_joins_by_the_token() -> None:
    found = yaml.safe_load(cluster.join_config(SECOND, "abcdef.0123456789abcdef", Path("/d")))
    assert found["discovery"]["tlsBootstrapToken"] == "abcdef.0123456789abcdef"
    assert found["nodeRegistration"]["name"] == "node2"


def test_tokens_differ_and_have_kubeadms_form() -> None:
    first, second = cluster.new_token(), cluster.new_token()
    assert first != second
    assert [len(part) for part in first.split(".")] == [6, 16]


def test_the_kubeconfig_carries_our_name_and_the_discovery_no_key() -> None:
    assert cluster.renamed(ADMIN)["current-context"] == "drillbook-staging"
    assert "SECRET" in json.dumps(cluster.renamed(ADMIN))
    assert "SECRET" not in json.dumps(cluster.discovery(ADMIN))
