"""Which drill is run, and what it is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from drillbook.book.alert_rules import AlertRule, floor_s
from drillbook.cluster.settings import Settings
from drillbook.evidence import records
from drillbook.evidence.proof import ALL
from drillbook.model import BoundCause, BoundRunbook, BoundScenario, Control, Duration, Phase, Probe
from drillbook.model.matchers import Firing
from drillbook.sources import FiringAlert


@dataclass(frozen=True, kw_only=True)
class DrillOrder:
    """One drill before it runs."""

    bound: BoundRunbook
    cause: str
    """A cause's id, or `all`."""
    control: Control
    run: str
    commit: str
    cluster: records.Cluster
    rules: dict[str, AlertRule]
    skew_s: float
    hash: str
    """Of what is drilled, taken before it is."""
    until: Phase = Phase.PREVENTION
    leave_standing: Duration | None = None
    neighbours: tuple[BoundRunbook, ...] = ()
    """The other runbooks that stand on the same Background: they are asked here too."""
    hashes: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(runbook id, cause id) -> what is asked, of every cause that stands on this Background."""
    detected_s: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Of this Background, by ids: seconds from fault to alert of the slowest accepted drill."""
    thorough: bool = False
    """Other causes are asked for their whole `within`."""

    @property
    def cause_bound(self) -> BoundCause | None:
        return None if self.cause == ALL else self.bound.cause(self.cause)

    @property
    def scenarios(self) -> tuple[BoundScenario, ...]:
        """What a plain drill performs, in the file's order."""
        phases = list(Phase)[: list(Phase).index(self.until) + 1]
        bound = self.cause_bound
        return () if bound is None else tuple(s for p in phases for s in bound.of(p))

    @property
    def asked(self) -> tuple[tuple[str, BoundCause], ...]:
        """Every other cause on this Background, behind its runbook's id: the own first."""
        every = ((b.runbook.id, c) for b in (self.bound, *self.neighbours) for c in b.causes)
        own = (self.bound.runbook.id, self.cause)
        return tuple((of, c) for of, c in every if (of, c.cause.id) != own)

    @property
    def asked_alerts(self) -> tuple[FiringAlert, ...]:
        """Every alert by which a runbook that is asked here would notice a fault, once."""
        causes = (cause for bound in (self.bound, *self.neighbours) for cause in bound.causes)
        steps = (step for c in causes for one in c.of(Phase.DETECTION) for step in one.steps)
        probes = (step.value for step in steps if isinstance(step.value, Probe))
        sources = (probe.source for probe in probes if isinstance(probe.expect, Firing))
        found = (source for source in sources if isinstance(source, FiringAlert))
        return tuple(dict.fromkeys(found))

    @property
    def is_healthy(self) -> bool:
        """Whether this is the control that asks every cause of a system without a fault."""
        return self.cause == ALL

    def floor_s(self, settings: Settings) -> float | None:
        """Scrape, evaluation and `for` of its first alert, in seconds; None without an alert."""
        for alert in self.bound.runbook.alerts:
            return floor_s(self.rules[alert], settings.scrape_s, settings.evaluation_s)
        return None
