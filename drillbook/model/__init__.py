"""The product's nouns as frozen data: no I/O, nothing of ours outside this package. What authors of
steps and fixtures use is named here."""

from drillbook.model.answers import Absent, AlertState, Answer, Matcher, Reading, Source
from drillbook.model.bound import BoundCause, BoundRunbook, BoundScenario, BoundStep
from drillbook.model.changes import (
    Change,
    Cordon,
    Create,
    CutNode,
    Delete,
    KillNode,
    Manifest,
    NodeChange,
    Patch,
    Restart,
    Scale,
    Target,
)
from drillbook.model.seen import Control, Evidence, Injection, Undo, Verdict
from drillbook.model.text import (
    PHASES,
    Cause,
    Phase,
    Problem,
    Runbook,
    Scenario,
    Step,
    Tag,
    page_of,
)
from drillbook.model.values import (
    Action,
    Advice,
    Fault,
    Name,
    Probe,
    Reinject,
    Risk,
    Saved,
    Value,
    Where,
    Workload,
)
from drillbook.model.words import (
    DURATION_PATTERN,
    Command,
    Duration,
    Joined,
    Values,
    Var,
    Word,
    command,
    join,
    parts_of,
    resolve,
    shell,
)

# fmt: off
__all__ = [
    "DURATION_PATTERN", "PHASES", "Absent", "Action", "Advice", "AlertState", "Answer",
    "BoundCause", "BoundRunbook", "BoundScenario", "BoundStep", "Cause", "Change", "Command",
    "Control", "Cordon", "Create", "CutNode", "Delete", "Duration", "Evidence", "Fault",
    "Injection", "Joined", "KillNode", "Manifest", "Matcher", "Name", "NodeChange", "Patch",
    "Phase", "Probe", "Problem", "Reading", "Reinject", "Restart", "Risk", "Runbook", "Saved",
    "Scale", "Scenario", "Source", "Step", "Tag", "Target", "Undo", "Value", "Values", "Var",
    "Verdict", "Where", "Word", "Workload", "command", "join", "page_of", "parts_of", "resolve",
    "shell",
]
# fmt: on
