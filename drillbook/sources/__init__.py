"""What steps read through: one module per system, each with `read`, `command` and `parse`."""

from drillbook.sources.http import Http
from drillbook.sources.in_pod import InPod, Look
from drillbook.sources.kube import Kube, jsonpath_word, kubectl
from drillbook.sources.logs import Logs
from drillbook.sources.prometheus import Expr, FiringAlert, Moment, Series
from drillbook.sources.redis import Redis
from drillbook.sources.s3 import S3, Ask
from drillbook.sources.sql import Sql
from drillbook.sources.tool import Tool

# fmt: off
__all__ = [
    "S3",
    "Ask",
    "Expr",
    "FiringAlert",
    "Http",
    "InPod",
    "Kube",
    "Logs",
    "Look",
    "Moment",
    "Redis",
    "Series",
    "Sql",
    "Tool",
    "jsonpath_word",
    "kubectl",
]
# fmt: on
