"""One change to a node, as the journal holds it. Pure data."""

from datetime import UTC, datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from drillbook.changes.undo import record

DRILL_NAME = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
"""A drill is called as its namespace, hence a DNS label (RFC 1123); it becomes a file's name."""


class Verb(StrEnum):
    """All that the agent can do to a node."""

    KILL_NODE = record.Verb.KILL_NODE
    CUT_NETWORK = record.Verb.CUT_NETWORK


class State(StrEnum):
    """How far a change has come. Every one but UNDONE means: the node may be away."""

    PLANNED = "PLANNED"
    APPLIED = "APPLIED"
    UNDOING = "UNDOING"
    UNDONE = "UNDONE"
    """Undone and verified; the record is about to go."""


ON_ITS_WAY_BACK = (State.UNDOING, State.UNDONE)

Key = tuple[str, int]
"""A drill's name and the number of its change."""


class Change(BaseModel):
    """A change and its state."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    drill: str = Field(pattern=DRILL_NAME)
    sequence: int = Field(ge=0, lt=10**6)
    verb: Verb
    node: str
    expires: float = Field(allow_inf_nan=False)
    """UNIX seconds: from then on it is undone, whatever became of the drill."""
    state: State = State.PLANNED
    said: str = ""
    """Why the last try to undo it failed; empty when none did."""

    @property
    def key(self) -> Key:
        return self.drill, self.sequence

    def told(self) -> str:
        """In words."""
        failed = f"; its undo failed: {self.said}" if self.said else ""
        until = utc(self.expires)
        return f"{self.node} ({self.verb} by {self.drill}, {self.state}, until {until}{failed})"


def utc(seconds: float) -> str:
    """A moment, as people read it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
