"""The undo runs whatever raises, and what went wrong is a record. Nobody is at home at any server:
the namespace is a stand-in that notes what is asked of it."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drillbook.book import checkout as book
from drillbook.book import reader
from drillbook.book.bind import Binder
from drillbook.book.monitoring import load_alerts
from drillbook.cluster import settings
from drillbook.cluster.clients import Connections
from drillbook.drill.live_drill import LiveDrill, StepNotPassed
from drillbook.drill.order import DrillOrder
from drillbook.drill.printed import Shown
from drillbook.drill.progress import Progress
from drillbook.evidence import records
from drillbook.model import (
    Advice,
    BoundRunbook,
    Control,
    Duration,
    Injection,
    Phase,
    Tag,
    Undo,
    Verdict,
)
from drillbook.model.clock import Clock, SystemClock
from drillbook.model.errors import CouldNotTell, DrillbookError, Refused, UndoFailed
from tests.cli.test_follow import Gone
from tests.drill.test_perform import HandClock

NOBODY = "http://127.0.0.1:9"
FEATURE = "features/spark/driver-crash-loop.feature"


class Namespace:
    """Stands for the drill's namespace and for its custody. Notes what is asked of it; raises what
    it was given for a verb."""

    name = "drill-x"
    lost = ""

    def held_for_s(self) -> float:
        return 3600.0

    def __init__(self, **raises: BaseException) -> None:
        self.asked: list[str] = []
        self._raises = raises

    def __getattr__(self, verb: str) -> Any:
        def answer(*words: Any) -> tuple[str, ...]:
            self.asked.append(verb)
            if verb in self._raises:
                raise self._raises[verb]
            return ()

        return answer


def order_of(bound: BoundRunbook, cause: str, **changed: Any) -> DrillOrder:
    """A plain drill's on some cluster."""
    given: dict[str, Any] = {
        "bound": bound,
        "cause": cause,
        "control": Control.PLAIN,
        "run": "r",
        "commit": "abc",
        "cluster": records.Cluster(uid="u", name="n", version="v", environment="staging"),
        "rules": {},
        "skew_s": 0.0,
        "hash": "0" * 64,
    }
    return DrillOrder(**{**given, **changed})


@pytest.fixture
def order(request: pytest.FixtureRequest) -> DrillOrder:
    root = request.config.rootpath
    bound, _ = Binder(book.definitions(root)).bind(reader.read(root / FEATURE, root))
    assert bound is not None
    return order_of(bound, "driver-oom", rules=load_alerts(root, "staging"))


def incident(
    order: DrillOrder, namespace: Namespace, stream: Any = None, clock: Clock | None = None
) -> LiveDrill:
    quick = settings.Settings(
        root=Path.cwd(), poll_s=0.05, scrape_s=0.1, probe_within="200ms", steady_within="200ms"
    )
    clock = clock or SystemClock()
    values = {"CONTEXT": "c", "PROMETHEUS": NOBODY, "ALERTMANAGER": NOBODY}
    found = LiveDrill(
        order=order,
        settings=quick,
        clients=Connections(quick, values),
        clock=clock,
        progress=Progress(clock, stream=stream or io.StringIO()),
    )
    found.namespace = namespace  # type: ignore[assignment]
    found.custody = namespace  # type: ignore[assignment]
    return found


def begun_and_ended(found: LiveDrill) -> records.Drill:
    with pytest.raises((DrillbookError, KeyboardInterrupt, RuntimeError)):
        found.begin()
    return found.end()


@pytest.mark.parametrize(
    "error", [CouldNotTell("no answer"), RuntimeError("surprise"), KeyboardInterrupt()]
)
@pytest.mark.parametrize("verb", ["create", "apply"])
def test_the_undo_always_runs(order: DrillOrder, verb: str, error: BaseException) -> None:
    namespace = Namespace(**{verb: error})
    record = begun_and_ended(incident(order, namespace))
    assert namespace.asked[-1] == "close"
    assert (record.undo, record.valid) == (Undo.VERIFIED, False)
    assert record.interrupted is isinstance(error, KeyboardInterrupt)


def test_monitoring_that_is_not_there_is_an_error_and_undone(order: DrillOrder) -> None:
    namespace = Namespace()
    record = begun_and_ended(incident(order, namespace))
    read, asked = "secret_values", namespace.asked
    assert asked == ["open", "create", read, "apply", read, read, "close"]
    assert (record.verdict, record.injection) == (Verdict.ERROR, Injection.NONE)
    assert "no steady state" in record.reason


def test_an_operation_s_clock_begins_with_its_operator(order: DrillOrder) -> None:
    tags = (*order.bound.runbook.tags, Tag(name="kind", value="operation", line=1))
    runbook = replace(order.bound.runbook, tags=tags)
    planned = replace(order, bound=replace(order.bound, runbook=runbook))
    for one, begun in ((order, False), (planned, True)):
        found = incident(one, Namespace())
        for scenario in one.scenarios[:1]:
            found.enter(scenario.scenario.line)
        assert ("begun" in found.recorder.moments) is begun


def test_what_the_harness_takes_itself_is_not_waiting(order: DrillOrder) -> None:
    clock = HandClock()

    class Slow(Namespace):
        """Making the namespace and undoing take ten seconds of requests each."""

        def create(self, *words: Any) -> None:
            clock.seconds += 10

        def close(self) -> None:
            clock.seconds += 10

    cost = begun_and_ended(incident(order, Slow(), clock=clock)).cost
    assert (cost.wall_s - cost.waiting_s, cost.commands_s) == (pytest.approx(20.0), 0.0)


def test_neither_a_closed_terminal_nor_unreadable_secrets_skip_the_undo(order: DrillOrder) -> None:
    namespace = Namespace()
    begun_and_ended(incident(order, namespace, stream=Gone()))
    assert namespace.asked[-1] == "close"
    namespace = Namespace(secret_values=CouldNotTell("HTTP 403"))
    record = begun_and_ended(incident(order, namespace))
    assert ("apply" in namespace.asked, namespace.asked[-1]) == (False, "close")
    assert (record.verdict, records.exit_code([record])) == (Verdict.ERROR, 4)


def test_a_refusal_before_anything_was_changed_is_a_refusal(order: DrillOrder) -> None:
    namespace = Namespace(open=Refused("another drill holds it"))
    record = begun_and_ended(incident(order, namespace))
    assert namespace.asked == ["open"]
    assert (record.refused, record.injection) == (True, Injection.REFUSED)
    assert (record.undo, records.exit_code([record])) == (Undo.NOT_NEEDED, 3)


@pytest.mark.parametrize("error", [UndoFailed("pod/x is left"), ValueError("no JSON")])
def test_an_undo_that_raises_is_an_undo_that_failed(order: DrillOrder, error: Exception) -> None:
    record = begun_and_ended(incident(order, Namespace(close=error)))
    assert (record.undo, record.left) == (Undo.FAILED, (str(error),))
    assert records.exit_code([record]) == 5


@pytest.mark.parametrize(
    ("raises", "asked", "undo"),
    [({}, ["keep"], Undo.KEPT), ({"keep": CouldNotTell("no")}, ["keep", "close"], Undo.VERIFIED)],
)
def test_what_was_asked_for_is_kept_unless_it_cannot_be_given_an_expiry(
    order: DrillOrder, raises: dict[str, Any], asked: list[str], undo: Undo
) -> None:
    kept = DrillOrder(**{**vars(order), "leave_standing": Duration("30m")})
    namespace = Namespace(**raises)
    record = begun_and_ended(incident(kept, namespace))
    assert (namespace.asked[-len(asked) :], record.undo) == (asked, undo)


def test_a_surprise_in_a_step_is_an_error_that_ends_the_drill(order: DrillOrder) -> None:
    found = incident(order, Namespace())
    line = order.scenarios[0].steps[0].step.line

    def surprise(step: Any) -> Any:
        raise RuntimeError("surprise")

    found._perform = surprise  # type: ignore[method-assign]
    found.select(line)
    with pytest.raises(StepNotPassed, match="surprise"):
        found.perform_current_step()
    record = found.end()
    assert (found.failed, record.verdict) == (True, Verdict.ERROR)
    assert record.scenarios[0].steps[0].verdict is Verdict.ERROR
    assert {s.verdict for s in record.scenarios[1:]} == {Verdict.NOT_RUN}


def test_a_lying_effect_line_is_an_error_where_every_step_that_was_asked_for_passed(
    order: DrillOrder,
) -> None:
    found = incident(replace(order, until=Phase.DETECTION), Namespace())
    for step in order.scenarios[0].steps:
        seen = replace(found.performer.advice(Advice("seen")), verdict=Verdict.PASSED)
        found.recorder.evidence[step.step.line] = seen
    lie = Shown(command="kubectl", verdict=Verdict.FAILED, printed="1", why="it does not show it")
    found.printed.settle = lambda: {"effect": lie}  # type: ignore[method-assign]
    record = found.end()
    assert [one.verdict for one in record.scenarios] == [Verdict.PASSED]
    assert (record.verdict, records.exit_code([record])) == (Verdict.ERROR, 4)


def test_a_printed_line_that_lies_fails_before_anything_is_changed(order: DrillOrder) -> None:
    found = incident(order, Namespace())
    read, change = (order.scenarios[n].steps[0].step.line for n in (0, 2))
    lie = Shown(command="curl", verdict=Verdict.FAILED, printed="[]", why="it does not show it")
    found.recorder.evidence[read] = found.performer.advice(Advice("seen"))
    found.printed.settle = lambda: {read: lie}  # type: ignore[method-assign]
    found.select(change)
    with pytest.raises(StepNotPassed, match="would have lied"):
        found.perform_current_step()
    record = found.end()
    step = record.scenarios[0].steps[0]
    assert (step.verdict, step.printed, record.verdict) == (Verdict.FAILED, "[]", Verdict.FAILED)
    assert record.scenarios[2].steps[0].verdict is Verdict.NOT_RUN
