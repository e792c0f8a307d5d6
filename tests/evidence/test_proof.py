"""A hash changes with what was proven, and with nothing else."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import pytest
import runbook_examples as examples

from drillbook.evidence import proof
from drillbook.model import BoundRunbook, Duration, Fault, Probe, Workload, command
from drillbook.model.errors import RunbookProblem
from drillbook.model.matchers import any_equals
from drillbook.sources import FiringAlert, Series

RULES = {"AppDown": examples.rule(), "Other": replace(examples.rule(), name="Other")}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with the tools that the examples' commands run."""
    folder = tmp_path / "scripts" / "app"
    folder.mkdir(parents=True)
    (folder / "diagnose.py").write_text("from scripts.app import reading\nimport neighbour\n")
    (folder / "reading.py").write_text("from . import deeper\n")
    (folder / "deeper.py").write_text("DEPTH = 1\n")
    (folder / "neighbour.py").write_text("NEAR = 1\n")
    (folder / "far.py").write_text("FAR = 1\n")
    return tmp_path


def test_a_hash_is_64_hex_digits_for_each_cause_and_the_healthy_drill(root: Path) -> None:
    found = proof.hashes(examples.runbook(), root, RULES)
    assert list(found) == ["oom", "config", "all"]
    assert len(set(found.values())) == 3
    assert all(len(bytes.fromhex(value)) == 32 for value in found.values())


def test_lines_places_and_words_for_people_do_not_count(root: Path) -> None:
    """A comment only moves lines: the reader drops it."""
    bound = examples.runbook(examples.cause(line=10), line=3)
    moved = examples.runbook(examples.cause(line=99), line=7)
    elsewhere = replace(bound.runbook, path=PurePosixPath("features/other/x.feature"))
    rules = {"AppDown": replace(RULES["AppDown"], line=77, file="monitoring/alerts/b.yaml")}
    want = proof.hashes(bound, root, RULES)
    assert proof.hashes(moved, root, RULES) == want
    assert proof.hashes(replace(bound, runbook=elsewhere), root, RULES) == want
    assert proof.hashes(bound, root, rules) == want
    rules = {"AppDown": replace(RULES["AppDown"], annotations={"summary": "x"}, line=99)}
    assert proof.hashes(reworded(), root, rules) == proof.hashes(examples.runbook(), root, RULES)


def oom(**fields: object) -> BoundRunbook:
    """The example runbook with a field of its first cause set apart."""
    other = examples.cause("config", "Its configuration is refused")
    return examples.runbook(examples.cause(**fields), other)  # type: ignore[arg-type]


OTHER_FAULT = replace(examples.FAULT, effect=replace(examples.FAULT.effect, within=Duration("9s")))
OTHER_PATCH: Fault = replace(
    examples.FAULT, changes=(replace(examples.FAULT.changes[0], patch={"data": {"x": "1201"}}),)
)

CHANGES: dict[str, Callable[[], BoundRunbook]] = {
    "the fault's effect": lambda: oom(fault=OTHER_FAULT),
    "the fault's patch": lambda: oom(fault=OTHER_PATCH),
    "a manifest": lambda: oom(load=examples.workload("payments")),
    "a threshold": lambda: examples.changed(
        examples.runbook(), 1, examples.probe(expect=any_equals("Error"))
    ),
    "a budget": lambda: examples.changed(
        examples.runbook(), 0, replace(examples.ALERT_FIRES, within=Duration("91s"))
    ),
    "a source's field": lambda: examples.changed(
        examples.runbook(), 1, examples.probe(source=examples.reason("jobs"))
    ),
    "an action's word": lambda: examples.changed(
        examples.runbook(), 3, replace(examples.RAISE, command=command("kubectl", "get"))
    ),
    "an action's rollback": lambda: examples.changed(
        examples.runbook(), 3, replace(examples.RAISE, rollback=None)
    ),
    "what an action keeps": lambda: examples.changed(
        examples.runbook(), 3, replace(examples.RAISE, reads=())
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_of_one_cause_stales_it_and_the_healthy_drill_only(what: str, root: Path) -> None:
    before = proof.hashes(examples.runbook(), root, RULES)
    after = proof.hashes(CHANGES[what](), root, RULES)
    assert after["oom"] != before["oom"]
    assert after["all"] != before["all"]
    assert after["config"] == before["config"]


def reworded() -> BoundRunbook:
    """Every word for people changed: nothing of it changes what a drill does."""
    one = replace(examples.component(), title="other words")
    action = replace(examples.RAISE, note="Other words.")
    causes = tuple(
        examples.cause(
            name,
            "Other words",
            scenarios=examples.phases(name, "other words"),
            description="Other words.",
            line=99,
            fault=replace(examples.FAULT, title="other words"),
            load=Workload((one,)),
        )
        for name in ("oom", "config")
    )
    tags = (("rto", "16m"), ("version", "2.0.0"), ("owner", "others"), ("severity", "P2"))
    other = examples.runbook(*causes, description="Other words.", title="Other", tags=tags, line=9)
    return examples.changed(other, 3, action)


def test_an_image_counts_by_its_own_recipe(root: Path) -> None:
    component = replace(examples.component(), images=("localhost/shop:1",))
    bound = examples.runbook(examples.cause(load=Workload((component,))))
    before = proof.hashes(bound, root, RULES)
    folder = root / "fixtures" / "shop" / "images" / "shop"
    folder.mkdir(parents=True)
    (folder / "Containerfile").write_text("FROM localhost/debian:12\n")
    first = proof.hashes(bound, root, RULES)
    (folder / "Containerfile").write_text("FROM localhost/debian:13\n")
    second = proof.hashes(bound, root, RULES)
    (folder / "files").mkdir()
    (folder / "Containerfile").rename(folder / "files" / "Containerfile")
    moved = proof.hashes(bound, root, RULES)
    assert len({each["oom"] for each in (before, first, second, moved)}) == 4


@pytest.mark.parametrize(
    ("name", "rule", "counts"),
    [
        ("AppDown", examples.rule(for_s=1.0), True),
        ("AppDown", examples.rule(expr="up == 2"), True),
        ("Other", examples.rule(for_s=99.0), False),
    ],
)
def test_the_rendered_rule_counts(name: str, rule: object, counts: bool, root: Path) -> None:
    before = proof.hashes(examples.runbook(), root, RULES)
    after = proof.hashes(examples.runbook(), root, {**RULES, name: rule})
    assert (after != before) is counts


@pytest.mark.parametrize(
    ("place", "name", "value", "counts"),
    [
        (proof, "ENGINE", proof.ENGINE + 1, True),
        (FiringAlert, "REVISION", 2, True),
        (Series, "REVISION", 2, False),
    ],
)
def test_what_was_mended_in_the_engine_or_in_a_kind_of_source_that_is_read_counts(
    place: object, name: str, value: int, counts: bool, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = proof.hashes(examples.runbook(), root, RULES)
    monkeypatch.setattr(place, name, value, raising=False)
    after = proof.hashes(examples.runbook(), root, RULES)
    assert {after[cause] != before[cause] for cause in before} == {counts}


@pytest.mark.parametrize(
    ("name", "counts"),
    [("diagnose", True), ("reading", True), ("deeper", True), ("neighbour", True), ("far", False)],
)
def test_a_tool_and_what_it_imports_count(name: str, counts: bool, root: Path) -> None:
    before = proof.hashes(examples.runbook(), root, RULES)
    with (root / f"scripts/app/{name}.py").open("a") as file:
        file.write("# another byte\n")
    after = proof.hashes(examples.runbook(), root, RULES)
    assert {after[cause] != before[cause] for cause in before} == {counts}


def test_what_is_not_there_is_named(root: Path) -> None:
    probe = Probe(source=examples.tool("scripts/app/gone.py"), expect=any_equals("x"))
    with pytest.raises(RunbookProblem, match=r"runs scripts/app/gone\.py, which is not there"):
        proof.hashes(examples.changed(examples.runbook(), 1, probe), root, RULES)
    with pytest.raises(RunbookProblem, match="no rule for the alert AppDown"):
        proof.hashes(examples.runbook(), root, {})


def test_the_canonical_form() -> None:
    """Sorted, of every type, without defaults, with variables by name; or none."""
    assert proof.canonical({"b": (1,), "a": {"y", "x"}}) == '{"a":["x","y"],"b":[1]}'
    firing, silent = examples.ALERT_FIRES.expect, examples.ALERT_SILENT.expect
    assert proof.canonical(firing) != proof.canonical(silent)
    probe = examples.probe()
    assert "throughout" not in proof.canonical(probe)
    assert "throughout" in proof.canonical(replace(probe, throughout=Duration("5s")))
    assert r"\"$APP\"" in proof.canonical(examples.cause())
    with pytest.raises(TypeError, match="cannot be hashed"):
        proof.canonical(SimpleNamespace(x=1))


def test_the_tools_are_found_with_their_imports(root: Path) -> None:
    names = ("deeper", "diagnose", "neighbour", "reading")
    (root / "scripts" / "__init__.py").touch()  # a package's runs before its modules
    modules = ("scripts/__init__.py", *(f"scripts/app/{name}.py" for name in names))
    assert proof.tools(examples.cause(), root) == modules
    (root / "scripts" / "lib.sh").write_text("true\n")
    (root / "scripts" / "run.sh").write_text(". scripts/lib.sh\n")
    lines = (command("bash", "scripts/run.sh"), command("python3", "-m", "scripts.app.deeper"))
    action = replace(examples.RAISE, command=lines[0], rollback=lines[1])
    bound = examples.changed(examples.runbook(), 3, action).causes[0]
    found = set(proof.tools(bound, root))
    assert {"scripts/run.sh", "scripts/lib.sh", "scripts/app/deeper.py"} <= found
