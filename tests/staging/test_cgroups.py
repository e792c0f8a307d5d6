"""Both versions of cgroups, and none."""

from pathlib import Path

from drillbook_staging import cgroups

V1 = """\
30 25 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro
31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
33 30 0:28 / /mnt/again rw - cgroup cgroup rw,cpu,cpuacct
34 30 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
"""
V2 = "31 30 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"


def test_version_1_has_one_root_for_each_controller() -> None:
    found = cgroups.parse(V1)
    assert found is not None
    assert found.version == 1
    assert len(found.mounts) == 2
    assert Path("/sys/fs/cgroup/memory/drillbook/node1") in found.folders("node1")


def test_version_2_has_one_root() -> None:
    assert cgroups.parse(V2) == cgroups.Hierarchy(2, (Path("/sys/fs/cgroup"),))


def test_a_nodes_cgroups_go_and_the_others_stay(tmp_path: Path) -> None:
    tree = cgroups.Hierarchy(1, (tmp_path / "memory", tmp_path / "pids"))
    for mount in tree.mounts:
        for name in ("node1/kubepods/pod1", "node2/kubepods/pod2/container", "node2/init"):
            (mount / "drillbook" / name).mkdir(parents=True)
    assert cgroups.remove(tree, "node2") == []
    assert [folder.exists() for folder in tree.folders("node2")] == [False, False]
    assert [folder.exists() for folder in tree.folders("node1")] == [True, True]
    assert cgroups.remove(tree, "node2") == []


def test_a_cgroup_that_cannot_go_is_named(tmp_path: Path) -> None:
    tree = cgroups.Hierarchy(2, (tmp_path,))
    stuck = tmp_path / "drillbook" / "node2" / "held"
    stuck.mkdir(parents=True)
    (stuck / "as-if-a-process-were-inside").touch()
    assert cgroups.remove(tree, "node2", within_s=0) == [stuck, stuck.parent]


def test_no_cgroups_are_none() -> None:
    assert cgroups.parse("30 25 0:26 / / rw - ext4 /dev/sda rw\n") is None
