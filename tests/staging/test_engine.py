"""The engine's own image: what makes it another, and how that reaches the reaper's pods."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from drillbook_staging import engine, images
from drillbook_staging.engine import ANNOTATION, ENGINE, annotated, artifacts, older
from drillbook_staging.errors import StageFailed
from drillbook_staging.places import Places, places
from drillbook_staging.shell import Shell


@pytest.fixture
def package(tmp_path: Path) -> Path:
    root = tmp_path / "drillbook"
    for name in ("reaper", "__pycache__"):
        (root / name).mkdir(parents=True)
    (root / "reaper" / "__main__.py").write_text("print()\n")
    (root / "__pycache__" / "x.pyc").write_text("")
    return root


def key(package: Path) -> str:
    return artifacts(places({}), package)["engine"].key


def at(root: Path) -> Places:
    return Places(root / "state", root / "cache", root)


# --------------------------------------------------------------------------- another image


def test_an_edit_of_the_engine_makes_another_image(package: Path) -> None:
    before = key(package)
    (package / "reaper" / "__main__.py").write_text("print(1)\n")
    assert key(package) != before


@pytest.mark.parametrize("name", ["__pycache__/x.pyc", "reaper/__pycache__/y"])
def test_what_no_pod_runs_does_not(package: Path, name: str) -> None:
    before = key(package)
    (package / name).parent.mkdir(exist_ok=True)
    (package / name).write_text("another\n")
    assert key(package) == before


def test_what_is_copied_is_what_counts(package: Path, tmp_path: Path) -> None:
    target = tmp_path / "made"
    target.mkdir()
    artifacts(places({}), package)["engine"].make(Shell(at(tmp_path), "copy"), target)
    copied = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    assert copied == {"drillbook/changes/reaper/__main__.py"}


def test_another_lock_file_makes_other_packages_and_another_image(tmp_path: Path) -> None:
    shutil.copytree(places({}).sources, tmp_path / "staging")
    copy = Places(Path("/s/state"), Path("/c/cache"), tmp_path / "staging")
    before = engine.of_checkout(copy)
    keys = before.made["python-packages"].key, before.key
    lock = copy.sources / "images" / "drillbook-python" / "requirements.txt"
    lock.write_text(lock.read_text().replace("==", "==1", 1))
    after = engine.of_checkout(copy)
    assert after.made["python-packages"].key != keys[0]
    assert after.key != keys[1]


def test_the_nodes_seed_does_not_hold_it() -> None:
    assert ENGINE.reference not in images.keys(places({}), images.artifacts(places({})))


def test_every_package_is_pinned_and_hashed_and_names_no_server() -> None:
    lock = places({}).sources / "images" / "drillbook-python" / "requirements.txt"
    text = lock.read_text()
    pinned = [line for line in text.splitlines() if line and line[0].isalpha()]
    assert pinned
    assert all("==" in line and line.endswith("\\") for line in pinned)
    assert "://" not in text


def test_its_versions_are_the_checkouts_own() -> None:
    sources = places({}).sources
    ours, theirs = (
        dict(
            line.split(" ")[0].split("==")
            for line in file.read_text().splitlines()
            if line[:1].isalpha()
        )
        for file in (
            sources / "images" / "drillbook-python" / "requirements.txt",
            sources.parent / "requirements.txt",
        )
    )
    both = ours.keys() & theirs.keys()
    assert {"kubernetes", "pydantic", "pyyaml"} <= both
    assert {name: ours[name] for name in both} == {name: theirs[name] for name in both}


# --------------------------------------------------------------------------- on the nodes


def test_only_older_images_of_the_engine_go() -> None:
    newest = images.key_tag(ENGINE, "b")
    found = {newest, images.key_tag(ENGINE, "a"), ENGINE.reference, "localhost/by-key/spark:a"}
    assert older(found, newest) == [images.key_tag(ENGINE, "a")]


def deployment(name: str, image: str) -> str:
    template = {"spec": {"containers": [{"name": name, "image": image}]}}
    found = {"kind": "Deployment", "metadata": {"name": name}, "spec": {"template": template}}
    return yaml.safe_dump(found)


def test_the_pods_that_run_the_engine_carry_its_key() -> None:
    every = "---\n".join(
        [
            yaml.safe_dump({"kind": "Namespace", "metadata": {"name": "drillbook-system"}}),
            deployment("reaper", ENGINE.reference),
            deployment("prometheus", "localhost/prometheus:v3.5.0"),
        ]
    )
    namespace, reaper, prometheus = yaml.safe_load_all(annotated(every, "k-1"))
    assert reaper["spec"]["template"]["metadata"]["annotations"] == {ANNOTATION: "k-1"}
    assert "metadata" not in prometheus["spec"]["template"]
    assert namespace["kind"] == "Namespace"


def test_a_platform_without_a_reaper_is_refused() -> None:
    with pytest.raises(StageFailed, match=r"reaper\.yaml"):
        annotated(deployment("prometheus", "localhost/prometheus:v3.5.0"), "k-1")


def test_the_reaper_runs_as_nobody_and_reads_only() -> None:
    file = places({}).sources / "platform" / "drillbook" / "reaper.yaml"
    pod = yaml.safe_load(file.read_text())["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsUser"] == 65534
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["command"] == ["python3", "-m", "drillbook.changes.reaper"]
