"""The reaper's rounds: show that it lives, answer new drills, end dead ones. A round costs one list
when nothing happens; between two rounds it waits for a lease to change."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from drillbook.changes.reaper.metrics import Metrics
from drillbook.changes.undo import lease as leases
from drillbook.changes.undo import stops
from drillbook.changes.undo.lease import ACKNOWLEDGED, DECLINED, MAX_SKEW_S, Lease
from drillbook.changes.undo.reaping import Reaping, dead
from drillbook.changes.undo.record import HOST_VERBS, Verb, stamp
from drillbook.model.clock import Clock
from drillbook.model.errors import CouldNotTell, UndoFailed

SIGN_EVERY_S = 10.0
SIGN_LASTS_S = 30
AT_ONCE = 8
"""Drills that are undone side by side: a node that is slow to return holds up no other."""

Lacks = Callable[[Verb], str]
"""What keeps the reaper from undoing such a change outside of the drill's namespace."""
Say = Callable[[str], None]


@dataclass
class Reaper:
    """One process's."""

    reaping: Reaping
    clock: Clock
    lacks: Lacks
    metrics: Metrics
    say: Say
    _signed: float = field(default=float("-inf"), init=False)
    _at_work: dict[str, Future[None]] = field(default_factory=dict, init=False)
    _pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(AT_ONCE), init=False
    )

    def round(self) -> float:
        """One look at every drill; returns the seconds until the next. Raises CouldNotTell."""
        self._give_sign()
        now = self.clock.now()
        found, unreadable = leases.readable(self.reaping.objects, self.reaping.namespace)
        for why in unreadable:
            self.say(f"not reaped, somebody must look: {why}")
        for lease in (*dead(found, now), *self._kept_in_a_halt(found)):
            self._start(lease.name, partial(self.reaping.reap, lease))
        for lease in found:
            if not (lease.acknowledged or lease.declined or lease.expired(now)):
                self._answer(lease, now)
        for name in self.reaping.orphans():
            self._start(name, partial(self.reaping.end, name))
        self.metrics.saw(found, self._busy())
        held = [one for one in found if one.name not in self._busy()]
        ends = [(one.ends - now).total_seconds() for one in held]
        # A moment after the end: a lease that ends now is not past it.
        return max(0.2, min([SIGN_EVERY_S, *(end + 0.05 for end in ends)]))

    def _kept_in_a_halt(self, found: Sequence[Lease]) -> list[Lease]:
        """A halt ends incidents that were left standing, too."""
        kept = [one for one in found if one.kept]
        halted = kept and stops.halted(self.reaping.objects, self.reaping.namespace)
        return kept if halted else []

    def _give_sign(self) -> None:
        at = self.clock.monotonic()
        if at - self._signed >= SIGN_EVERY_S:
            by, now = self.reaping, self.clock.now()
            leases.give_sign_of_life(by.objects, by.namespace, by.holder, now, SIGN_LASTS_S)
            self._signed = at

    def _answer(self, lease: Lease, now: datetime) -> None:
        """Acknowledge a drill, or say why it could not be undone."""
        why = no_answer(lease) or "; ".join(filter(None, map(self.lacks, lease.verbs)))
        heard = f"{self.reaping.holder} {stamp(now)}"
        key, value = (DECLINED, why) if why else (ACKNOWLEDGED, heard)
        try:
            leases.annotate(self.reaping.objects, lease, key, value)
        except CouldNotTell:
            return  # renewed or gone meanwhile; the next round, which that began, answers
        self.say(f"{lease.name}: {'declined: ' + why if why else 'acknowledged'}")

    def _start(self, name: str, undo: Callable[[], object]) -> None:
        """In the background; one at a time for each drill."""
        if name in self._busy():
            return
        self.say(f"{name}: nobody answers for it; undoing")
        self._at_work[name] = self._pool.submit(self._undo, name, undo)

    def _busy(self) -> set[str]:
        return {name for name, work in self._at_work.items() if not work.done()}

    def _undo(self, name: str, undo: Callable[[], object]) -> None:
        try:
            if undo() is False:
                self.say(f"{name}: it was renewed meanwhile")
                return
        except UndoFailed as error:
            self.metrics.failed.inc()
            self.say(f"{name}: UNDO FAILED, the cluster is in quarantine; left: {error}")
        except CouldNotTell as error:
            self.say(f"{name}: could not be told, tried again: {error}")
        except Exception as error:  # noqa: BLE001 - nobody reads this thread's end: it must say it
            self.metrics.failed.inc()
            self.say(f"{name}: a mistake of the reaper's own, tried again: {error!r}")
        else:
            self.metrics.undone.inc()
            self.say(f"{name}: undone, verified")


def no_answer(lease: Lease) -> str:
    """Why a lease's stamps cannot be compared with the cluster's; empty when they can. Pure."""
    if abs(lease.skew_s) <= MAX_SKEW_S:
        return ""
    return (
        f"its clock and the cluster's differ by {lease.skew_s:.0f} s. Set both (chrony, ntpd), or "
        "nobody can say when its lease has expired"
    )


def rights_for(verb: Verb) -> tuple[tuple[str, str, str], ...]:
    """(verb, group, plural) of what an inverse takes outside of the drill's namespace. Pure."""
    if verb is Verb.CREATE:
        return (("delete", "", "namespaces"),)
    if verb is Verb.CORDON:
        return (("get", "", "nodes"), ("patch", "", "nodes"))
    if verb in HOST_VERBS:
        # The agent on the host does it; the reaper sees whether it is done.
        return (("get", "", "nodes"),)
    return ()
