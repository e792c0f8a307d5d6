"""Who may have which node and until when: the order of journal, deed and undo. PLANNED (on the
disk), deed, APPLIED; back UNDOING, undo, verified, UNDONE, and the record goes. After a kill
between any two the next agent goes on."""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from drillbook.model.errors import CouldNotTell, DrillbookError, Refused, UndoFailed
from drillbook_staging.agent.change import ON_ITS_WAY_BACK, Change, Key, State, Verb, utc
from drillbook_staging.agent.journal import Journal
from drillbook_staging.agent.requests import AHEAD_S, Apply, refuse_expiry

RETRY_S = 3.0
"""Between two tries to undo."""

log = logging.getLogger("drillbook.agent")


class Host(Protocol):
    """The machine that the nodes run on. Its methods raise DrillbookError and OSError."""

    def nodes(self) -> tuple[str, ...]:
        """All nodes of the cluster, the first one first."""

    def lacks(self, node: str) -> list[str]:
        """What a node lacks to be whole, in words."""

    def change(self, verb: Verb, node: str) -> None:
        """Take it away; safe to repeat."""

    def restore(self, node: str) -> None:
        """Make it whole again, from whatever state it is in; safe to repeat."""


@dataclass(frozen=True)
class Clock:
    """Two clocks, since the first may be set and the second says no date."""

    wall: Callable[[], float]
    """UNIX seconds."""
    steady: Callable[[], float]
    """Seconds that never go back, and that count while the machine sleeps."""


class Keeper:
    """Everything that is changed at present. Its methods may be called from several threads."""

    def __init__(self, journal: Journal, host: Host, clock: Clock) -> None:
        """Go on from what the journal says. Raises OSError."""
        self._journal = journal
        self._host = host
        self._clock = clock
        self._guard = threading.Lock()
        """Held while the fields below and the journal are written; never during a deed."""
        self._deeds: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        """One deed at a time on a node."""
        self._changes: dict[Key, Change] = {}
        self._deadlines: dict[Key, float] = {}
        """On the steady clock."""
        self._not_before: dict[Key, float] = {}
        """When a failed undo is tried again, on the steady clock."""
        self._at_work: set[Key] = set()
        journal.clean()
        found = journal.read()
        self._unreadable = found.unreadable
        for change in found.changes:
            self._know(change)
            log.info("found in the journal: %s", change.told())
        for file in found.unreadable:
            log.error("%s cannot be read: no node is taken away until somebody has looked", file)

    def nodes(self) -> tuple[str, ...]:
        """Those that can be asked for: all but the first."""
        return self._host.nodes()[1:]

    def held(self) -> list[Change]:
        """The changes that are not undone."""
        with self._guard:
            return [self._changes[key] for key in sorted(self._changes)]

    def apply(self, asked: Apply) -> Change:
        """Take a node away; safe to repeat. Raises Refused when nothing was changed, CouldNotTell
        when it may have been: then it is undone like any other."""
        refuse_expiry(asked.expires, self._clock.wall())
        nodes = self._host.nodes()
        if asked.node not in nodes:
            raise Refused(f"no node {asked.node!r}; there are {', '.join(nodes) or 'none'}.")
        if asked.node == nodes[0]:
            raise Refused(
                f"{asked.node} carries the control plane, reaper and platform: never that one."
            )
        wanted = Change(**asked.model_dump(exclude={"do"}))
        with self._deeds[asked.node]:
            known = self._known(wanted) or self._plan(wanted)
            # Whoever waited here may have waited past its time; the undo comes next, and not we.
            if self._is_over(known):
                raise Refused(f"too late, its time is over: {known.told()}.")
            return known if known.state is State.APPLIED else self._make(known)

    def renew(self, drill: str, expires: float) -> list[Change]:
        """Let all of a drill's changes last until then. Raises Refused."""
        now = self._clock.wall()
        refuse_expiry(expires, now)
        with self._guard:
            mine = [each for each in self._changes.values() if each.drill == drill]
            if not mine:
                raise Refused(f"nothing of {drill} is held: it was undone, or never was.")
            for each in mine:
                if each.state in ON_ITS_WAY_BACK or self._is_over(each):
                    raise Refused(f"too late, this is being undone: {each.told()}.")
            renewed = [each.model_copy(update={"expires": expires}) for each in mine]
            for each in renewed:
                self._journal.write(each)
                self._know(each)
        log.info("%s renewed until %s", drill, utc(expires))
        return renewed

    def undo(self, drill: str) -> list[Change]:
        """Bring back all that a drill took, last first. Raises UndoFailed with what is left."""
        mine = sorted(
            (each for each in self.held() if each.drill == drill), key=lambda each: each.sequence
        )
        failures = [said for each in reversed(mine) if (said := self._undo(each.key))]
        if failures:
            raise UndoFailed("; ".join(failures) + f". It is tried again every {RETRY_S:g} s.")
        return mine

    def undo_what_is_over(self) -> list[threading.Thread]:
        """Begin to undo what has expired, and what was being undone; to be called every while."""
        with self._guard:
            keys = [key for key in self._changes if self._is_due(key)]
            self._at_work.update(keys)
        threads = [threading.Thread(target=self._expire, args=(k,), daemon=True) for k in keys]
        for thread in threads:
            thread.start()
        return threads

    def _expire(self, key: Key) -> None:
        try:
            self._undo(key)
        finally:
            with self._guard:
                self._at_work.discard(key)

    def _is_due(self, key: Key) -> bool:
        change = self._changes[key]
        waits = key in self._at_work or self._clock.steady() < self._not_before.get(key, 0.0)
        return not waits and (change.state in ON_ITS_WAY_BACK or self._is_over(change))

    def _is_over(self, change: Change) -> bool:
        """By either clock: a wall clock that is set back must not make a node stay away."""
        over = self._deadlines[change.key] <= self._clock.steady()
        return over or change.expires <= self._clock.wall()

    def _known(self, wanted: Change) -> Change | None:
        """The same change, if it was asked for before. Raises Refused."""
        with self._guard:
            known = self._changes.get(wanted.key)
        if known is None:
            return None
        if (known.verb, known.node) != (wanted.verb, wanted.node):
            raise Refused(f"change {wanted.sequence} of {wanted.drill} is another: {known.told()}.")
        if known.state in ON_ITS_WAY_BACK:
            raise Refused(f"too late, this is being undone: {known.told()}.")
        return known

    def _plan(self, wanted: Change) -> Change:
        """Write down what is to come. Raises Refused."""
        if self._unreadable:
            files = ", ".join(map(str, self._unreadable))
            raise Refused(f"the journal cannot be read: {files}. See what it is about, remove it.")
        for other in self.held():
            if other.node == wanted.node:
                raise Refused(f"somebody has it already: {other.told()}.")
        lacks = self._host.lacks(wanted.node)
        if lacks:
            raise Refused(f"{wanted.node} is not whole as it is: {', '.join(lacks)}.")
        try:
            with self._guard:
                self._journal.write(wanted)
                self._know(wanted)
        except OSError as error:
            raise Refused(
                f"the journal cannot be written, so nothing was changed: {error}. Make room on "
                "that disk, or make it writable."
            ) from error
        return wanted

    def _make(self, planned: Change) -> Change:
        log.info("%s %s, for %s until %s", *_words(planned), planned.drill, utc(planned.expires))
        try:
            self._host.change(planned.verb, planned.node)
            applied = self._update(planned.key, State.APPLIED)
        except (DrillbookError, OSError) as error:
            log.error("%s %s: %s", *_words(planned), error)
            raise CouldNotTell(
                f"{planned.verb} of {planned.node} may have been done in part: {error}. It is "
                f"undone at {utc(planned.expires)}, or when you ask."
            ) from error
        log.info("%s %s: done", *_words(planned))
        return applied

    def _undo(self, key: Key) -> str:
        """Undo one change; why that failed, else nothing."""
        node = self._node(key)
        if node is None:
            return ""
        with self._deeds[node]:
            if self._node(key) is None:
                return ""  # another thread was faster
            with self._guard:
                self._not_before[key] = self._clock.steady() + RETRY_S
            self._note(key, State.UNDOING)
            log.info("bringing back %s", self._changes[key].told())
            try:
                self._host.restore(node)
                lacks = self._host.lacks(node)
                if lacks:
                    raise UndoFailed(f"it lacks: {', '.join(lacks)}")
                self._note(key, State.UNDONE)
                with self._guard:
                    self._journal.remove(key)
                    self._changes.pop(key)
                    self._deadlines.pop(key)
                    self._not_before.pop(key, None)
                log.info("%s is back: whole, its record removed", node)
            except (DrillbookError, OSError) as error:
                log.error("%s is not back: %s", node, error)
                self._note(key, State.UNDOING, said=str(error))
                return f"{node} is not back: {error}"
        return ""

    def _node(self, key: Key) -> str | None:
        with self._guard:
            return self._changes[key].node if key in self._changes else None

    def _know(self, change: Change) -> None:
        left = min(change.expires - self._clock.wall(), AHEAD_S)
        self._changes[change.key] = change
        self._deadlines[change.key] = self._clock.steady() + left

    def _update(self, key: Key, state: State, said: str = "") -> Change:
        """Raises OSError; then the old state stands."""
        with self._guard:
            change = self._changes[key].model_copy(update={"state": state, "said": said})
            self._journal.write(change)
            self._changes[key] = change
        return change

    def _note(self, key: Key, state: State, said: str = "") -> None:
        """The same on the way back: a full disk must not keep a node away."""
        try:
            self._update(key, state, said)
        except OSError as error:
            log.error("the journal cannot be written: %s; going on", error)
            with self._guard:
                update = {"state": state, "said": said or str(error)}
                self._changes[key] = self._changes[key].model_copy(update=update)

    def rest(self) -> None:
        """Wait until nothing is being written, and let nothing be written any more."""
        self._guard.acquire()


def _words(change: Change) -> tuple[str, str]:
    return change.verb, change.node
