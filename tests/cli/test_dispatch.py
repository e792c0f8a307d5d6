"""One process for each drill, side by side, told apart, and all of them ended by a signal."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from drillbook.cli.dispatch import Dispatcher
from drillbook.evidence.records import Drill
from drillbook.model import Verdict
from drillbook.model.errors import CouldNotTell
from tests.dispatched import dispatcher, drills, stage
from tests.waiting import await_

ROOT = Path(__file__).parents[2]


class Heard(list[str]):
    """What a dispatcher says, and what is done once a line has been said so often."""

    def __init__(self, often: int = 0, line: str = "| ready") -> None:
        super().__init__()
        self.often, self.line = often, line

    def __call__(self, text: str) -> None:
        self.append(text)
        if self.often and self.line in text:
            self.often -= 1
            if not self.often:
                self.act()

    def act(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


def run(
    root: Path, does: dict[str, str], jobs: int, say: Heard, domain: str = "cluster/namespace"
) -> tuple[Dispatcher, list[Drill]]:
    stage(root, does)
    selected = drills(*does, domain=domain)
    dispatched = dispatcher(root, jobs, say)
    dispatched.begin(selected, "abc")
    return dispatched, dispatched.run(selected)


def test_drills_whose_locks_are_free_run_at_once(tmp_path: Path) -> None:
    """Each waits until the other has begun."""
    _, found = run(tmp_path, {"one": "meet", "two": "meet"}, 2, Heard())
    assert [(d.cause, d.verdict) for d in found] == [
        ("one", Verdict.PASSED),
        ("two", Verdict.PASSED),
    ]


@pytest.mark.parametrize(("jobs", "domain"), [(1, "cluster/namespace"), (3, "cluster/postgres")])
def test_one_job_or_one_lock_is_one_after_the_other(tmp_path: Path, jobs: int, domain: str) -> None:
    does = {"one": "be alone", "two": "be alone", "three": "be alone"}
    _, found = run(tmp_path, does, jobs, Heard(), domain)
    assert [(d.cause, d.verdict) for d in found] == [(c, Verdict.PASSED) for c in does]
    _, found = run(tmp_path / "both", {"one": "be alone", "two": "be alone"}, 2, Heard())
    assert Verdict.FAILED in [d.verdict for d in found], "the stand-in would not tell"


def test_its_lines_begin_with_whose_they_are(tmp_path: Path) -> None:
    said = Heard()
    run(tmp_path, {"one": "pass", "two": "die", "three": "pass"}, 3, said)
    for place, cause in (("[1/3]", "one"), ("[2/3]", "two"), ("[3/3]", "three")):
        node = f"{place} features/x/it.feature::{cause}--plain"
        mine = [line for line in said if line.startswith(place)]
        assert mine[:2] == [node, f"{place} {cause}--plain | {cause}: its words"]
        assert len(mine) == 3
        assert mine[2].startswith(f"{node}: ")
    assert sum(line.endswith(": PASSED in 0 s") for line in said) == 2


def test_a_drill_is_told_by_its_phases_as_they_end(tmp_path: Path) -> None:
    """Its own words are told with -v only, and what it does now on a terminal only."""
    stage(tmp_path, {"one": "announce"})
    said = Heard()
    for show in (None, list[str]().extend):
        dispatched = dispatcher(tmp_path, 1, said)
        dispatched.verbose, dispatched.moving = False, show
        dispatched.begin(drills("one"), "abc")
        dispatched.run(drills("one"))
    phases = "set-up 2 s, fault 3 s, detection 2 s, undo 92 s"
    node = "[1/1] features/x/it.feature::one--plain"
    ended = f"{node}: PASSED in 0 s ({phases})"
    label = "[1/1] one--plain"
    told = [f"{label}: set-up 2 s", f"{label}: fault 3 s", f"{label}: detection 2 s"]
    assert [line.replace(" in 1 s", " in 0 s") for line in said] == [node, *told, ended, ended]


def test_two_set_up_at_a_time_however_many_may_run(tmp_path: Path) -> None:
    """One of them waits for the third drill, which starts because it has announced its fault."""
    does = {"one": "pass others", "two": "meet", "three": "meet"}
    _, found = run(tmp_path, does, 9, Heard())
    assert [d.verdict for d in found] == [Verdict.PASSED] * 3


def test_a_manifest_is_whole_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(before: object, after: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(CouldNotTell, match="No space left"):
        dispatcher(tmp_path, 1).begin(drills("one"), "abc")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["logs"]


def test_a_drill_without_a_record_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    said = Heard()
    dispatched, found = run(tmp_path, {"one": "die", "two": "tear", "three": "pass"}, 2, said)
    assert sorted(one.cause for one in dispatched.unrecorded) == ["one", "two"]
    assert [d.cause for d in found] == ["three"]
    (died,) = (text for text in said if "the drill left no record" in text)
    assert "pytest's exit code 3" in died
    assert "the reason" in died
    assert "RB-X-001--one--plain--1.log" in died
    assert [text for text in said if "not a drill record of schema 1" in text]
    run(tmp_path / "second", {"one": "fall"}, 1, said)
    assert "exit code -9" in said[-1]
    assert "The reaper does when its lease has run out" in said[-1]
    assert "\n\n" not in said[-1]


def test_a_signal_ends_every_drill_by_its_undo_and_starts_no_other(tmp_path: Path) -> None:
    does = {"one": "wait", "two": "wait", "three": "pass"}
    dispatched, found = run(tmp_path, does, 2, Heard(often=2))
    assert (dispatched.interrupted, dispatched.unrecorded) == (True, [])
    assert [(d.cause, d.interrupted) for d in found] == [("one", True), ("two", True)]


class Failing(Heard):
    def act(self) -> None:
        raise RuntimeError("a mistake")


def test_a_mistake_of_the_dispatchers_own_leaves_no_drill_running(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="a mistake"):
        run(tmp_path, {"one": "wait", "two": "wait"}, 2, Failing(often=2))
    written = sorted(path.name for path in (tmp_path / "run").glob("RB-*.json"))
    assert written == ["RB-X-001--one--plain--1.json", "RB-X-001--two--plain--1.json"]


DISPATCH = """
from pathlib import Path
from tests.dispatched import dispatcher, drills
root = Path({root!r})
selected = drills("one", "two")
made = dispatcher(root, 2, lambda text: print(text, flush=True))
made.begin(selected, "abc")
made.run(selected)
"""


def test_a_dispatcher_that_is_killed_takes_all_its_drills_along(tmp_path: Path) -> None:
    stage(tmp_path, {"one": "wait", "two": "wait"})
    child = subprocess.Popen(
        [sys.executable, "-c", DISPATCH.format(root=str(tmp_path))],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        ready = 0
        while ready < 2:
            line = child.stdout.readline()
            assert line, "it ended before both were ready"
            ready += "| ready" in line
        child.kill()
    records = (tmp_path / "run").glob
    await_("both notice that it is gone", lambda: len([*records("RB-*.json")]) == 2, 20)
