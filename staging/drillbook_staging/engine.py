"""The engine's own image: what the reaper runs inside the cluster. It is no part of the nodes' seed
and of a cluster's fingerprint: every `up` brings it to the running nodes, and an annotation of the
reaper's pods with its key rolls them over to it."""

from collections.abc import Mapping
from typing import Any

import yaml

from drillbook_staging.errors import StageFailed

REFERENCE = "localhost/drillbook:current"
ANNOTATION = "drillbook.dev/engine"
"""The annotation of the reaper's pods with the key of the image that they run."""


def annotated(manifests: str, key: str) -> str:
    """The platform's manifests, in which the pods that run the engine carry the key of its image:
    another one under the same name rolls them over. Pure. Raises StageFailed when no Deployment
    runs the image: the platform would lack its reaper."""
    objects = [each for each in yaml.safe_load_all(manifests) if each]
    ours = [each for each in objects if _runs_the_engine(each)]
    if not ours:
        raise StageFailed(
            f"stage 'platform': no Deployment of staging/platform runs {REFERENCE}. "
            "The reaper's is in staging/platform/drillbook/reaper.yaml; the overlay `embedded` "
            "must take that folder in and name its image so."
        )
    for each in ours:
        metadata = each["spec"]["template"].setdefault("metadata", {})
        metadata.setdefault("annotations", {})[ANNOTATION] = key
    return yaml.safe_dump_all(objects, sort_keys=False)


def _runs_the_engine(found: Mapping[str, Any]) -> bool:
    if found["kind"] != "Deployment":
        return False
    containers = found["spec"]["template"]["spec"]["containers"]
    return any(each["image"] == REFERENCE for each in containers)
