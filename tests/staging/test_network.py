"""The kernel's table of routes, and ours."""

from pathlib import Path

import pytest

from drillbook_staging.addresses import nodes
from drillbook_staging.network import lacks, parse_routes, routes

TABLE = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
half a line
"""


def test_a_table_of_the_kernel_is_read() -> None:
    assert parse_routes(TABLE) == [("eth0", "0.0.0.0/0"), ("eth0", "192.168.0.0/24")]
    assert parse_routes("") == []


def test_each_nodes_pods_are_behind_it_and_services_behind_the_first() -> None:
    first, second = nodes(2)
    assert routes((first, second)) == [
        (first.pods, first.ip),
        (second.pods, second.ip),
        ("198.19.0.0/16", first.ip),
    ]


@pytest.mark.parametrize(
    ("flags", "master", "wanted"),
    [
        ("0x1003", "drill0", []),
        ("0x1002", "drill0", ["its cable drill0-node2 is down"]),
        ("0x1003", "docker0", ["its cable drill0-node2 is not on drill0"]),
        (
            "0x1002",
            None,
            ["its cable drill0-node2 is down", "its cable drill0-node2 is not on drill0"],
        ),
    ],
)
def test_what_a_cable_lacks(
    tmp_path: Path, flags: str, master: str | None, wanted: list[str]
) -> None:
    second = nodes(2)[1]
    folder = tmp_path / second.veth
    folder.mkdir()
    (folder / "flags").write_text(f"{flags}\n")
    if master:
        (folder / "master").symlink_to(f"../{master}")
    assert lacks(second, tmp_path) == wanted


def test_a_cable_that_is_gone(tmp_path: Path) -> None:
    assert lacks(nodes(2)[1], tmp_path) == ["its cable drill0-node2 is gone"]
