"""The cap on pods as a ResourceQuota of a drill's namespace."""

from drillbook.cluster.settings import Settings
from drillbook.model import Manifest

QUOTA = "drillbook-max-pods"


def quota(settings: Settings) -> Manifest:
    """The same cap on pods for a drill's namespace: it also holds for what nobody declared."""
    hard = {"pods": str(settings.max_pods)}
    kind = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": QUOTA}}
    return {**kind, "spec": {"hard": hard}}
