"""Records -> Scorecard -> Markdown. Pure; every rate carries its denominator. Only valid drills are
judged, first attempts are the score, censored times are longest, and clusters are never pooled."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Final

from drillbook.evidence import templates
from drillbook.evidence.accept import node
from drillbook.evidence.confusion import Matrix, matrices
from drillbook.evidence.figures import Ratio, Spread, ratio, spread
from drillbook.evidence.judge import judged, phase_verdict, why_not_judged
from drillbook.evidence.proof_state import Proofs, lost, standings
from drillbook.evidence.records import Cluster, Drill
from drillbook.model import BoundRunbook, Control, Injection, Phase, Undo, Verdict
from drillbook.model.errors import UsageError

ACCURACY_TARGET: Final = 0.90
INVALID_CAP: Final = 0.10
OVERHEAD_TARGET: Final = 0.05
"""Fixed before any run. Sources: objective O1; evaluation.md, Verdicts; the first issue."""


@dataclass(frozen=True, kw_only=True)
class Flow:
    """How many drills of one control came how far; None: nothing to inject, or no manifest."""

    control: Control
    planned: int | None
    started: int
    injected: int | None
    confirmed: int | None
    judged: int


@dataclass(frozen=True, kw_only=True)
class Exclusion:
    """A drill that is in no rate, and why."""

    drill: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Detection:
    """Counts of valid drills: one for each fault, and one for each cause asked of healthy."""

    tp: int
    fn: int
    fp: int
    tn: int
    unknown: int
    """Valid drills and questions that could not tell."""

    @property
    def precision(self) -> Ratio:
        return Ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> Ratio:
        return Ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> Ratio:
        return Ratio(self.tn, self.tn + self.fp)


@dataclass(frozen=True, kw_only=True)
class CauseResult:
    """Whether a cause is proven, as its page says it; what is never drilled counts as not."""

    runbook: str
    cause: str
    missing: str
    """Empty when it is proven."""
    last_green: datetime | None

    @property
    def proven(self) -> bool:
        return not self.missing


def results(
    bound: BoundRunbook, proofs: Proofs, hashes: Mapping[str, str]
) -> tuple[CauseResult, ...]:
    """Every cause of a runbook. `hashes`: the present tree's, by cause and for `all`."""
    found, runbook = [], bound.runbook.id
    for one in standings(bound, proofs, hashes):
        drills = filter(judged, proofs.get((runbook, one.cause, Control.PLAIN), ()))
        green = max((d.started for d in drills if d.verdict is Verdict.PASSED), default=None)
        missing = f"{one.state}: {one.why}" if one.why else ""
        found.append(
            CauseResult(runbook=runbook, cause=one.cause, missing=missing, last_green=green)
        )
    return tuple(found)


def unwritten(runbook: str, cause: str) -> CauseResult:
    """A cause of the catalogue that no runbook has yet."""
    return CauseResult(runbook=runbook, cause=cause, missing="not written", last_green=None)


@dataclass(frozen=True, kw_only=True)
class Scorecard:
    """A run's or a month's figures."""

    runs: tuple[str, ...]
    commits: tuple[str, ...]
    clusters: tuple[Cluster, ...]
    engines: tuple[int, ...]
    versions: tuple[str, ...]
    started: datetime
    ended: datetime
    flow: tuple[Flow, ...]
    exclusions: tuple[Exclusion, ...]
    detection: Detection
    matrices: tuple[Matrix, ...]
    falsified: tuple[str, ...]
    remediation: Ratio
    ttd: Spread
    ttl: Spread
    ttr: Spread
    operation: Spread
    """From its operator's beginning to its end; nothing detects an operation's need."""
    fix: Spread
    within_rto: Ratio
    causes: tuple[CauseResult, ...]
    lost: tuple[str, ...]
    """Proofs of causes that no runbook has now."""
    accuracy: Ratio
    by_runbook: tuple[tuple[str, Ratio], ...]
    macro: float | None
    plain: Ratio
    invalid: Ratio
    undo_failures: Ratio
    refused: Ratio
    reruns: int
    flakes: Ratio
    advice: Ratio
    detection_overhead: Spread
    harness_overhead: float | None
    """The harness's share of all drills' wall time, 0..1."""

    @property
    def over_cap(self) -> bool:
        return self.invalid.share is not None and self.invalid.share > INVALID_CAP


def scorecard(
    drills: Sequence[Drill], causes: Sequence[CauseResult], planned: Sequence[str] | None = None
) -> Scorecard:
    """The figures of these records. `causes`: the catalogue's, by their `results`; `planned`: the
    manifests' node ids. Raises UsageError for none, or several clusters."""
    clusters = _clusters(drills)
    first = _first_attempts(drills)
    plain = [d for d in first if d.control is Control.PLAIN]
    fair = [d for d in plain if judged(d)]
    overheads = [d.times.detection_overhead_s for d in fair]
    incidents = [d for d in fair if d.times.begun is None]
    operations = [d for d in fair if d.times.begun is not None]
    named: dict[str, list[CauseResult]] = defaultdict(list)
    for one in causes:
        named[one.runbook].append(one)
    by_runbook = tuple((name, ratio([c.proven for c in ones])) for name, ones in named.items())
    return Scorecard(
        runs=_distinct(d.run for d in drills),
        commits=_distinct(d.commit for d in drills),
        clusters=clusters,
        engines=tuple(sorted({d.engine for d in drills})),
        versions=_distinct(f"{d.runbook} {d.runbook_version}" for d in drills),
        started=min(d.started for d in drills),
        ended=max(d.ended for d in drills),
        flow=tuple(_flow(control, first, planned) for control in Control),
        exclusions=_exclusions(first, planned),
        detection=_detection(first),
        matrices=matrices(first, {name: [c.cause for c in ones] for name, ones in named.items()}),
        falsified=_falsified(drills),
        remediation=_remediation(plain),
        ttd=spread([d.times.ttd_s for d in incidents]),
        ttl=spread([d.times.ttl_s for d in incidents if d.times.t4 is not None]),
        ttr=spread([_recovered(d, d.times.ttr_s) for d in incidents]),
        operation=spread([_recovered(d, d.times.ttr_s) for d in operations]),
        fix=spread([_recovered(d, d.times.fix_s) for d in fair if d.times.t6 is not None]),
        within_rto=_within_rto(fair),
        causes=tuple(causes),
        lost=lost(drills, {(one.runbook, one.cause) for one in causes}),
        accuracy=ratio([c.proven for c in causes]),
        by_runbook=by_runbook,
        macro=fmean(r.share for _, r in by_runbook if r.share is not None) if by_runbook else None,
        plain=ratio([d.verdict is Verdict.PASSED for d in fair]),
        invalid=ratio([*(not d.valid for d in first), *map(bool, _unrecorded(first, planned))]),
        undo_failures=ratio([d.undo is Undo.FAILED for d in drills]),
        refused=ratio([d.refused or d.injection is Injection.REFUSED for d in drills]),
        reruns=len(drills) - len(first),
        flakes=_flakes(drills),
        advice=_advice(plain),
        detection_overhead=spread([s for s in overheads if s is not None]),
        harness_overhead=_harness_overhead(drills),
    )


def markdown(card: Scorecard) -> str:
    """The scorecard as text."""
    targets = {"accuracy_target": ACCURACY_TARGET, "overhead_target": OVERHEAD_TARGET}
    return templates.fill("scorecard.md.j2", card=card, invalid_cap=INVALID_CAP, **targets)


def _clusters(drills: Sequence[Drill]) -> tuple[Cluster, ...]:
    if not drills:
        raise UsageError("no records to score. Run `drillbook drill`.")
    found = tuple(dict.fromkeys(d.cluster for d in drills if d.cluster is not None))
    # A staging cluster that was made anew has another UID, but is the same by its definition.
    if len({(cluster.environment, cluster.name) for cluster in found}) > 1:
        names = ", ".join(f"{c.name} of {c.environment} ({c.uid})" for c in found)
        raise UsageError(
            f"these records come from different clusters: {names}. Figures of different clusters "
            "are never pooled: score one cluster's runs at a time."
        )
    return found


def _first_attempts(drills: Sequence[Drill]) -> list[Drill]:
    """Of each run, cause and control the first attempt; the others are reruns."""
    found: dict[tuple[str, ...], Drill] = {}
    for drill in sorted(drills, key=lambda d: d.attempt):
        found.setdefault((drill.run, drill.runbook, drill.cause, drill.control), drill)
    return sorted(found.values(), key=lambda d: (d.started, d.name))


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(texts)))


def _flow(control: Control, first: Sequence[Drill], planned: Sequence[str] | None) -> Flow:
    drills = [d for d in first if d.control is control]
    applied = (Injection.CONFIRMED, Injection.NO_EFFECT)
    injects = control is not Control.HEALTHY
    return Flow(
        control=control,
        planned=None if planned is None else sum(p.endswith(f"--{control}") for p in planned),
        started=sum(not d.refused for d in drills),
        injected=sum(d.injection in applied for d in drills) if injects else None,
        confirmed=sum(d.injection is Injection.CONFIRMED for d in drills) if injects else None,
        judged=sum(judged(d) for d in drills),
    )


def _exclusions(first: Sequence[Drill], planned: Sequence[str] | None) -> tuple[Exclusion, ...]:
    found = [(f"{d.name} of {d.run}", why_not_judged(d)) for d in first if not judged(d)]
    missing = [(name, "planned, but it left no record") for name in _unrecorded(first, planned)]
    return tuple(Exclusion(drill=name, reason=why) for name, why in [*found, *missing])


def _unrecorded(first: Sequence[Drill], planned: Sequence[str] | None) -> list[str]:
    """Planned drills without a record: a crash is no reason to look better."""
    missing = Counter(planned or ())
    missing.subtract(map(node, first))
    return sorted(missing.elements())


def _detection(first: Sequence[Drill]) -> Detection:
    valid = [d for d in first if d.valid]
    seen = [phase_verdict(d, Phase.DETECTION) for d in valid if d.control is Control.PLAIN]
    asked = [q for d in valid if d.control is Control.HEALTHY for q in d.questions]
    held = [q.held for q in asked if q.phase is Phase.DETECTION]
    tp, fn = seen.count(Verdict.PASSED), seen.count(Verdict.FAILED)
    unknown = len(seen) - tp - fn + held.count(None)
    return Detection(tp=tp, fn=fn, fp=held.count(True), tn=held.count(False), unknown=unknown)


def _falsified(drills: Sequence[Drill]) -> tuple[str, ...]:
    held = ((d, q) for d in drills if d.valid for q in d.questions if q.held)
    return tuple(
        f"{q.runbook or d.runbook} {q.cause}: its {q.phase} holds in {d.cause} {d.control} "
        f"of {d.run}"
        for d, q in held
    )


def _remediation(plain: Sequence[Drill]) -> Ratio:
    verdicts = [phase_verdict(d, Phase.REMEDIATION) for d in plain if d.valid]
    return ratio([v is Verdict.PASSED for v in verdicts if v in (Verdict.PASSED, Verdict.FAILED)])


def _recovered(drill: Drill, seconds: float | None) -> float | None:
    """A recovery that did not last until the remediation's end is none."""
    held = phase_verdict(drill, Phase.REMEDIATION) is Verdict.PASSED
    return seconds if held else None


def _within_rto(fair: Sequence[Drill]) -> Ratio:
    times = [(_recovered(d, d.times.ttr_s), d.rto_s) for d in fair]
    return ratio([ttr is not None and ttr <= rto for ttr, rto in times if rto is not None])


def _harness_overhead(drills: Sequence[Drill]) -> float | None:
    wall = sum(d.cost.wall_s for d in drills)
    own = sum(d.cost.overhead_share * d.cost.wall_s for d in drills)
    return own / wall if wall > 0 else None


def _flakes(drills: Sequence[Drill]) -> Ratio:
    """Repeats at one commit that disagree with the first / all such repeats."""
    grouped: dict[tuple[str, ...], list[Drill]] = defaultdict(list)
    for d in sorted(drills, key=lambda d: (d.started, d.attempt)):
        if judged(d):
            grouped[d.runbook, d.cause, d.control, d.commit, d.hash].append(d)
    return ratio([d.verdict is not ds[0].verdict for ds in grouped.values() for d in ds[1:]])


def _advice(plain: Sequence[Drill]) -> Ratio:
    """Steps that only a person can do / all steps."""
    steps = (step for d in plain for scenario in d.scenarios for step in scenario.steps)
    return ratio([step.kind == "advice" for step in steps])
