"""What a page calls things: an alert leads to an incident's page, a person plans an operation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from drillbook.model import Phase, Runbook


@dataclass(frozen=True, kw_only=True)
class Words:
    """The words in which pages of the two kinds differ, as Markdown."""

    proven: str
    """How each cause was proven."""
    choose: str
    """The heading of the section that leads to a cause."""
    asked: tuple[Phase, ...]
    """The phases whose checks tell a cause there."""
    none: str
    """What to do when no cause holds."""
    none_plain: str
    cause: str
    phases: Mapping[Phase, str]
    gone: str
    """What it means when the detection does not hold."""
    meant: str
    """Which cluster is the right one."""
    compare: str
    """How to judge a name that was not found."""
    since: str
    """What a hand-over's first time is."""
    trend: str
    """What a row of times measures."""


INCIDENT: Final = Words(
    proven="put into a real cluster, found by its alert, and repaired",
    choose="Which cause is it",
    asked=(Phase.DIAGNOSIS,),
    none="[Escalate](#escalate).",
    none_plain="escalate",
    cause="Cause",
    phases={phase: phase.value.capitalize() for phase in Phase},
    gone="the alert may have cleared by itself",
    meant="the alert came from",
    compare="Compare the variables with your alert.",
    since="the alert fired",
    trend="from fault to recovery",
)

OPERATION: Final = Words(
    proven="made in a real cluster, seen by its check, and met",
    choose="When to do it",
    asked=(Phase.DETECTION, Phase.DIAGNOSIS),
    none="It is not needed, or would not help.",
    none_plain="not needed, or no help",
    cause="Need",
    phases={
        Phase.DETECTION: "Is it needed",
        Phase.DIAGNOSIS: "What would it do",
        Phase.REMEDIATION: "Do it",
        Phase.PREVENTION: "What keeps it so",
    },
    gone="it is not needed now",
    meant="you mean",
    compare="Compare the variables with what you meant.",
    since="you began",
    trend="from its beginning to its end",
)


def words_of(runbook: Runbook) -> Words:
    return OPERATION if runbook.is_operation else INCIDENT
