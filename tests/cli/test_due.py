"""Which drills are due, which a change made another, and one healthy drill on each Background."""

import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from drillbook.cli.due import Hashes, changed, due, hashes_at, tree_hashes
from drillbook.cli.selection import Selected, backgrounds, healthy_once, select
from drillbook.cluster.settings import Settings
from drillbook.evidence.records import Drill
from drillbook.model import BoundRunbook, Control, Phase, Verdict
from drillbook.model.errors import UsageError
from tests import runbook_examples as examples

BOUND = examples.runbook()
EVERY = select([BOUND.runbook], [], [])
OOM, CONFIG, HEALTHY = EVERY
HASHES = {"RB-APP-001": {"oom": "a" * 64, "config": "c" * 64, "all": "e" * 64}}
TODAY = date(2026, 11, 28)


def proven(one: Selected, day: int = 27, **changed: object) -> Drill:
    """It asked all that it asks, of causes as they are now."""
    phases = (Phase.DETECTION, Phase.DIAGNOSIS) if one.is_healthy else (Phase.DIAGNOSIS,)
    questions = tuple(
        examples.question(cause, phase=phase).model_copy(update={"hash": hash})
        for cause, hash in HASHES["RB-APP-001"].items()
        if cause not in ("all", one.cause)
        for phase in phases
    )
    made = examples.healthy() if one.is_healthy else examples.drill(one.cause)
    fields = {
        "hash": HASHES["RB-APP-001"][one.cause],
        "started": datetime(2026, 11, day, tzinfo=UTC),
        "questions": questions,
        **changed,
    }
    return made.model_copy(update=fields)


def asked(*drills: tuple[Selected, Drill], hashes: Hashes = HASHES) -> list[Selected]:
    proofs = {(d.runbook, s.cause, s.control): (d,) for s, d in drills}
    together = {one: list(hashes) for one in hashes}
    return due(EVERY, proofs, hashes, together, TODAY, days=20)


def test_never_drilled_comes_first_then_what_is_stale_then_what_ran_out() -> None:
    assert asked() == EVERY
    assert asked(*((one, proven(one)) for one in EVERY)) == []
    before = {"RB-APP-001": {**HASHES["RB-APP-001"], "oom": "0"}}
    assert changed(EVERY, HASHES, HASHES) == []
    assert changed(EVERY, HASHES, before) == [OOM]
    assert changed(EVERY, HASHES, {}) == EVERY
    old, stale = proven(OOM, day=7), proven(CONFIG, hash="0" * 64)
    assert asked((OOM, old), (CONFIG, stale)) == [HEALTHY, CONFIG, OOM]


@pytest.mark.parametrize(
    ("day", "more", "is_due"),
    [
        (8, {}, False),
        (7, {}, True),
        (27, {"verdict": Verdict.FAILED}, True),
        (27, {"partial": True}, True),
    ],
)
def test_a_proof_counts_to_its_last_day(day: int, more: dict[str, object], is_due: bool) -> None:
    others = ((one, proven(one)) for one in (CONFIG, HEALTHY))
    assert asked((OOM, proven(OOM, day, **more)), *others) == [OOM] * is_due


def test_a_repetition_does_not_better_what_failed() -> None:
    first = proven(OOM, verdict=Verdict.FAILED)
    again = proven(OOM, attempt=2, started=first.started + timedelta(hours=1))
    proofs = {("RB-APP-001", "oom", Control.PLAIN): (again, first)}
    assert due([OOM], proofs, HASHES, {"RB-APP-001": ["RB-APP-001"]}, TODAY, days=20) == [OOM]


def test_what_did_not_ask_a_new_neighbour_comes_last_and_what_a_neighbour_asked_counts() -> None:
    old = proven(HEALTHY, day=5)
    both = {**HASHES, "RB-APP-002": {"new": "b" * 64, "all": "f" * 64}}
    proofs = [(OOM, proven(OOM)), (CONFIG, proven(CONFIG)), (HEALTHY, old)]
    assert asked(*proofs, hashes=both) == [HEALTHY, OOM, CONFIG]
    own = proven(HEALTHY)
    named = [q.model_copy(update={"runbook": "RB-APP-001"}) for q in own.questions]
    theirs = {"runbook": "RB-APP-002", "hash": "f" * 64}
    one = own.model_copy(update={**theirs, "questions": tuple(named)})
    assert HEALTHY not in asked((HEALTHY, one), hashes=both)
    assert HEALTHY in asked((HEALTHY, own.model_copy(update=theirs)), hashes=both)


def test_the_tree_of_a_commit_is_hashed_by_this_engine(checkout: Path) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", *who, *words], cwd=checkout, check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "base")
    settings = Settings(root=checkout)
    before = hashes_at(settings, "HEAD")
    assert set(before["RB-SPARK-001"]) > {"driver-oom", "all"}
    feature = checkout / "features/spark/driver-crash-loop.feature"
    feature.write_text(feature.read_text().replace("within 3m", "within 170s", 1))
    assert hashes_at(settings, "HEAD") == before
    assert tree_hashes(settings) != before
    with pytest.raises(UsageError, match="not a commit of this checkout"):
        hashes_at(settings, "nowhere")
    (checkout / "steps/__init__.py").write_text("")
    git("commit", "-qam", "broken")
    with pytest.raises(UsageError, match="cannot bind the runbooks of that commit"):
        hashes_at(settings, "HEAD")


def other(id: str, bound: BoundRunbook = BOUND) -> BoundRunbook:
    tags = tuple(replace(t, value=id) if t.name == "id" else t for t in bound.runbook.tags)
    return replace(bound, runbook=replace(bound.runbook, tags=tags))


def test_one_healthy_drill_asks_every_runbook_on_its_background() -> None:
    same, alone = other("RB-APP-002"), examples.runbook(examples.cause(load=examples.workload("x")))
    bounds = [BOUND, same, other("RB-APP-003", alone)]
    assert [[b.runbook.id for b in group] for group in backgrounds(bounds)] == [
        ["RB-APP-001", "RB-APP-002"],
        ["RB-APP-003"],
    ]
    found = select([bound.runbook for bound in bounds], [], [Control.HEALTHY])
    kept, left_out = healthy_once(found, bounds)
    assert [one.runbook.id for one in kept] == ["RB-APP-001", "RB-APP-003"]
    assert len(left_out) == 1
    assert "on the same Background" in left_out[0]
    plain = select([bound.runbook for bound in bounds], [], [Control.PLAIN])
    assert healthy_once(plain, bounds) == (plain, [])
