"""What all drills of one pytest process share: settings, connections, cluster, bound runbooks."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from drillbook import checkout, guard, monitoring, proof, records
from drillbook.bind import Binder
from drillbook.clock import SystemClock
from drillbook.errors import RunbookProblem
from drillbook.incident import Incident
from drillbook.model import BoundRunbook, Control, Duration, Phase, Runbook
from drillbook.monitoring import AlertRule
from drillbook.plan import Plan
from drillbook.progress import Progress
from drillbook.settings import Settings
from drillbook.sources import cluster
from drillbook.sources.clients import Connections, context_name
from drillbook.steps import DEFINITIONS


def connections(settings: Settings) -> Connections:
    """Fresh connections with the variables that every drill has."""
    return Connections(
        settings,
        {
            "CONTEXT": context_name(settings),
            "PROMETHEUS": settings.prometheus_url or "",
            "ALERTMANAGER": settings.alertmanager_url or "",
        },
    )


@dataclass
class DrillSession:
    """Opened by `--drill`; refuses before anything is touched."""

    settings: Settings
    run: str
    folder: Path
    until: Phase = Phase.PREVENTION
    keep: Duration | None = None
    binder: Binder = field(init=False)

    def __post_init__(self) -> None:
        self.binder = Binder(DEFINITIONS)

    @cached_property
    def cluster(self) -> records.Cluster:
        return guard.admitted(self.settings, connections(self.settings))

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

    def incident(self, runbook: Runbook, cause: str, control: Control) -> Incident:
        """A drill that is ready to begin. Raises Refused, CouldNotTell or RunbookProblem."""
        bound, clients, clock = self.bound(runbook), connections(self.settings), SystemClock()
        admitted = self.cluster
        guard.check_monitoring(self.settings, clients, self.rules, runbook.alerts)
        plan = Plan(
            bound=bound,
            cause=cause,
            control=control,
            run=self.run,
            commit=self.commit,
            cluster=admitted,
            rules=self.rules,
            skew_s=round(cluster.clock_skew_s(clients), 3),
            hash=proof.hash_of(bound, cause, self.settings.root, self.rules),
            until=self.until,
            keep=self.keep,
        )
        return Incident(
            plan=plan,
            settings=self.settings,
            clients=clients,
            clock=clock,
            progress=Progress(clock),
        )

    def write(self, drill: records.Drill) -> Path:
        return records.write(drill, self.folder)
