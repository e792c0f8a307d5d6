"""What steps read through: one module per system, each with `read`, `command` and `parse`."""

from drillbook.sources.http import Http
from drillbook.sources.kube import Kube, jsonpath_word, kubectl
from drillbook.sources.logs import Logs
from drillbook.sources.prometheus import Expr, FiringAlert, Moment, Series
from drillbook.sources.tool import Tool

# fmt: off
__all__ = [
    "Expr", "FiringAlert", "Http", "Kube", "Logs", "Moment", "Series", "Tool", "jsonpath_word",
    "kubectl",
]
# fmt: on
