"""Images: who is built from whom, and what makes a key another."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from drillbook_staging import engine, golang, images, seed
from drillbook_staging.errors import StageFailed
from drillbook_staging.images import IMAGES, keys, parents
from drillbook_staging.places import Places, places


def copy(root: Path) -> Places:
    """The sources where a test may change them."""
    shutil.copytree(places({}).sources, root / "staging")
    return replace(places({}), sources=root / "staging")


def all_keys(at: Places) -> dict[str, str]:
    return keys(at, images.artifacts(at))


def test_only_parents_of_ours_count() -> None:
    text = "FROM localhost/debian:12 AS build\nRUN x\nFROM scratch\nFROM localhost/b:1\n"
    assert parents(text) == ("localhost/debian:12", "localhost/b:1")


def test_every_parent_is_built_before_its_children() -> None:
    built: list[str] = []
    for image in (*IMAGES, *engine.IMAGES):
        folder = places({}).sources / "images" / image.name
        assert set(parents((folder / "Containerfile").read_text())) <= set(built)
        built.append(image.reference)


def test_every_folder_is_an_image() -> None:
    folders = {path.name for path in (places({}).sources / "images").iterdir() if path.is_dir()}
    assert folders == {image.name for image in (*IMAGES, *engine.IMAGES)}


def test_a_changed_containerfile_changes_its_own_key_and_its_childrens(tmp_path: Path) -> None:
    at = copy(tmp_path)
    before = all_keys(at)
    file = at.sources / "images" / "debian" / "Containerfile"
    file.write_text(f"{file.read_text()}LABEL a=b\n")
    changed = {name for name, key in all_keys(at).items() if key != before[name]}
    assert {"localhost/debian:12", "localhost/pause:3.10.1", "localhost/spark:4.0.1"} <= changed
    assert f"localhost/coredns:{images.COREDNS}" not in changed


def test_a_changed_go_mod_changes_the_program_and_its_image_alone(tmp_path: Path) -> None:
    at = copy(tmp_path)
    before, made = all_keys(at), images.artifacts(at)
    (at.sources / "coredns" / "go.mod").write_text("module changed\n")
    changed = {name for name, key in all_keys(at).items() if key != before[name]}
    assert changed == {f"localhost/coredns:{images.COREDNS}"}
    others = {name for name, each in images.artifacts(at).items() if each.key != made[name].key}
    assert others == {"coredns"}


def test_the_seed_is_another_when_one_image_is(tmp_path: Path) -> None:
    at = copy(tmp_path)
    before = seed.path(at, all_keys(at))
    assert seed.path(at, all_keys(at)) == before
    (at.sources / "images" / "pause" / "pause.c").write_text("int main(void) { return 0; }\n")
    assert seed.path(at, all_keys(at)) != before


def test_the_embedded_platform_names_images_that_are_built() -> None:
    file = places({}).sources / "platform" / "embedded" / "kustomization.yaml"
    wanted = {
        f"{each['newName']}:{each['newTag']}" for each in yaml.safe_load(file.read_text())["images"]
    }
    assert wanted <= {image.reference for image in (*IMAGES, *engine.IMAGES)}


def test_the_modules_name_the_versions_that_the_images_are_called_by() -> None:
    sources = places({}).sources
    assert f"k8s.io/kubernetes {golang.KUBERNETES}" in (sources / "kube" / "go.mod").read_text()
    assert f"etcd/server/v3 v{golang.ETCD}" in (sources / "kube" / "go.mod").read_text()
    assert f"coredns/coredns {images.COREDNS}" in (sources / "coredns" / "go.mod").read_text()


def failing(*said: str) -> list[str]:
    """What the tries of a build that fails with these words, in turn, left to be said."""
    left = list(said)

    def build() -> None:
        if left:
            raise StageFailed(left.pop(0))

    images.patiently(build)
    return left


def test_a_build_that_the_kernel_was_too_busy_for_is_tried_again() -> None:
    assert failing(images.SEALING, images.SEALING) == []


@pytest.mark.parametrize("said", [("no such package",), (images.SEALING,) * 3])
def test_a_build_that_fails_is_told(said: tuple[str, ...]) -> None:
    with pytest.raises(StageFailed):
        failing(*said)
