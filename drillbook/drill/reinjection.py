"""The prevention phase's "the fault is injected again", and what its outcome says.

blocked: refused by an admission, validation or quota rule; passes. absorbed: applied, seen as a
newer version, and its effect absent throughout the watch, by a source that looked since; passes.
took effect: FAILED. not applied (a missing right, 404, 409, 429, 5xx): ERROR.
"""

from datetime import timedelta

from drillbook.changes.faults import Applied, Injector, Outcome
from drillbook.drill.perform import Performer
from drillbook.model import Duration, Evidence, Fault, Verdict


def reinject(fault: Fault, injector: Injector, performer: Performer, watch_s: float) -> Evidence:
    """Take back what is still in place, inject again; judge. `watch_s`: seconds that the effect
    must stay away: t1 - t0 and two scrapes."""
    clock = performer.clock
    started, begin = clock.now(), clock.monotonic()
    taken = injector.take_back(fault)
    performer.clients.since = clock.now()
    applied = injector.inject(fault)
    verdict, outcome, observed = _judge(fault, applied, injector, performer, watch_s)
    if applied.outcome is Outcome.APPLIED:
        # The steps that follow are about what comes after the watch, not about what the old pods
        # still did while they ended.
        performer.clients.since = clock.now()
    took = timedelta(seconds=clock.monotonic() - begin)
    before = f"taken back first: {', '.join(taken)}; " if taken else ""
    seen = Evidence(
        verdict=verdict,
        expected="the fault is blocked, or applied without effect",
        observed=f"{before}{observed}",
        started=started,
        took=took,
        outcome=outcome,
    )
    return performer.clean(seen)


def _judge(
    fault: Fault, applied: Applied, injector: Injector, performer: Performer, watch_s: float
) -> tuple[Verdict, str, str]:
    if applied.outcome is Outcome.BLOCKED:
        return Verdict.PASSED, "blocked", applied.said
    if applied.outcome is Outcome.NOT_APPLIED:
        return Verdict.ERROR, "not applied", applied.said
    seen = performer.probe(fault.effect, Duration(f"{int(watch_s * 1000)}ms"), anew=True)
    if seen.verdict is Verdict.PASSED:
        return Verdict.FAILED, "took effect", f"{applied.said}; effect: {seen.observed}"
    if seen.verdict is Verdict.ERROR:
        return Verdict.ERROR, "not applied", f"{applied.said}; effect unknown: {seen.observed}"
    if not injector.recreated(fault):
        gone = f"{applied.said}; but no pod was recreated and began, so nothing could show it"
        return Verdict.ERROR, "not applied", gone
    quiet = f"{applied.said}; no effect in {watch_s:.0f} s: {seen.observed}"
    return Verdict.PASSED, "absorbed", quiet
