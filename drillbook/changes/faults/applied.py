"""What came of a change, and whether a refusal was a rule of the system under the drill."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from drillbook.cluster.objects import Conflict, message
from drillbook.model.errors import CouldNotTell

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
OUR_POLICY = "drillbook-"
"""Our own admission policies are no rule of the system under the drill."""


class Outcome(StrEnum):
    """What came of applying a change."""

    APPLIED = "applied"
    BLOCKED = "blocked"
    """Refused by an admission, validation or quota rule, or by the program's own server."""
    NOT_APPLIED = "not applied"
    """A missing right, 404, 409, 429, 5xx, or no answer; or only a part of it was applied."""


@dataclass(frozen=True)
class Applied:
    """What came of a fault's changes, and the server's word on it."""

    outcome: Outcome
    said: str


class NotMade(CouldNotTell):
    """The one write that is the change was refused, or got no answer."""

    def __init__(self, outcome: Outcome, said: str) -> None:
        super().__init__(said)
        self.outcome = outcome


@contextmanager
def changing() -> Iterator[None]:
    """Around the write that is the change: a refusal of that alone may be a rule of the system,
    never one of the journal's or of a read. Raises NotMade; a Conflict stays one."""
    try:
        yield
    except Conflict:
        raise
    except CouldNotTell as error:
        raise NotMade(refusal(error.__cause__), str(error)) from error


def refusal(error: BaseException | None) -> Outcome:
    """Blocked by a rule, or not applied for want of a right, an object, a slot or an answer."""
    status, said = getattr(error, "status", None), message(error)
    if _NO_RIGHT.search(said) or f"ValidatingAdmissionPolicy '{OUR_POLICY}" in said:
        return Outcome.NOT_APPLIED
    by_rule = status == 403 and _RULES.search(said)
    by_webhook = status == 400 and re.search(_WEBHOOK, said)
    return Outcome.BLOCKED if status == 422 or by_rule or by_webhook else Outcome.NOT_APPLIED
