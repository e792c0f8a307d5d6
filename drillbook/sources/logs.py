"""Container logs, dated line by line by the kubelet."""

from dataclasses import dataclass, field
from datetime import datetime

from drillbook.cluster.clients import Connections, asking, could_not_ask, kube_errors
from drillbook.cluster.deadline import REQUESTS, within
from drillbook.cluster.objects import says, says_absent
from drillbook.model import Absent, Answer, Command, Reading, Var, Word, command


@dataclass(frozen=True, kw_only=True)
class Logs:
    """Answers with the last lines of one container of the selected pods, or `Absent`."""

    selector: Word
    container: str
    previous: bool = False
    """The log of the container's last terminated run instead of its present one."""
    tail: int = 400
    namespace: Var = field(default=Var("NAMESPACE"))
    context: Var = field(default=Var("CONTEXT"))

    def command(self) -> Command:
        previous = ("--previous",) if self.previous else ()
        return command(
            *("kubectl", "--context", self.context, "-n", self.namespace),
            *("logs", "-l", self.selector, "-c", self.container),
            *(*previous, f"--tail={self.tail}"),
        )

    def parse(self, text: str) -> Answer:
        return text.strip() or Absent(f"log of {self.container}")

    def read(self, clients: Connections) -> Reading:
        what = f"the Kubernetes API about logs of {self.container}"
        return within(REQUESTS * clients.request_timeout, what, lambda: self._read(clients))

    def _read(self, clients: Connections) -> Reading:
        namespace, selector = clients.resolve(self.namespace), clients.resolve(self.selector)
        with asking("the Kubernetes API about pods"):
            pods = clients.core.list_namespaced_pod(
                namespace, label_selector=selector, _request_timeout=clients.request_timeout
            )
            names = [pod.metadata.name for pod in pods.items]
        texts = [self._log(clients, namespace, name) for name in names]
        return Reading(answer=self.parse("\n".join(filter(None, texts))))

    def _log(self, clients: Connections, namespace: str, pod: str) -> str:
        try:
            # Undecoded: the client's own decoding of a log prints the bytes' repr.
            answer = clients.core.read_namespaced_pod_log(
                pod,
                namespace,
                container=self.container,
                previous=self.previous,
                tail_lines=self.tail,
                timestamps=True,
                _request_timeout=clients.request_timeout,
                _preload_content=False,
            )
            text = answer.data.decode("utf-8", "replace")
        except kube_errors() as error:
            # 400: the container has no such run yet; 404: the pod has gone meanwhile.
            if says(error, 400, "BadRequest") or says_absent(error):
                return ""
            raise could_not_ask(f"the log of {pod}", error) from error
        return "\n".join(_lines_since(text, clients.server_since))


def _lines_since(text: str, since: datetime | None) -> list[str]:
    """The lines dated after `since`, without stamps; an undated one says why there is no log."""
    dated = ((_stamp(line), line.partition(" ")[2]) for line in text.splitlines())
    return [rest for at, rest in dated if at is not None and (since is None or at > since)]


def _stamp(line: str) -> datetime | None:
    try:
        # The kubelet writes nanoseconds; Python reads microseconds.
        return datetime.fromisoformat(f"{line.partition(' ')[0][:26].rstrip('Z')}+00:00")
    except ValueError:
        return None
