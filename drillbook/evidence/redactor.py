"""What one process knows to be secret, and whether it can know: redaction that fails closed. The
Secrets of a drill's namespace are read when it is made, and whenever something that was seen is
about to be written. While they cannot be read, what was seen is withheld."""

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from drillbook.evidence import shapes
from drillbook.evidence.markdown import visible
from drillbook.evidence.records import Drill
from drillbook.evidence.redact import redact
from drillbook.model import Evidence, Verdict
from drillbook.model.errors import CouldNotTell

WITHHELD: Final = (
    "[withheld: the namespace's Secrets could not be read, so nothing can be told from a secret]"
)
BROKEN: Final = "[withheld: it could not be redacted]"

_SEEN = frozenset({"observed", "printed", "workload"})
"""Fields of a record that hold what was seen. `left` must stay readable: somebody has to remove by
hand what it lists."""
_FREE_TEXT = _SEEN | {"command", "expected", "left", "outcome", "reason", "text"}
"""What is redacted of a record; its identity is kept."""

Read = Callable[[], Iterable[str]]
"""The values of the Secrets that are there now. Raises CouldNotTell when they cannot be read."""


class Redactor:
    """Known secret values, the environment's, and shapes. Safe to share between threads."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._values: frozenset[str] = frozenset()
        self._read: Read | None = None
        self._lock = threading.Lock()
        self.blind = ""
        """Why the Secrets cannot be read; empty when they can, or when there are none yet."""

    def learn(self, values: Iterable[str]) -> None:
        """Values that are secret from now on, and the passwords inside of them."""
        found = frozenset(values)
        inside = frozenset(one for value in found for one in shapes.inside(value))
        with self._lock:
            self._values |= found | inside

    def watch(self, read: Read) -> None:
        """From now on these Secrets count. Raises CouldNotTell when they cannot be read."""
        self._read = read
        self.refresh()
        if self.blind:
            raise CouldNotTell(
                "the Secrets of the drill's namespace cannot be read, so nothing that is seen "
                f"could be told from a secret: {self.blind} Let the identity that makes drill "
                "namespaces list the secrets in them."
            )

    def refresh(self) -> None:
        """Read the watched Secrets again."""
        if self._read is None:
            return
        try:
            self.learn(self._read())
        except Exception as error:  # noqa: BLE001 - whatever it was, nobody knows the Secrets now
            self.blind = self.words(str(error) or type(error).__name__)
        else:
            self.blind = ""

    def settle(self) -> None:
        """Read the watched Secrets for the last time: the undo removes them."""
        self.refresh()
        self._read = None

    def text(self, text: str) -> str:
        """What was seen, without secrets; WITHHELD while nobody can tell."""
        return (WITHHELD if text else "") if self.blind else self.words(text)

    def words(self, text: str) -> str:
        """The engine's and the runbook's own words, without what is known to be secret."""
        try:
            return redact(text, self._values, self._environ)
        except Exception:  # noqa: BLE001 - what cannot be redacted is not printed, whatever it was
            return BROKEN

    def seen(self, text: str) -> str:
        """What was just seen: with the Secrets as they are now, and without terminal codes."""
        self.refresh()
        return self.text(visible(text))

    def plain(self, value: Any) -> Any:
        """Every text inside of a value as it may be shown or written; dictionaries and lists."""
        if isinstance(value, Mapping):
            return {name: self.plain(inner) for name, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.plain(inner) for inner in value]
        return self.seen(value) if isinstance(value, str) else value

    def evidence(self, evidence: Evidence) -> Evidence:
        """Evidence that may be cut and shown; an ERROR while nobody can tell it from a secret."""
        clean = replace(evidence, observed=self.seen(evidence.observed))
        if not self.blind or evidence.verdict is Verdict.MANUAL:
            return clean
        return replace(clean, verdict=Verdict.ERROR, observed=f"{WITHHELD} {self.blind}")

    def drill(self, drill: Drill) -> Drill:
        """A record that may be written, by the Secrets as they were read last."""
        clean = Drill.model_validate(self._walk(drill.model_dump(), ""))
        if not self.blind:
            return clean
        why = f"{WITHHELD} {self.blind}"
        return clean.model_copy(update={"verdict": Verdict.ERROR, "reason": why})

    def _walk(self, value: Any, field: str) -> Any:
        if isinstance(value, dict):
            return {name: self._walk(inner, name) for name, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return tuple(self._walk(inner, field) for inner in value)
        if isinstance(value, str) and field in _FREE_TEXT:
            return self.text(value) if field in _SEEN else self.words(value)
        return value
