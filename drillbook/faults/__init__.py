"""What a drill does to the cluster by itself: its namespace, its workload, its fault.

Each change is planned in the undo journal (`drillbook.undo`) before it is made.
"""

from drillbook.faults.changes import Applied, Injector, Outcome, verbs_of
from drillbook.faults.namespace import DrillNamespace

__all__ = ["Applied", "DrillNamespace", "Injector", "Outcome", "verbs_of"]
