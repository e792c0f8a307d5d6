"""The vocabulary of tags: where each may stand and what it may say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from drillbook.model import DURATION_PATTERN, Phase
from drillbook.model.domains import DOMAIN


class Level(StrEnum):
    """What a tag stands above, as a message names it."""

    RUNBOOK = "the Feature"
    CAUSE = "a Rule"
    SCENARIO = "a Scenario"


@dataclass(frozen=True, kw_only=True)
class TagSpec:
    """One tag of the vocabulary."""

    levels: tuple[Level, ...] = (Level.RUNBOOK,)
    value: str = ""
    """A regular expression for the whole value; empty: the tag has none."""
    example: str
    """A tag as it should be written, with a word on what is meant."""
    required: bool = False
    """Every runbook has it, above its Feature."""
    repeated: bool = False
    """It may stand there more than once."""

    def accepts(self, value: str) -> bool:
        return re.fullmatch(self.value, value, re.ASCII) is not None


KEBAB = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_NUMBER = r"(?:0|[1-9]\d*)"

TAGS: Mapping[str, TagSpec] = {
    "id": TagSpec(
        value=r"RB-[A-Z][A-Z0-9]*-\d{3}",
        example="@id:RB-SPARK-001, an area in capitals and three digits",
        required=True,
    ),
    "version": TagSpec(
        value=rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-[0-9A-Za-z.-]+)?",
        example="@version:1.0.0, a semantic version",
        required=True,
    ),
    "owner": TagSpec(
        value=r"[A-Za-z0-9][\w./-]*",
        example="@owner:data-platform, the team that answers for it",
        required=True,
    ),
    "severity": TagSpec(value="P[0-4]", example="@severity:P1, one of P0 to P4", required=True),
    "rto": TagSpec(
        value=rf"(?=\d*[1-9]){DURATION_PATTERN}",
        example="@rto:15m, a duration above zero: a number and ms, s, m, h or d",
        required=True,
    ),
    "domain": TagSpec(
        value=DOMAIN,
        example="@domain:cluster/namespace, what a drill may break, as a path: the drill's own "
        "namespace; or cluster/node/2, cluster/postgres, cluster",
        required=True,
    ),
    "alert": TagSpec(
        value=r"[^\s@]+",
        example="@alert:SparkDriverCrashLoop, a rule's name",
        repeated=True,
    ),
    "kind": TagSpec(value="operation", example="@kind:operation, for a planned operation"),
    "cause": TagSpec(
        levels=(Level.RUNBOOK, Level.CAUSE),
        value=KEBAB,
        example="@cause:driver-oom, in small letters with hyphens; it is kept for life",
    ),
    **{
        phase.value: TagSpec(levels=(Level.SCENARIO,), example=f"@{phase}, without a value")
        for phase in Phase
    },
}
"""By name. The plugin registers each as a mark."""
