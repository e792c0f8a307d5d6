"""A path outside the checkout, an absolute path, a symlink out: exit 2."""

import shutil
from pathlib import Path

import pytest

from tests.bad_input.command_line import FEATURE, RULES, VALUES, drillbook


@pytest.fixture
def outside(checkout: Path) -> Path:
    """A folder beside the checkout, with a runbook and a run in it."""
    folder = checkout.parent / "outside"
    (folder / "run").mkdir(parents=True)
    shutil.copy(checkout / FEATURE, folder / "other.feature")
    return folder


def refused(checkout: Path, *words: str) -> str:
    answer = drillbook(checkout, *words)
    assert answer.code == 2, answer.said
    assert "outside the checkout" in answer.said
    return answer.said


@pytest.mark.parametrize(
    ("command", "way"),
    [
        *(("lint", way) for way in ("relative", "absolute", "link", "linked folder")),
        ("drill", "link"),
    ],
)
def test_a_runbook_elsewhere(checkout: Path, outside: Path, command: str, way: str) -> None:
    (checkout / "features/spark/link.feature").symlink_to(outside / "other.feature")
    (checkout / "features/folder").symlink_to(outside)
    given = {
        "relative": "../outside/other.feature",
        "absolute": str(outside / "other.feature"),
        "link": "features/spark/link.feature",
        "linked folder": "features/folder",
    }[way]
    refused(checkout, command, given)


def test_a_link_out_is_found_without_being_named(checkout: Path, outside: Path) -> None:
    (checkout / "features/spark/link.feature").symlink_to(outside / "other.feature")
    for words in (("lint",), ("render",), ("list",), ("drill",)):
        refused(checkout, *words)


@pytest.mark.parametrize("way", ["relative", "absolute", "link"])
def test_a_run_elsewhere_is_not_accepted(checkout: Path, outside: Path, way: str) -> None:
    (checkout / "reports/runs").mkdir(parents=True)
    (checkout / "reports/runs/link").symlink_to(outside / "run")
    given = {"relative": "../outside/run", "absolute": str(outside / "run"), "link": "link"}[way]
    refused(checkout, "accept", given)
    assert not (checkout / "reports/proof").exists()


@pytest.mark.parametrize("name", [RULES, VALUES])
def test_alert_rules_elsewhere_are_not_read(checkout: Path, outside: Path, name: str) -> None:
    shutil.move(checkout / name, outside / "moved.yaml")
    (checkout / name).symlink_to(outside / "moved.yaml")
    refused(checkout, "lint")


@pytest.mark.parametrize("link", ["runbooks", "runbooks/spark", "runbooks/spark/page.md"])
def test_no_page_is_written_elsewhere(checkout: Path, outside: Path, link: str) -> None:
    place, target = checkout / link, outside / "pages"
    if link.endswith(".md"):
        place = checkout / "runbooks/spark/driver-crash-loop.md"
        place.unlink()
    else:
        shutil.rmtree(place)
        target.mkdir()
    place.symlink_to(target)
    refused(checkout, "render")
    assert not target.is_dir() or list(target.rglob("*")) == []
    assert not target.is_file()


def test_a_path_inside_is_fine_however_it_is_written(checkout: Path) -> None:
    for given in (FEATURE, str(checkout / FEATURE), f"features/../{FEATURE}"):
        assert drillbook(checkout, "lint", given).code == 0
