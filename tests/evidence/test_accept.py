"""A whole run or nothing; redacted; never changed afterwards."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import runbook_examples as examples

from drillbook.evidence import accept as accepting
from drillbook.evidence import records
from drillbook.evidence.accept import accept
from drillbook.evidence.records import Drill
from drillbook.model import Control, Injection, Verdict
from drillbook.model.errors import UsageError

RUN = "run-00"
DRILLS = (examples.drill(), examples.drill("config"), examples.healthy())
HASHES = {("RB-APP-001", cause): "0" * 64 for cause in ("oom", "config", "all")}


def run_folder(
    tmp_path: Path, drills: Sequence[Drill] = DRILLS, planned: Sequence[Drill] = DRILLS
) -> Path:
    folder = tmp_path / "runs" / RUN
    folder.mkdir(parents=True)
    manifest = {
        "run": RUN,
        "planned": [accepting.node(drill) for drill in planned],
        "commit": "abc1234def56",
        "started": "2026-11-20T03:04:05+00:00",
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    for drill in drills:
        records.write(drill, folder)
    return folder


def rewritten(name: str, old: str, new: str) -> Callable[[Path], object]:
    return lambda run: (run / name).write_text((run / name).read_text().replace(old, new))


EARLY = "RB-APP-001--oom--plain--1 is partial: it was"


@pytest.mark.parametrize(
    ("first", "rest", "planned", "spoil", "said"),
    [
        ({"partial": True}, 2, 3, None, f"{EARLY} to end early"),
        ({"partial": True, "interrupted": True}, 2, 3, None, f"{EARLY} interrupted"),
        ({}, 1, 3, None, "app-down.feature::all--healthy was planned but has no record"),
        (None, 0, 0, None, "holds no record"),
        (
            {},
            2,
            3,
            lambda run: (run / "manifest.json").unlink(),
            "no manifest of a run: No such file",
        ),
        ({}, 2, 3, rewritten("manifest.json", RUN, "../x"), "cannot be a folder's name"),
        ({}, 2, 3, rewritten(f"{DRILLS[0].name}.json", '"run"', '"x"'), "run: Field required;"),
        ({"run": "run-99"}, 2, 3, None, "is of run run-99, not run-00"),
        ({}, 2, 2, None, "was not planned"),
        ({"attempt": 2}, 2, 3, None, "no record of attempt 1"),
        ({"run": "run-99"}, 0, 3, None, "::config--plain was planned but has no record"),
    ],
)
def test_a_run_that_is_not_whole_or_not_sound_is_refused(
    tmp_path: Path,
    first: dict[str, Any] | None,
    rest: int,
    planned: int,
    spoil: Callable[[Path], object] | None,
    said: str,
) -> None:
    """In these words, and nothing is written."""
    drills = [] if first is None else [examples.drill(**first), *DRILLS[1 : rest + 1]]
    folder = run_folder(tmp_path, drills, DRILLS[:planned])
    if spoil:
        spoil(folder)
    with pytest.raises(UsageError) as caught:
        accept(folder, tmp_path / "proof", HASHES)
    assert said in str(caught.value)
    assert "pydantic" not in str(caught.value)
    assert list(tmp_path.glob("proof/*")) == []


def test_a_whole_run_becomes_the_proof(tmp_path: Path) -> None:
    """A clean one of an older tree, too."""
    assert accepting.newest(tmp_path / "proof") == {}
    assert accepting.planned(tmp_path / "proof") == ()
    kept = accept(run_folder(tmp_path), tmp_path / "proof", {})
    assert kept == tmp_path / "proof" / RUN
    assert accepting.planned(tmp_path / "proof") == tuple(accepting.node(d) for d in DRILLS)
    names = {path.name for path in kept.iterdir()}
    assert names == {"manifest.json", *(f"{d.name}.json" for d in DRILLS)}
    assert {d.name: d for d in records.read_run(kept)} == {d.name: d for d in DRILLS}
    invalid = examples.drill(injection=Injection.NO_EFFECT, verdict=Verdict.ERROR)
    drills = (invalid, examples.drill("config", verdict=Verdict.FAILED), examples.healthy())
    kept = accept(run_folder(tmp_path / "other", drills), tmp_path / "second", HASHES)
    assert {d.verdict for d in records.read_run(kept)} == {d.verdict for d in drills}
    assert [p.name for p in (tmp_path / "proof").iterdir()] == [RUN]


@pytest.mark.parametrize("commit", ["abc1234def56+dirty", "unknown"])
def test_a_dirty_record_is_taken_when_the_tree_still_holds_it(commit: str, tmp_path: Path) -> None:
    drills = (examples.drill(commit=commit), *DRILLS[1:])
    folder = run_folder(tmp_path, drills)
    other = {**HASHES, ("RB-APP-001", "oom"): "1" * 64}
    with pytest.raises(UsageError, match="oom--plain--1 was drilled from uncommitted changes"):
        accept(folder, tmp_path / "proof", other)
    with pytest.raises(UsageError, match="uncommitted"):
        accept(folder, tmp_path / "proof", {})
    assert accept(folder, tmp_path / "proof", HASHES).is_dir()


def test_accepting_twice_is_harmless_and_changing_is_refused(tmp_path: Path) -> None:
    folder = run_folder(tmp_path)
    kept = accept(folder, tmp_path / "proof", HASHES)
    assert accept(folder, tmp_path / "proof", HASHES) == kept
    records.write(examples.drill(observed="something else"), folder)
    with pytest.raises(UsageError, match="accepted already, with another content: RB-APP-001--oom"):
        accept(folder, tmp_path / "proof", HASHES)
    assert [p.name for p in (tmp_path / "proof").iterdir()] == [RUN]


def test_secrets_are_removed_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERS_API_KEY", "value-of-the-environment")
    seen = "log: value-of-the-environment, password=hunter2"
    folder = run_folder(tmp_path, (examples.drill(observed=seen), *DRILLS[1:]))
    kept = accept(folder, tmp_path / "proof", HASHES)
    text = (kept / "RB-APP-001--oom--plain--1.json").read_text()
    assert "log: [redacted], password=[redacted]" in text
    assert "hunter2" in (folder / "RB-APP-001--oom--plain--1.json").read_text()


def test_the_newest_comes_first(tmp_path: Path) -> None:
    for days in (2, 5, 3):
        records.write(examples.drill(days=days), tmp_path / f"run-{days:02d}")
    records.write(examples.healthy(days=2), tmp_path / "run-02")
    records.write(examples.drill(days=9), tmp_path / ".run-09.killed")
    found = accepting.newest(tmp_path)
    assert set(found) == {
        ("RB-APP-001", "oom", Control.PLAIN),
        ("RB-APP-001", "all", Control.HEALTHY),
    }
    runs = [d.run for d in found["RB-APP-001", "oom", Control.PLAIN]]
    assert runs == ["run-05", "run-03", "run-02"]
    alone = accepting.newest(tmp_path, only="run-03").values()
    assert [[d.run for d in drills] for drills in alone] == [["run-03"]]


def test_what_is_falsified_is_named(tmp_path: Path) -> None:
    drills = (*DRILLS[:-1], examples.healthy("oom", held=True))
    (line,) = accepting.falsified(run_folder(tmp_path, drills))
    assert line.startswith("falsified: RB-APP-001--all--healthy--1 shows that oom is found where")
    assert list(accepting.falsified(run_folder(tmp_path / "good"))) == []
