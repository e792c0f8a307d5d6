"""One object of the Kubernetes API, by name."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ObjectRef:
    """One object of the API. `uid` is empty for one that is yet to be made."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""
    uid: str = ""

    def __str__(self) -> str:
        inside = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind.lower()}/{inside}{self.name}"
