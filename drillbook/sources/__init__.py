"""What steps read through: one module per system, each with `read`, `command` and `parse`."""

from drillbook.sources.http import Http
from drillbook.sources.kube import Kube
from drillbook.sources.logs import Logs
from drillbook.sources.prometheus import FiringAlert, Series
from drillbook.sources.tool import Tool

__all__ = ["FiringAlert", "Http", "Kube", "Logs", "Series", "Tool"]
