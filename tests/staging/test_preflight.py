"""Every check of the machine with both outcomes, as far as a machine can be described."""

import os
import platform
import sys
from pathlib import Path

import pytest

from drillbook_staging import network, preflight
from drillbook_staging.places import Places, places
from drillbook_staging.preflight import GIB, Machine, Problem, space

MOUNTINFO = """\
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
23 22 0:5 / /var rw - overlay overlay rw
24 23 8:2 / /var/lib/drillbook rw - xfs /dev/sdb1 rw
malformed
"""


def at(root: Path) -> Places:
    return Places(root / "state" / "here", root / "cache" / "here", places({}).sources)


def machine(root: Path, *, grows_by: int = 0, is_up: bool = False) -> Machine:
    return Machine(at(root), grows_by, is_up)


def told(check: preflight.Check, about: Machine) -> list[str]:
    return [str(problem) for problem in check(about)]


def test_a_problem_names_want_find_and_fix() -> None:
    assert str(Problem("a", "b", "Do c.")) == "wanted a; found b. Do c."


# --------------------------------------------------------------------------- /proc and /etc


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ID=debian\nVERSION_ID="12"\n', "debian 12"),
        ("ID=ubuntu\nVERSION_ID=24.04\n", "ubuntu 24.04"),
        ("NAME=x\n", "unknown unknown"),
    ],
)
def test_the_distribution_is_read(text: str, expected: str) -> None:
    assert preflight.os_release(text) == expected


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/a", "ext4"),
        ("/var/cache", "overlay"),
        ("/var/lib/drillbook/staging", "xfs"),
        ("/variable", "ext4"),
    ],
)
def test_the_innermost_mount_decides(path: str, kind: str) -> None:
    assert preflight.file_system(MOUNTINFO, Path(path)) == kind


def test_memory_is_told_in_bytes() -> None:
    assert preflight.memory_available("MemTotal: 9 kB\nMemAvailable:    2048 kB\n") == 2 * 1024**2
    assert preflight.memory_available("MemTotal: 9 kB\n") == 0


# --------------------------------------------------------------------------- folders


def test_folders_that_can_be_made_are_no_problem(tmp_path: Path) -> None:
    assert told(preflight._folders, machine(tmp_path)) == []
    assert told(preflight._file_system, machine(tmp_path)) == []


def test_a_file_in_the_way_is_named_with_the_variable_to_set(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    (problem,) = told(preflight._folders, machine(tmp_path))
    assert f"found a file at {tmp_path}/state" in problem
    assert "Set DRILLBOOK_STATE" in problem


def test_a_folder_of_the_kernel_holds_no_state() -> None:
    about = Machine(Places(Path("/proc/a/b"), Path("/sys/a/b"), Path("/x")), 0, is_up=False)
    problems = told(preflight._file_system, about)
    assert ["found sysfs" in problems[0], "found proc" in problems[1]] == [True, True]


# --------------------------------------------------------------------------- disk


def test_a_disk_that_is_too_small_is_a_problem_for_each_folder(tmp_path: Path) -> None:
    (problem, *_) = told(preflight._disk, machine(tmp_path, grows_by=2**60))
    assert "GiB free for the cache" in problem
    assert "set DRILLBOOK_CACHE to a folder on another disk" in problem


def test_a_cluster_that_is_up_and_built_needs_no_more_room(tmp_path: Path) -> None:
    assert told(preflight._disk, machine(tmp_path, is_up=True)) == []


def test_one_disk_holds_both_and_two_hold_copies(tmp_path: Path) -> None:
    about = machine(tmp_path, grows_by=9 * GIB)
    assert space(about, same_disk=True) == (9 * GIB + preflight.STATE, preflight.STATE)
    cache, state = space(about, same_disk=False)
    assert cache == 9 * GIB
    assert state == preflight.STATE + preflight.NODES * preflight.SEED


def test_an_empty_cache_needs_the_most(tmp_path: Path) -> None:
    assert preflight._growth(at(tmp_path)) == preflight.CACHE_COLD


# --------------------------------------------------------------------------- this machine


def test_memory_of_our_own_nodes_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "MEMORY", 2**60)
    (problem,) = told(preflight._memory, machine(tmp_path))
    assert "GiB of memory available" in problem
    assert told(preflight._memory, machine(tmp_path, is_up=True)) == []


def test_somebody_elses_network_in_our_range_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "route"
    header = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
    table.write_text(f"{header}tun9 000012C6 00000000 0001 0 0 0 00FFFFFF 0 0 0\n")
    monkeypatch.setattr(network, "ROUTES", table)
    (problem,) = told(preflight._addresses, machine(tmp_path))
    assert "found 198.18.0.0/24 on tun9" in problem
    assert "ip route show dev tun9" in problem
    table.write_text(f"{header}drill0 000012C6 00000000 0001 0 0 0 00FFFFFF 0 0 0\n")
    assert told(preflight._addresses, machine(tmp_path)) == []


def test_who_is_not_root_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert told(preflight._root, machine(tmp_path)) == [
        "wanted root; found user 1000. Run it with sudo."
    ]
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert told(preflight._root, machine(tmp_path)) == []


def test_another_processor_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    (problem,) = told(preflight._architecture, machine(tmp_path))
    assert "found riscv64" in problem


def test_missing_python_packages_say_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "find_spec", lambda name: None)
    (problem,) = told(preflight._python, machine(tmp_path))
    assert "supervisor" in problem
    assert "`make setup`" in problem


def test_all_problems_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    found = " ".join(str(problem) for problem in preflight.problems(at(tmp_path)))
    assert "wanted root" in found
    assert "riscv64" in found


def test_elsewhere_than_on_linux_that_is_the_only_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    (problem,) = preflight.problems(places({}))
    assert problem.find == "darwin"
