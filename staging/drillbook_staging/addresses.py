"""Who gets which address, of 198.18.0.0/15 (set aside for bench tests by RFC 2544). Pure."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

RANGE = ipaddress.IPv4Network("198.18.0.0/15")
HOST = "198.18.0.1"
NODES = "198.18.0.0/24"
PODS = "198.18.128.0/17"
SERVICES = "198.19.0.0/16"
API_PORT = 6443
PROMETHEUS_PORT = 30090
ALERTMANAGER_PORT = 30093
MAX_NODES = 9


@dataclass(frozen=True)
class Node:
    """One node, numbered from 1."""

    number: int

    @property
    def name(self) -> str:
        return f"node{self.number}"

    @property
    def ip(self) -> str:
        return f"198.18.0.{10 + self.number}"

    @property
    def pods(self) -> str:
        """This node's share of the pod range."""
        return f"198.18.{127 + self.number}.0/24"

    @property
    def veth(self) -> str:
        """The host's end of this node's cable."""
        return f"drill0-{self.name}"


def nodes(count: int) -> tuple[Node, ...]:
    return tuple(Node(number) for number in range(1, count + 1))


def first_service_address(port: int) -> str:
    """A NodePort of the first node, which always carries the platform."""
    return f"http://{Node(1).ip}:{port}"


def overlapping(routes: Iterable[tuple[str, str]], ours: str) -> list[tuple[str, str]]:
    """Of (device, network), those that lie in our range and are not on our own bridge."""
    return [
        (device, network)
        for device, network in routes
        if device != ours and _overlaps(ipaddress.IPv4Network(network))
    ]


def _overlaps(network: ipaddress.IPv4Network) -> bool:
    # A default route (or half of one, as VPNs set it) covers us without claiming us.
    return network.prefixlen >= 8 and network.overlaps(RANGE)
