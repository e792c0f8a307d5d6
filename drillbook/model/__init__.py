"""The product's nouns as frozen data, for authors of steps and fixtures; no I/O."""

from drillbook.model.answers import (
    Absent,
    AlertState,
    Answer,
    Matcher,
    Reading,
    Source,
    alert_of,
)
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
    Refusal,
    Restart,
    Run,
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
    CHANGED_AT,
    PROSE,
    Action,
    Advice,
    Component,
    Credential,
    Endpoint,
    Fault,
    FilledIn,
    Finding,
    Name,
    Part,
    Probe,
    Reinject,
    Risk,
    Value,
    Where,
    Workload,
    export,
    guarded,
    name_of,
    show,
)
from drillbook.model.words import (
    DURATION_PATTERN,
    Command,
    Duration,
    Guarded,
    Joined,
    Key,
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
    "CHANGED_AT", "DURATION_PATTERN", "PHASES", "PROSE", "Absent", "Action", "Advice",
    "AlertState", "Answer", "BoundCause", "BoundRunbook", "BoundScenario",
    "BoundStep", "Cause", "Change", "Command", "Component", "Control", "Cordon", "Create",
    "Credential", "CutNode", "Delete", "Duration", "Endpoint", "Evidence", "Fault", "FilledIn",
    "Finding", "Guarded", "Injection", "Joined", "Key", "KillNode", "Manifest", "Matcher", "Name",
    "NodeChange", "Part", "Patch", "Phase", "Probe", "Problem", "Reading", "Refusal", "Reinject",
    "Restart", "Risk", "Run", "Runbook", "Scale", "Scenario", "Source", "Step", "Tag", "Target",
    "Undo", "Value", "Values", "Var", "Verdict", "Where", "Word", "Workload", "alert_of", "command",
    "export", "guarded", "join", "name_of", "page_of", "parts_of", "resolve", "shell", "show",
]
# fmt: on
