"""What a drill does to the cluster by itself: its namespace, its workload, its fault.

Each change is planned in the undo journal (`drillbook.changes.undo`) before it is made.
"""

from drillbook.changes.faults.applied import Applied, Outcome
from drillbook.changes.faults.injector import Injector, verbs_of
from drillbook.changes.faults.namespace import DrillNamespace

__all__ = ["Applied", "DrillNamespace", "Injector", "Outcome", "verbs_of"]
