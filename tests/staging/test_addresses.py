"""No two things share an address, and only real claims on our range are in the way."""

import ipaddress

import pytest

from drillbook_staging import addresses
from drillbook_staging.addresses import MAX_NODES, RANGE, nodes, overlapping


def test_every_node_has_its_own_addresses_inside_the_range() -> None:
    every = nodes(MAX_NODES)
    assert len({node.ip for node in every}) == MAX_NODES
    assert all(
        ipaddress.ip_address(node.ip) in ipaddress.IPv4Network(addresses.NODES) for node in every
    )
    assert addresses.HOST not in {node.ip for node in every}


def test_pods_nodes_and_services_do_not_overlap() -> None:
    pods = [ipaddress.IPv4Network(node.pods) for node in nodes(MAX_NODES)]
    others = [ipaddress.IPv4Network(addresses.NODES), ipaddress.IPv4Network(addresses.SERVICES)]
    parts = [*pods, *others]
    assert not [(a, b) for a in parts for b in parts if a is not b and a.overlaps(b)]
    assert all(part.subnet_of(RANGE) for part in parts)
    assert all(part.subnet_of(ipaddress.IPv4Network(addresses.PODS)) for part in pods)


def test_a_cable_has_a_name_that_the_kernel_takes() -> None:
    assert all(len(node.veth) <= 15 for node in nodes(MAX_NODES))


@pytest.mark.parametrize(
    "network", ["198.18.0.0/15", "198.19.3.0/24", "198.18.128.5/32", "198.0.0.0/8"]
)
def test_a_route_into_the_range_is_in_the_way(network: str) -> None:
    assert overlapping([("tun0", network)], "drill0") == [("tun0", network)]


@pytest.mark.parametrize(
    ("device", "network"),
    [
        ("drill0", "198.18.0.0/24"),  # our own bridge
        ("eth0", "0.0.0.0/0"),  # everybody's default
        ("tun0", "128.0.0.0/1"),  # half a default, as VPNs set it
        ("eth0", "198.20.0.0/16"),
    ],
)
def test_other_routes_are_not(device: str, network: str) -> None:
    assert overlapping([(device, network)], "drill0") == []
