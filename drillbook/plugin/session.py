"""What all drills of one pytest process share: settings, connections, cluster, bound runbooks."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from drillbook.book import monitoring, reader
from drillbook.book.alert_rules import AlertRule
from drillbook.book.bind import Binder
from drillbook.book.sentences import DEFINITIONS
from drillbook.cluster.clients import Connections
from drillbook.cluster.connections import connections, runner
from drillbook.cluster.settings import Settings
from drillbook.drill import caps, guard
from drillbook.drill import environment as cluster
from drillbook.drill.backgrounds import neighbours_of
from drillbook.drill.live_drill import LiveDrill
from drillbook.drill.order import DrillOrder
from drillbook.drill.progress import Progress
from drillbook.evidence import accept, checkout, proof, records
from drillbook.evidence.judge import judged
from drillbook.evidence.redactor import Redactor
from drillbook.model import BoundRunbook, Control, Duration, Phase, Runbook
from drillbook.model.clock import SystemClock
from drillbook.model.errors import RunbookProblem


def with_whom(
    cluster: records.Cluster, settings: Settings, clients: Connections
) -> records.Cluster:
    """The cluster as the record has it: where the identities are not there and the override lets
    the runner do everything, it says so, whatever the runner may do."""
    overridden = clients.settings.kubeconfig == settings.kubeconfig
    return cluster.model_copy(update={"cluster_admin": True}) if overridden else cluster


@dataclass
class DrillSession:
    """Opened by `--drill`; refuses before anything is touched."""

    settings: Settings
    run: str
    folder: Path
    until: Phase = Phase.PREVENTION
    leave_standing: Duration | None = None
    thorough: bool = False
    attempt: int = 1
    redactor: Redactor = field(default_factory=Redactor)
    binder: Binder = field(init=False)

    def __post_init__(self) -> None:
        self.binder = Binder(DEFINITIONS)

    @cached_property
    def cluster(self) -> records.Cluster:
        return guard.admitted(self.settings, runner(self.settings))

    @cached_property
    def rules(self) -> dict[str, AlertRule]:
        return monitoring.load_alerts(self.settings.root, self.settings.environment)

    @cached_property
    def commit(self) -> str:
        return checkout.commit(self.settings.root)

    def bound(self, runbook: Runbook) -> BoundRunbook:
        """Raises RunbookProblem with every problem at once."""
        found, problems = self.binder.bind(runbook)
        if problems or found is None:
            raise RunbookProblem("\n".join(str(problem) for problem in problems))
        return found

    @cached_property
    def book(self) -> tuple[BoundRunbook, ...]:
        """Every runbook of the checkout that can be bound: lint says what is wrong with others."""
        runbooks, _ = reader.read_all(reader.discover(self.settings.root), self.settings.root)
        bound = (self.binder.bind(runbook) for runbook in runbooks)
        return tuple(one for one, problems in bound if one is not None and not problems)

    @cached_property
    def detected_s(self) -> dict[tuple[str, str], float]:
        """(runbook id, cause id) -> the slowest t4 - t0 among its accepted drills that count."""
        found: dict[tuple[str, str], float] = {}
        for (runbook, cause, _), drills in accept.newest(self.settings.proof).items():
            seen = [d.times.ttd_s for d in drills if judged(d) and d.times.ttd_s is not None]
            if seen:
                found[runbook, cause] = max(seen)
        return found

    def live_drill(self, runbook: Runbook, cause: str, control: Control) -> LiveDrill:
        """A drill that is ready to begin. Raises Refused, CouldNotTell or RunbookProblem."""
        bound, clock = self.bound(runbook), SystemClock()
        asked = (bound, *neighbours_of(bound, self.book))
        admitted = self.cluster
        caps.refuse_over_caps(self.settings, bound)
        guard.refuse_unseen(bound, self.rules)
        clients = connections(self.settings)
        alerts = dict.fromkeys(name for one in asked for name in one.runbook.alerts)
        guard.check_monitoring(self.settings, clients, self.rules, alerts)
        hashes = {
            (one.runbook.id, name): hashed
            for one in asked
            for name, hashed in proof.hashes(one, self.settings.root, self.rules).items()
        }
        order = DrillOrder(
            bound=bound,
            cause=cause,
            control=control,
            run=self.run,
            commit=self.commit,
            cluster=with_whom(admitted, self.settings, clients),
            rules=self.rules,
            skew_s=round(cluster.clock_skew_s(clients), 3),
            hash=hashes[runbook.id, cause],
            hashes=hashes,
            neighbours=asked[1:],
            detected_s=self.detected_s if control is Control.HEALTHY else {},
            thorough=self.thorough,
            until=self.until,
            leave_standing=self.leave_standing,
        )
        progress = Progress(clock, redactor=self.redactor)
        return LiveDrill(order, self.settings, clients, clock, progress, redactor=self.redactor)

    def write(self, drill: records.Drill) -> Path:
        numbered = drill.model_copy(update={"attempt": self.attempt})
        return records.write(numbered, self.folder)
