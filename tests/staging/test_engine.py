"""The engine's own image: what makes it another, and how that reaches the reaper's pods."""

import pytest
import yaml

from drillbook_staging.engine import ANNOTATION, REFERENCE, annotated
from drillbook_staging.errors import StageFailed
from drillbook_staging.places import places


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


def deployment(name: str, image: str) -> str:
    template = {"spec": {"containers": [{"name": name, "image": image}]}}
    found = {"kind": "Deployment", "metadata": {"name": name}, "spec": {"template": template}}
    return yaml.safe_dump(found)


def test_the_pods_that_run_the_engine_carry_its_key() -> None:
    every = "---\n".join(
        [
            yaml.safe_dump({"kind": "Namespace", "metadata": {"name": "drillbook-system"}}),
            deployment("reaper", REFERENCE),
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
