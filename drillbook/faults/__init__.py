"""What a drill does to the cluster by itself: its namespace, its workload, its fault, its undo."""

from drillbook.faults.changes import Applied, Injector, Outcome
from drillbook.faults.namespace import DrillNamespace, drill_namespaces, expired

__all__ = ["Applied", "DrillNamespace", "Injector", "Outcome", "drill_namespaces", "expired"]
