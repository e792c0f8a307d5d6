"""Images as data: who is built from whom, what makes a key another, what wrong data is answered."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from drillbook.model.errors import UsageError
from drillbook_staging import buildah, engine, images, seed
from drillbook_staging.errors import StageFailed
from drillbook_staging.images import Image, Images, parents
from drillbook_staging.places import Places, places

OURS = images.read(places({}))


@pytest.fixture
def at(tmp_path: Path) -> Places:
    """The data where a test may change it."""
    ignored = shutil.ignore_patterns("drillbook_staging", "__pycache__")
    shutil.copytree(places({}).sources, tmp_path / "staging", ignore=ignored)
    return Places(tmp_path / "state", tmp_path / "cache", tmp_path / "staging")


def described(at: Places, folder: str, containerfile: str, data: str = 'tag = "1"\n') -> Path:
    made = at.root / folder
    made.mkdir(parents=True)
    (made / "Containerfile").write_text(containerfile)
    (made / "image.toml").write_text(data)
    return made


def changed(at: Places, edit: Callable[[], object]) -> set[str]:
    """Names of the images whose key an edit makes another."""
    before = {image.key for image in images.read(at).every.values()}
    edit()
    return {image.name for image in images.read(at).every.values() if image.key not in before}


def appended(file: Path, text: str) -> Callable[[], object]:
    return lambda: file.write_text(file.read_text() + text)


# --------------------------------------------------------------------------- the checkout's own


def test_every_parent_is_built_before_its_children() -> None:
    built: list[str] = []
    for image in OURS.every.values():
        assert set(image.parents) <= set(built)
        built.append(image.reference)


def test_every_folder_is_an_image() -> None:
    folders = {file.parent.name for file in places({}).root.glob("*/images/*/Containerfile")}
    assert folders <= {image.name for image in OURS.every.values()}


def test_the_embedded_platform_names_images_that_the_nodes_have() -> None:
    file = places({}).sources / "platform" / "embedded" / "kustomization.yaml"
    wanted = {
        f"{each['newName']}:{each['newTag']}" for each in yaml.safe_load(file.read_text())["images"]
    }
    assert wanted - {engine.REFERENCE} <= {image.reference for image in OURS.core}
    assert engine.REFERENCE in OURS.every


def test_the_modules_name_the_versions_that_the_images_are_called_by() -> None:
    sources = places({}).sources
    kube = (sources / "kube" / "go.mod").read_text()
    assert f"k8s.io/kubernetes {OURS.tag('kube-apiserver')}" in kube
    assert f"etcd/server/v3 v{OURS.tag('etcd')}" in kube
    coredns = (sources / "images" / "coredns" / "go.mod").read_text()
    assert f"coredns/coredns {OURS.tag('coredns')}" in coredns


def test_servers_are_not_what_the_nodes_are_set_up_with() -> None:
    core = {image.name for image in OURS.core}
    assert {"pause", "etcd", "prometheus"} <= core
    assert core.isdisjoint({"spark", "drillbook", "drillbook-python"})


# --------------------------------------------------------------------------- keys


def test_only_parents_of_ours_count() -> None:
    text = "FROM localhost/debian:12 AS build\nRUN x\nFROM scratch\nFROM localhost/b:1\n"
    assert parents(text) == ("localhost/debian:12", "localhost/b:1")


def test_a_changed_containerfile_changes_its_own_key_and_its_childrens(at: Places) -> None:
    found = changed(at, appended(at.sources / "images/debian/Containerfile", "LABEL a=b\n"))
    assert {"debian", "pause", "spark"} <= found
    assert "coredns" not in found


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("images/coredns/go.mod", "// changed\n", {"coredns"}),
        ("kube/go.sum", "x\n", {"etcd", *(f"kube-{n}" for n in ("apiserver", "proxy"))}),
        ("images/spark/image.toml", "# a remark\n", set()),
        ("toolchains.toml", '"2.0" = "x"\n', set()),
        ("images/drillbook-python/requirements.txt", "x==1\n", {"drillbook-python", "drillbook"}),
    ],
)
def test_what_an_image_takes_in_counts_and_nothing_else(
    at: Places, file: str, text: str, expected: set[str]
) -> None:
    found = changed(at, appended(at.sources / file, text))
    assert expected <= found
    assert found == expected or "kube" in file


def test_another_server_leaves_what_the_nodes_are_made_of(at: Places) -> None:
    before = seed.path(at, images.read(at).core)
    described(at, "fixtures/redis/images/another", "FROM localhost/debian:12\n")
    assert "localhost/another:1" in images.read(at).every
    assert seed.path(at, images.read(at).core) == before
    (at.sources / "images" / "pause" / "pause.c").write_text("int main(void) { return 0; }\n")
    assert seed.path(at, images.read(at).core) != before


# --------------------------------------------------------------------------- wrong data


@pytest.mark.parametrize(
    ("containerfile", "data", "said"),
    [
        ("FROM scratch\n", "tag = 1\n", "tag"),
        ("FROM scratch\n", 'tag = "1"\nport = 80\n', "port"),
        ("FROM scratch\n", 'tag = "1\n', "image.toml"),
        ("FROM localhost/nobody:1\n", 'tag = "1"\n', "no image localhost/nobody:1"),
        ("FROM localhost/debian:11\n", 'tag = "1"\n', "no image localhost/debian:11"),
        ("FROM localhost/x:1\n", 'tag = "1"\n', "starts from itself"),
        ("FROM scratch\n", 'tag = "1"\nuses = ["nothing/x"]\n', "uses 'nothing/x'"),
        ("FROM scratch\n", 'tag = "1"\n[[go]]\ntoolchain = "1.0"\nprograms = []\n', "no hash"),
    ],
)
def test_wrong_data_is_named_with_its_file(
    at: Places, containerfile: str, data: str, said: str
) -> None:
    described(at, "staging/images/x", containerfile, data)
    with pytest.raises(UsageError, match=said) as told:
        images.read(at)
    assert "x" in str(told.value)


def test_two_images_of_one_name_are_refused(at: Places) -> None:
    described(at, "fixtures/a/images/spark", "FROM scratch\n")
    with pytest.raises(UsageError, match="an image of that name is in"):
        images.read(at)


def test_an_unknown_image_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"localhost/nobody:1: no image .* localhost/spark:4"):
        OURS.named("localhost/nobody:1")


# --------------------------------------------------------------------------- building


def chain(*names: str) -> Images:
    """Each starts from the one before it."""
    every: dict[str, Image] = {}
    for name in names:
        every[f"localhost/{name}:1"] = Image(Path(name), "1", False, tuple(every)[-1:], (), name)
    return Images(every)


@pytest.mark.parametrize(
    ("there", "expected"),
    [((), ["a", "b", "c"]), (("b",), ["c"]), (("a",), ["b", "c"]), (("c",), [])],
)
def test_a_parent_is_built_only_for_a_child_that_is(
    there: tuple[str, ...], expected: list[str]
) -> None:
    known = chain("a", "b", "c")
    named = {known.named(name).by_key for name in there}
    assert [each.name for each in buildah.missing(known, [known.named("c")], named)] == expected


def failing(*said: str) -> list[str]:
    """What the tries of a build that fails with these words, in turn, left to be said."""
    left = list(said)

    def build() -> None:
        if left:
            raise StageFailed(left.pop(0))

    buildah.patiently(build)
    return left


def test_a_build_that_the_kernel_was_too_busy_for_is_tried_again() -> None:
    assert failing(buildah.SEALING, buildah.SEALING) == []


@pytest.mark.parametrize("said", [("no such package",), (buildah.SEALING,) * 3])
def test_a_build_that_fails_is_told(said: tuple[str, ...]) -> None:
    with pytest.raises(StageFailed):
        failing(*said)
