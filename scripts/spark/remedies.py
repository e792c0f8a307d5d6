"""What to do about each cause, as command lines for a responder to paste. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from scripts.cluster import kubectl
from scripts.spark import diagnosis

LIBRARY = "/app/lib"
"""Where the platform's applications keep their own modules."""
HEAP = "512m"
"""Above Spark's minimum of 450 MiB (1.5 times its 300 MiB of reserved memory)."""


@dataclass(frozen=True, kw_only=True)
class Remedy:
    text: str
    commands: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the commands go."""

    context: str
    namespace: str
    application: str
    pod: str = ""
    memory_limit: str = ""

    def kubectl(self, *words: str) -> str:
        return kubectl(self.context, self.namespace, *words)


def remedy_for(cause: str, place: Place) -> Remedy:
    """The remedy of a cause; where the cause is not known, what to look at next."""
    return {
        diagnosis.OOM: more_memory,
        diagnosis.MODULE: right_library,
        diagnosis.CONFIGURATION: valid_heap,
        diagnosis.NONE: nothing,
        diagnosis.UNKNOWN: look_closer,
    }[cause](place)


def more_memory(place: Place) -> Remedy:
    limit = tripled(place.memory_limit)
    return Remedy(
        text=(
            f"Raise the memory limit of the container (first step: {limit}), then size it by what "
            "`kubectl top pod` shows at the peak. A larger heap does not help."
        ),
        commands=(
            place.kubectl(
                *("set", "resources", f"deployment/{place.application}"),
                *("-c", "spark-driver", f"--limits=memory={limit}"),
            ),
        ),
    )


def tripled(limit: str) -> str:
    """Three times a memory quantity such as 1Gi; 3Gi where there is none to start from."""
    found = re.fullmatch(r"(\d+)([A-Za-z]*)", limit)
    return f"{3 * int(found[1])}{found[2]}" if found else "3Gi"


def right_library(place: Place) -> Remedy:
    return Remedy(
        text=(
            "Point `library-path` at the folder that holds the module named above, and restart "
            f"the driver. Applications keep their modules in {LIBRARY} unless a release moved them."
        ),
        commands=(read_option(place, "library-path"), *set_option(place, "library-path", LIBRARY)),
    )


def valid_heap(place: Place) -> Remedy:
    return Remedy(
        text=(
            "Correct the setting that the evidence names, and restart the driver. "
            "For a driver heap below Spark's minimum of 450 MiB that is `driver-memory`."
        ),
        commands=(read_option(place, "driver-memory"), *set_option(place, "driver-memory", HEAP)),
    )


def nothing(place: Place) -> Remedy:
    return Remedy(text="Nothing to mend: this driver is not in a crash loop.", commands=())


def look_closer(place: Place) -> Remedy:
    driver = (place.pod,) if place.pod else ("-l", "spark-role=driver")
    return Remedy(
        text=(
            "No known cause fits. Look at the pod, its events and both of its logs; if these name "
            "no cause either, escalate as the runbook says, with this output and the logs."
        ),
        commands=(
            place.kubectl("describe", "pod", *driver),
            place.kubectl("logs", *driver, "-c", "spark-driver", "--previous", "--tail=200"),
            place.kubectl("logs", *driver, "-c", "spark-driver", "--tail=200"),
            place.kubectl("get", "events", "--sort-by=.lastTimestamp"),
        ),
    )


def read_option(place: Place, key: str) -> str:
    configmap = f"configmap/{place.application}-conf"
    return place.kubectl("get", configmap, "-o", f"jsonpath={{.data.{key}}}")


def set_option(place: Place, key: str, value: str) -> tuple[str, str]:
    patch = json.dumps({"data": {key: value}}, separators=(",", ":"))
    configmap = f"{place.application}-conf"
    return (
        place.kubectl("patch", "configmap", configmap, "--type=merge", "-p", patch),
        place.kubectl("rollout", "restart", f"deployment/{place.application}"),
    )
