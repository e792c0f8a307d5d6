"""What was right is not looked at again, and whatever it was judged by may not change unseen."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from drillbook.cli import app as cli
from drillbook.cli import unchanged
from drillbook.cli.commands import offline
from drillbook.cli.unchanged import Unchanged, surroundings
from drillbook.cluster import settings
from tests.bad_input.command_line import (
    FEATURE,
    MANIFESTS,
    ROOT,
    RULES,
    drillbook,
    environment_of,
    replace,
)
from tests.cli.conftest import Edit, put, write
from tests.forked import forked

PAGE = "runbooks/spark/driver-crash-loop.md"
TOOL = "scripts/spark/keep_last_good.py"
CLEAN = "1 runbooks, no problem."
KEPT = "1 pages, 0 changed."


def accept_runs(checkout: Path) -> None:
    shutil.copytree(ROOT / "reports/proof", checkout / "reports/proof")


SEEN_BY_LINT = {
    "a step": put("steps/spark.py", "is making progress", "makes progress"),
    "a fault": put("fixtures/faults/spark.py", "def driver_needs", "def nobody_needs"),
    "a manifest": put(MANIFESTS, "kind: Deployment", "kind: Deployment\n---\n- a"),
    "a rule": put(RULES, "SparkDriverCrashLoop", "AnotherName"),
    "a value": put("monitoring/values/production.yaml", "for:", "fore:"),
    "a tool": lambda checkout: (checkout / TOOL).unlink(),
    "the feature": put(FEATURE, "@id:RB-SPARK-001", "@id:1"),
    "another feature": write("features/spark/torn.feature", "Feature: x\n"),
    "a note of features": write("features/README.md", "<<<<<<< mine\n"),
    "a file elsewhere": write("docs.feature", "Feature: x\n"),
    "a setting": write("drillbook.toml", "scrape_s = 600\n"),
}


@pytest.mark.parametrize("what", SEEN_BY_LINT)
def test_lint_sees_a_change_of(checkout: Path, what: str) -> None:
    for _ in range(2):
        assert CLEAN in drillbook(checkout, "lint").said
    SEEN_BY_LINT[what](checkout)
    answer = drillbook(checkout, "lint")
    assert answer.code in (1, 2), answer.said
    assert drillbook(checkout, "lint").said == answer.said


SEEN_BY_RENDER = {
    "a step": put("steps/spark.py", "driver in client mode", "driver in another mode"),
    "a tool": put(TOOL, '"""', '"""Other. '),
    "a manifest": put(MANIFESTS, "replicas: 1", "replicas: 2"),
    "a rule": put(RULES, "< 600", "< 700"),
    "a value": put("monitoring/values/production.yaml", "1m", "2m"),
    "the records": accept_runs,
    "the feature": put(FEATURE, "Spark driver crash loop", "Spark driver, again and again"),
    "the page": write(PAGE, "other"),
    "no page": lambda checkout: (checkout / PAGE).unlink(),
    "a setting": write("drillbook.toml", 'environment = "production"\n'),
}


@pytest.mark.parametrize("what", SEEN_BY_RENDER)
def test_render_sees_a_change_of(checkout: Path, what: str) -> None:
    drillbook(checkout, "render")
    assert KEPT in drillbook(checkout, "render").said
    SEEN_BY_RENDER[what](checkout)
    assert drillbook(checkout, "render", "--check").code == 1
    assert "1 pages, 1 changed." in drillbook(checkout, "render").said
    shutil.rmtree(checkout.parent / "cache")
    assert KEPT in drillbook(checkout, "render").said


def a_link(checkout: Path) -> Edit:
    """What is behind it changes unseen, so it is looked at each time."""
    shutil.move(checkout / "fixtures/spark/orders/app", checkout / "app")
    (checkout / "fixtures/spark/orders/app").symlink_to(checkout / "app")
    return put("app/start.sh", "set -", "# another\nset -")


def a_module_elsewhere(checkout: Path) -> Edit:
    write("words.py", 'MODE = "client"\n')(checkout)
    replace(
        checkout, "steps/spark.py", "from fixtures import", "import words\nfrom fixtures import"
    )
    replace(checkout, "steps/spark.py", "in client mode", 'in " + words.MODE + " mode')
    return put("words.py", "client", "another")


@pytest.mark.parametrize("made", [a_link, a_module_elsewhere])
def test_what_cannot_be_seen_is_never_kept(checkout: Path, made: Callable[[Path], Edit]) -> None:
    edit = made(checkout)
    for expected in ("1 pages, 1 changed.", KEPT):
        assert expected in drillbook(checkout, "render").said
    edit(checkout)
    assert "1 pages, 1 changed." in drillbook(checkout, "render").said


def files(checkout: Path) -> list[Path]:
    return list((checkout.parent / "cache/drillbook").iterdir())


BROKEN = ["[]", '{"lint": "', '{"pages": 1, "lint": 2}', "[" * 100_000, "\0"]


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_cache_is_none(checkout: Path, text: str) -> None:
    drillbook(checkout, "render")
    (file,) = files(checkout)
    file.write_text(text)
    os.utime(checkout / PAGE, (1, 1))
    assert KEPT in drillbook(checkout, "render").said
    assert (checkout / PAGE).stat().st_mtime == 1, "what is right is not written again"
    assert CLEAN in drillbook(checkout, "lint").said
    assert files(checkout) == [file]


def test_a_cache_is_ones_own_and_elsewhere(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(checkout.rglob("*"))
    drillbook(checkout, "lint")
    assert [p for p in sorted(checkout.rglob("*")) if "__pycache__" not in p.parts] == before
    monkeypatch.setenv("XDG_CACHE_HOME", str(checkout.parent / "cache"))
    assert Unchanged.load(checkout).lint
    assert not Unchanged.load(checkout.parent).lint
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert Unchanged.load(checkout) == Unchanged(None)
    for place in ("/dev/null", "/proc"):
        assert CLEAN in drillbook(checkout, "lint", XDG_CACHE_HOME=place).said
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert Unchanged.load(checkout) == Unchanged(None)


def test_another_engine_looks_again(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, engine = settings.load(checkout), checkout.parent / "engine"
    engine.mkdir()
    monkeypatch.setattr(unchanged, "ENGINE", engine)
    found = [surroundings(loaded)]
    (engine / "page.md.j2").write_text("other")
    found.append(surroundings(loaded))
    monkeypatch.setattr("sys.version", "4.0")
    found.append(surroundings(loaded))
    site = checkout.parent / "site-packages"
    (site / "jinja2-9.9.9.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(site)
    found.append(surroundings(loaded))
    assert len({*found, surroundings(loaded)}) == len(found)


def without_looking() -> None:
    """The command, of which nothing is left that could judge or render."""
    vars(offline).update(problems=None, _texts=None)
    cli.main()


@pytest.mark.parametrize(
    "words", [("lint",), ("lint", FEATURE), ("render",), ("render", "--check")]
)
def test_nothing_is_read_or_rendered_again(checkout: Path, words: tuple[str, ...]) -> None:
    def blind() -> int:
        where = (checkout, environment_of(checkout))
        return forked(without_looking, ("drillbook", *words), *where, together=True).code

    assert blind() == 4
    for command in ("lint", "render"):
        drillbook(checkout, command)
    assert blind() == 0
