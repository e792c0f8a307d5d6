"""Kubernetes objects: one list or one object, and one path into it."""

from dataclasses import dataclass, field
from typing import Any, Final

from drillbook.cluster.clients import Connections, asking, kube_errors
from drillbook.cluster.deadline import REQUESTS, within
from drillbook.cluster.objects import says_absent
from drillbook.model import Absent, Answer, Command, Reading, Var, Where, Word, command
from drillbook.model.errors import CouldNotTell
from drillbook.sources import jsonpath

NEWLINE: Final = '{"\\n"}'
"""kubectl ends no line by itself: the prompt would stand on the answer's."""


def kubectl(where: Where, *words: Word) -> Command:
    """A line of kubectl in a step's place."""
    return command("kubectl", "--context", where.context, "-n", where.namespace, *words)


def jsonpath_word(path: str) -> str:
    """`-o`'s word for one path. Raises ValueError outside the subset."""
    return f"jsonpath={jsonpath.check(path)}{NEWLINE}"


@dataclass(frozen=True, kw_only=True)
class Kube:
    """Answers with what kubectl's `-o jsonpath` prints, blank-separated, or `Absent`. Of a list,
    `read` leaves out what is being removed: it says nothing about the present. The printed command
    cannot do that, so for some seconds after a restart it shows old pods too."""

    kind: str
    """As kubectl takes it: `pods`, `deployments`."""
    path: str
    name: Word = ""
    selector: Word = ""
    namespace: Var = field(default=Var("NAMESPACE"))
    context: Var = field(default=Var("CONTEXT"))

    def __post_init__(self) -> None:
        jsonpath.check(self.path)

    def command(self) -> Command:
        # kubectl calls an object that is not there an error; here it is an answer.
        which: tuple[Word, ...] = ("-l", self.selector) if self.selector else ()
        if self.name:
            which = (self.name, "--ignore-not-found")
        return command(
            *("kubectl", "--context", self.context, "-n", self.namespace),
            *("get", self.kind, *which, "-o", jsonpath_word(self.path)),
        )

    def parse(self, text: str) -> Answer:
        found = text.strip()
        return found or Absent(f"{self.kind} {self.path}")

    def read(self, clients: Connections) -> Reading:
        what = f"the Kubernetes API about {self.kind}"
        return within(REQUESTS * clients.request_timeout, what, lambda: self._read(clients))

    def _read(self, clients: Connections) -> Reading:
        with asking(f"the Kubernetes API about {self.kind}"):
            data = self._get(clients)
            if data is None:
                return Reading(answer=Absent(f"{self.kind}/{clients.resolve(self.name)}"))
            present = _without_leaving(data)
            _refuse_unobserved(present)
            return Reading(answer=self.parse(jsonpath.evaluate(self.path, present)))

    def _get(self, clients: Connections) -> dict[str, Any] | None:
        """The object or list as JSON; None when the server says that it is not there."""
        query: dict[str, Any] = {"namespace": clients.resolve(self.namespace)}
        if self.name:
            query["name"] = clients.resolve(self.name)
        else:
            query["label_selector"] = clients.resolve(self.selector)
        try:
            found = clients.kind_of(self.kind).get(
                **query, _request_timeout=clients.request_timeout
            )
        except kube_errors() as error:
            if says_absent(error):
                return None
            raise
        data: dict[str, Any] = found.to_dict()
        # An answer of another shape is a KeyError here, not an empty list.
        _ = data["metadata"]["name"] if self.name else data["items"]
        return data


def _without_leaving(data: dict[str, Any]) -> dict[str, Any]:
    """A list without the items that are being removed; one object as it is."""
    if "items" not in data:
        return data
    staying = [one for one in data["items"] or [] if not one["metadata"].get("deletionTimestamp")]
    return {**data, "items": staying}


def _refuse_unobserved(data: dict[str, Any]) -> None:
    """A status that its controller wrote for an older spec says nothing about the present one."""
    for item in data.get("items", [data]):
        metadata, status = item.get("metadata", {}), item.get("status") or {}
        observed, wanted = status.get("observedGeneration"), metadata.get("generation")
        if observed is not None and wanted is not None and observed < wanted:
            raise CouldNotTell(
                f"{item.get('kind', 'object')}/{metadata.get('name')}: its controller has seen "
                f"generation {observed} of {wanted} so far."
            )
