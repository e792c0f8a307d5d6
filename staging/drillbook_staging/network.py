"""The host's side of the network: a bridge, a cable for each node, routes to pods and services."""

import socket
import struct
from collections.abc import Sequence
from pathlib import Path

from drillbook_staging import addresses
from drillbook_staging.addresses import Node
from drillbook_staging.errors import StageFailed
from drillbook_staging.places import BRIDGE
from drillbook_staging.shell import Shell

INTERFACES = Path("/sys/class/net")
ROUTES = Path("/proc/net/route")


def create(shell: Shell, nodes: Sequence[Node]) -> None:
    """Make the bridge and the routes. Raises StageFailed."""
    shell.run("ip", "link", "add", BRIDGE, "type", "bridge")
    shell.run("ip", "address", "add", f"{addresses.HOST}/24", "dev", BRIDGE)
    shell.run("ip", "link", "set", BRIDGE, "up")
    for network, gateway in routes(nodes):
        shell.run("ip", "route", "add", network, "via", gateway, "dev", BRIDGE)


def routes(nodes: Sequence[Node]) -> list[tuple[str, str]]:
    """(network, gateway) on the host: pods by their node, services by the first. Pure."""
    pods = [(node.pods, node.ip) for node in nodes]
    return [*pods, (addresses.SERVICES, nodes[0].ip)]


def ours() -> list[str]:
    """Our interfaces that exist: the cables' host ends, the bridge last."""
    names = sorted(path.name for path in INTERFACES.iterdir())
    cables = [name for name in names if name.startswith(f"{BRIDGE}-")]
    return [*cables, *([BRIDGE] if BRIDGE in names else [])]


def remove(shell: Shell) -> None:
    """Take our interfaces away; their addresses and routes go with them."""
    for name in ours():
        # A cable whose node has just ended may vanish by itself between the look and the deed.
        if (INTERFACES / name).exists():
            _delete(shell, name)


def _delete(shell: Shell, name: str) -> None:
    try:
        shell.run("ip", "link", "delete", name)
    except StageFailed:
        if (INTERFACES / name).exists():
            raise


IS_UP = 0x1
"""IFF_UP of <linux/if.h>, in an interface's flags."""


def cut(shell: Shell, node: Node) -> None:
    """Take the host's end of a node's cable down; safe to repeat. Raises StageFailed."""
    shell.run("ip", "link", "set", node.veth, "down")


def plug(shell: Shell, node: Node) -> None:
    """Put the host's end into the bridge, and up; safe to repeat. Raises StageFailed."""
    shell.run("ip", "link", "set", node.veth, "master", BRIDGE, "up")


def has_cable(node: Node) -> bool:
    """Whether a node has a cable at all: it goes with the node's namespace."""
    return (INTERFACES / node.veth).exists()


def unplug(shell: Shell, node: Node) -> None:
    """Take a cable away, both ends of it; safe to repeat. Raises StageFailed."""
    # One whose node has just ended may vanish by itself between the look and the deed.
    if has_cable(node):
        _delete(shell, node.veth)


def lacks(node: Node, interfaces: Path = INTERFACES) -> list[str]:
    """What a node's cable lacks, in words."""
    folder = interfaces / node.veth
    try:
        flags = int((folder / "flags").read_text(), base=16)
    except FileNotFoundError:
        return [f"its cable {node.veth} is gone"]
    bridge = folder / "master"
    on_bridge = bridge.is_symlink() and bridge.readlink().name == BRIDGE
    return [
        *(() if flags & IS_UP else (f"its cable {node.veth} is down",)),
        *(() if on_bridge else (f"its cable {node.veth} is not on {BRIDGE}",)),
    ]


def host_routes() -> list[tuple[str, str]]:
    """(device, network) of every IPv4 route of the host's main table."""
    return parse_routes(ROUTES.read_text())


def parse_routes(text: str) -> list[tuple[str, str]]:
    """From /proc/net/route, whose numbers are hexadecimal in the machine's byte order. Pure."""
    rows = [line.split() for line in text.splitlines()[1:]]
    return [
        (row[0], f"{_address(row[1])}/{int(row[7], 16).bit_count()}") for row in rows if row[7:]
    ]


def _address(number: str) -> str:
    return socket.inet_ntoa(struct.pack("=I", int(number, 16)))
