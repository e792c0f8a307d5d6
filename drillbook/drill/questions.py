"""Phases that should not hold here, asked side by side in the background: others' diagnoses in a
plain drill, all in `healthy`. They only read; a shared probe is asked once."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from drillbook.model import Advice, BoundScenario, BoundStep, Evidence, Phase, Probe, Verdict
from drillbook.model.clock import Stopped
from drillbook.model.errors import DrillbookError

MOST = 256
"""Questions at once: one that had to wait for its thread would be asked for a shorter time."""


class Asks(Protocol):
    """What a question needs of a performer."""

    def probe(self, probe: Probe) -> Evidence: ...

    def advice(self, advice: Advice) -> Evidence: ...


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One scenario that was asked, and what each of its steps saw (None: not reached)."""

    runbook: str
    cause: str
    bound: BoundScenario
    seen: tuple[Evidence | None, ...]

    @property
    def phase(self) -> Phase:
        return self.bound.scenario.phase or Phase.DETECTION

    @property
    def reading_s(self) -> float:
        """Seconds that went into reading, not into waiting between two reads."""
        return sum((e.took - e.waited).total_seconds() for e in self.seen if e is not None)

    @property
    def held(self) -> bool | None:
        """Whether every step held; None when one could not tell, or a person would have to."""
        verdicts = [Verdict.NOT_RUN if e is None else e.verdict for e in self.seen]
        if Verdict.FAILED in verdicts:
            return False
        return True if all(v is Verdict.PASSED for v in verdicts) else None


class Questions:
    """A set of questions, each in a thread of its own."""

    def __init__(self, performer: Asks) -> None:
        self._performer = performer
        self._pool = ThreadPoolExecutor(MOST, thread_name_prefix="question")
        self._lock = threading.Lock()
        self._shared: dict[Probe, Future[Evidence]] = {}
        self._asked: list[tuple[str, str, BoundScenario, Future[tuple[Evidence | None, ...]]]] = []

    def ask(self, runbook: str, cause: str, scenarios: Sequence[BoundScenario]) -> None:
        for bound in scenarios:
            answer = self._pool.submit(self._scenario, bound.steps)
            self._asked.append((runbook, cause, bound, answer))

    def watch(self, probe: Probe) -> Future[Evidence | None]:
        """One probe beside the questions, for its own `within`. None: the drill ended before."""
        return self._pool.submit(self._watched, probe)

    def _watched(self, probe: Probe) -> Evidence | None:
        try:
            return self._once(probe)
        except Stopped:
            return None
        except Exception as error:  # noqa: BLE001 - a thread's surprise is unknown, not a crash
            return self._surprise(error)

    def answers(self) -> tuple[Asked, ...]:
        """Wait for every answer, in the order of asking."""
        found = tuple(
            Asked(runbook=of, cause=cause, bound=one, seen=future.result())
            for of, cause, one, future in self._asked
        )
        self._pool.shutdown(wait=True)
        return found

    def _scenario(self, steps: Sequence[BoundStep]) -> tuple[Evidence | None, ...]:
        seen: list[Evidence | None] = [None] * len(steps)
        for place, step in enumerate(steps):
            try:
                evidence = self._step(step)
            except Stopped:
                break
            except Exception as error:  # noqa: BLE001 - a thread's surprise is unknown, not a crash
                evidence = self._surprise(error)
            seen[place] = evidence
            if evidence.verdict not in (Verdict.PASSED, Verdict.MANUAL):
                break
        return tuple(seen)

    def _step(self, step: BoundStep) -> Evidence:
        if isinstance(step.value, Advice):
            return self._performer.advice(step.value)
        if not isinstance(step.value, Probe):
            raise DrillbookError(
                f"line {step.step.line}: a detection or diagnosis step must only read; "
                f"{step.step.text!r} returns a {type(step.value).__name__}. `drillbook lint` says "
                "the same."
            )
        return self._once(step.value)

    def _surprise(self, error: Exception) -> Evidence:
        return Evidence(
            verdict=Verdict.ERROR,
            expected="an answer",
            observed=f"{type(error).__name__}: {error}",
            started=datetime.now(UTC),
        )

    def _once(self, probe: Probe) -> Evidence:
        with self._lock:
            first = probe not in self._shared
            if first:
                self._shared[probe] = Future()
            future = self._shared[probe]
        if first:
            try:
                future.set_result(self._performer.probe(probe))
            except BaseException as error:
                future.set_exception(error)
                raise
        return future.result()
