"""A fault's changes: applied in order, each with its pre-image read before it, and taken back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from drillbook.errors import CouldNotTell
from drillbook.model import Change, Fault, Patch, Restart, Target
from drillbook.sources.clients import KUBE_ERRORS, Connections, could_not_ask

_NO_RIGHT = re.compile(r'User "[^"]*" cannot ')
"""What a missing right says, whatever the object is called."""
_WEBHOOK = r'admission webhook "[^"]+" denied the request'
_RULES = re.compile(
    "|".join(
        (
            _WEBHOOK,
            r"ValidatingAdmissionPolicy '[^']+' with binding '[^']+' denied request",
            r"violates PodSecurity",
            r"(?:exceeded|failed) quota: ",
            # The LimitRanger's three sentences.
            r"(?:maximum|minimum) \S+ usage per \w+ is ",
            r"max limit to request ratio per \w+ is ",
        )
    )
)
"""What a refusal by a rule says with a 403. A closed list: any other 403 is no proof of a rule."""


class Outcome(StrEnum):
    """What came of applying a change."""

    APPLIED = "applied"
    BLOCKED = "blocked"
    """Refused by an admission, validation or quota rule."""
    NOT_APPLIED = "not applied"
    """A missing right, 404, 409, 429, 5xx, or no answer."""


@dataclass(frozen=True)
class Applied:
    """What came of a fault's changes, and the server's word on it."""

    outcome: Outcome
    said: str


@dataclass
class Injector:
    """Applies one fault's changes in one namespace, and remembers their pre-images."""

    clients: Connections
    namespace: str
    pre_images: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    deleted: dict[int, frozenset[str]] = field(default_factory=dict)
    """The UIDs that each Restart deleted last."""

    def inject(self, fault: Fault) -> Applied:
        """Apply every change in order; stop at the first that is refused."""
        said = []
        for number, change in enumerate(fault.changes):
            applied = self._apply(number, change)
            said.append(applied.said)
            if applied.outcome is not Outcome.APPLIED:
                return Applied(applied.outcome, "; ".join(said))
        return Applied(Outcome.APPLIED, "; ".join(said))

    def take_back(self, fault: Fault) -> list[str]:
        """Undo the patches that are still in place, last first, so that a second injection is a
        change. Returns what was taken back. Raises CouldNotTell when the server refuses."""
        taken = []
        for number, change in reversed(list(enumerate(fault.changes))):
            if isinstance(change, Patch) and number in self.pre_images:
                live = self._get(change.target)
                if contains_patch(live, change.patch):
                    self._patch(change.target, self.pre_images[number])
                    taken.append(str(change.target))
        return taken

    def _apply(self, number: int, change: Change) -> Applied:
        try:
            if isinstance(change, Restart):
                return self._restart(number, change)
            live = self._get(change.target)
            self.pre_images.setdefault(number, pre_image(live, change.patch))
            after = self._patch(change.target, change.patch)
        except CouldNotTell as error:
            return Applied(refusal(error.__cause__), f"{change.target}: {error}")
        if not took(live, after, change.patch):
            return Applied(Outcome.NOT_APPLIED, f"{change.target}: the patch changed nothing")
        before, now = (one["metadata"]["resourceVersion"] for one in (live, after))
        return Applied(Outcome.APPLIED, f"{change.target}: version {before} -> {now}")

    def made_anew(self, fault: Fault) -> bool:
        """Whether every Restart's controller made a pod with a new UID. Raises CouldNotTell."""
        return all(
            self._uids(change.target) - self.deleted.get(number, frozenset())
            for number, change in enumerate(fault.changes)
            if isinstance(change, Restart)
        )

    def _uids(self, target: Target) -> frozenset[str]:
        try:
            pods = self._resource(target).get(
                namespace=self.namespace,
                label_selector=self.clients.resolve(target.selector),
                _request_timeout=self.clients.request_timeout,
            )
        except KUBE_ERRORS as error:
            raise could_not_ask(f"the Kubernetes API about {target}", error) from error
        return frozenset(pod.metadata.uid for pod in pods.items)

    def _restart(self, number: int, change: Restart) -> Applied:
        """Delete the pods there are; their controller makes new ones with new UIDs."""
        resource = self._resource(change.target)
        selector = self.clients.resolve(change.target.selector)
        try:
            pods = resource.get(
                namespace=self.namespace,
                label_selector=selector,
                _request_timeout=self.clients.request_timeout,
            ).items
            self.deleted[number] = frozenset(pod.metadata.uid for pod in pods)
            for pod in pods:
                resource.delete(
                    name=pod.metadata.name,
                    namespace=self.namespace,
                    _request_timeout=self.clients.request_timeout,
                )
        except KUBE_ERRORS as error:
            raise could_not_ask(f"the Kubernetes API about {change.target}", error) from error
        if not pods:
            return Applied(Outcome.NOT_APPLIED, f"{change.target}: there is none")
        return Applied(Outcome.APPLIED, f"{change.target}: {len(pods)} deleted, to be made anew")

    def _get(self, target: Target) -> dict[str, Any]:
        return self._call(target, "get", {})

    def _patch(self, target: Target, patch: Mapping[str, Any]) -> dict[str, Any]:
        body = {"body": patch, "content_type": "application/merge-patch+json"}
        return self._call(target, "patch", body)

    def _call(self, target: Target, verb: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        try:
            found = getattr(self._resource(target), verb)(
                name=self.clients.resolve(target.name),
                namespace=self.namespace,
                _request_timeout=self.clients.request_timeout,
                **arguments,
            )
        except KUBE_ERRORS as error:
            raise _refused(target, verb, error) from error
        data: dict[str, Any] = found.to_dict()
        return data

    def _resource(self, target: Target) -> Any:
        return self.clients.resource(target.api_version, target.kind)


def pre_image(live: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch that writes the touched fields back: old values, or null where none was."""
    old: dict[str, Any] = {}
    for key, value in patch.items():
        present = live.get(key)
        if isinstance(value, Mapping) and isinstance(present, Mapping):
            old[key] = pre_image(present, value)
        else:
            old[key] = present
    return old


def contains_patch(live: Mapping[str, Any], patch: Mapping[str, Any]) -> bool:
    """Whether every field of the patch is in place."""
    for key, value in patch.items():
        present = live.get(key)
        if isinstance(value, Mapping):
            if not (isinstance(present, Mapping) and contains_patch(present, value)):
                return False
        elif present != value:
            return False
    return True


def took(before: Mapping[str, Any], after: Mapping[str, Any], patch: Mapping[str, Any]) -> bool:
    """Whether a patch was a change: not in place in the object before, and in it after.

    Not by resourceVersion: every write of a status moves it, and a crash loop writes all the time.
    A generation moves with what is wanted only, but not every kind has one, and a patch of metadata
    leaves it as it is; the fields may be written in another way (1024Mi as 1Gi). So either will do.
    """
    generations = [one["metadata"].get("generation") for one in (before, after)]
    in_place = generations[0] != generations[1] or contains_patch(after, patch)
    return in_place and not contains_patch(before, patch)


def refusal(error: BaseException | None) -> Outcome:
    """Blocked by a rule, or not applied for want of a right, an object, a slot or an answer."""
    status, said = getattr(error, "status", None), _message(error)
    if _NO_RIGHT.search(said):
        return Outcome.NOT_APPLIED
    by_rule = status == 403 and _RULES.search(said)
    by_webhook = status == 400 and re.search(_WEBHOOK, said)
    return Outcome.BLOCKED if status == 422 or by_rule or by_webhook else Outcome.NOT_APPLIED


def _refused(target: Target, verb: str, error: Exception) -> CouldNotTell:
    """The API server's own sentence, where it gave one."""
    said = _message(error)
    if not said:
        return could_not_ask(f"the Kubernetes API about {target}", error)
    return CouldNotTell(f"{verb} refused with HTTP {getattr(error, 'status', '?')}: {said}")


def _message(error: BaseException | None) -> str:
    """The API server's own sentence."""
    body = getattr(error, "body", None)
    try:
        found = json.loads(body) if body else {}
    except ValueError:
        return ""
    return str(found.get("message", "")) if isinstance(found, dict) else ""
