"""A program in a pod: what it did inside the namespace goes with the namespace."""

import math
import re
from typing import Final

from drillbook.changes.faults.applied import Applied, Outcome
from drillbook.changes.faults.kinds.kind import Kind
from drillbook.changes.undo.killpoints import writes
from drillbook.changes.undo.record import UndoRecord, Verb
from drillbook.cluster import in_pod
from drillbook.cluster.clients import Connections
from drillbook.cluster.identities import Identity
from drillbook.cluster.in_pod import Ran
from drillbook.cluster.objects import Object
from drillbook.model import Command, Refusal
from drillbook.model.errors import CouldNotTell
from drillbook.model.object_ref import ObjectRef

EXEC: Final = "drillbook-injector-exec"
"""The cluster role that lets the injector in: the provisioner, who may not, can only bind it."""
NOT_RUN: Final = frozenset({124, 125, 126, 127})
"""`timeout` exits so when time was up, or when it could not run the program."""
SAYS: Final = {
    Refusal.PERMISSION_DENIED: r"(?i)\bpermission denied\b",
    Refusal.SQLSTATE_42501: r"\b(?:ERROR|FATAL): +42501(?=:|$)|\bSQLSTATE(?::? |\[)42501\b",
    Refusal.ACCESS_DENIED: r"\bAccessDenied\b",
    Refusal.OBJECT_LOCK: r"(?i)\bobject[- ]?lock(?:ed)?\b|\bWORM[- ]protected\b",
    Refusal.READ_ONLY_FILE_SYSTEM: r"(?i)\bread-only file system\b",
}
"""How each refusal reads in the last line of a program's standard error."""
BESIDE: Final = re.compile(r"(?:DETAIL|HINT|CONTEXT|QUERY|STATEMENT|LOCATION|LINE \d+): |\s*\^$")
"""What psql prints below its error is not the error."""


class RunKind(Kind):
    verb = Verb.RUN
    needs = "get"
    roles = (EXEC,)

    def _inject(self) -> Applied:
        clients, change = self.site.clients, self.change
        live = self._pod()
        own = {key: live["metadata"][key] for key in ("name", "uid")}
        ref = ObjectRef(api_version="v1", kind="Pod", namespace=self.site.namespace, **own)
        words = [clients.resolve(word) for word in change.words]
        # One that hangs ends by itself, also when nobody is left to end it.
        ended = ("timeout", "-s", "KILL", str(math.ceil(change.within.seconds)), *words)
        record = self.site.custody.plan(self.verb, ref)
        injector = clients.acting_as(Identity.INJECTOR)
        ran = run(injector, ref, change.container, ended, change.within.seconds)
        self._made(record)
        return judged(ran, change.refused_by, f"{ref}: `{Command(change.words)}`")

    def _pod(self) -> Object:
        pods = [pod for pod in self.site.matching(self.change.target) if _runs(pod)]
        if not pods:
            raise CouldNotTell(f"{self.change.target}: none of it runs")
        return min(pods, key=lambda pod: str(pod["metadata"]["name"]))

    def _is_in_place(self, record: UndoRecord) -> bool:
        return False  # a program that runs again is a change by itself


def judged(ran: Ran, refused_by: Refusal | None, what: str) -> Applied:
    """Blocked only when the program itself ran and says that it was refused. Pure."""
    said = f"{what} ended with {'no exit code' if ran.code is None else ran.code}"
    error = _last(ran.stderr)
    if last := error or _last(ran.stdout):
        said = f"{said}: {last}"
    if ran.code == 0:
        return Applied(Outcome.APPLIED, said)
    itself = ran.code is not None and 0 < ran.code < 128 and ran.code not in NOT_RUN
    refused = itself and refused_by is not None and re.search(SAYS[refused_by], error)
    return Applied(Outcome.BLOCKED if refused else Outcome.NOT_APPLIED, said)


def _last(text: str) -> str:
    lines = [one for one in text.splitlines() if one.strip() and not BESIDE.match(one)]
    return lines[-1] if lines else ""


def _runs(pod: Object) -> bool:
    phase = (pod.get("status") or {}).get("phase")
    return phase == "Running" and not pod["metadata"].get("deletionTimestamp")


@writes("fault.run")
def run(
    injector: Connections, pod: ObjectRef, container: str, words: tuple[str, ...], within_s: float
) -> Ran:
    return in_pod.exec_in_pod(injector, pod, container, words, within_s)
