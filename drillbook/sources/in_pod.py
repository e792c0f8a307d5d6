"""What is inside a container: a file, a process, a socket, a file system, a certificate."""

import re
import ssl
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, ClassVar, Final

from drillbook.cluster.clients import Connections, asking
from drillbook.cluster.deadline import REQUESTS, within
from drillbook.cluster.identities import Identity
from drillbook.model import Absent, Answer, Command, Part, Reading, Var, Word, command, join
from drillbook.model.errors import CouldNotTell, beginning
from drillbook.sources.forwarded import only_reads

DEADLINE_S: Final = 15
"""A program in a pod, with the start of kubectl."""


class Look(StrEnum):
    """What is looked at. `of`: a path, a process' name, a port."""

    EXISTS = "exists"
    """A file or folder; answers with its path."""
    CONTENT = "content"
    SIZE = "size"
    """Bytes."""
    MODE = "mode"
    """Octal, such as 640."""
    OWNER = "owner"
    USED = "used"
    """Per cent of the file system that holds a path."""
    FREE = "free"
    """KiB that are free on it."""
    INODES = "inodes"
    """Per cent of its inodes."""
    MOUNT = "mount"
    """The mount point that holds a path."""
    PROCESS = "process"
    """How many processes have that name."""
    LISTENS = "listens"
    """The addresses on which a TCP port listens."""
    CERTIFICATE = "certificate"
    """The end of its validity, as `2027-11-28T15:54:20Z`."""
    DAYS = "days"
    """Whole days until then."""


_DF: Final = {Look.USED: ("-P", 4), Look.FREE: ("-Pk", 3), Look.INODES: ("-Pi", 4)}
_STAT: Final = {Look.SIZE: "%s", Look.MODE: "%a", Look.OWNER: "%U"}
_PATHS: Final = frozenset(Look) - {Look.PROCESS, Look.LISTENS}
_NO_FILE: Final = re.compile(r"No such file|Not a directory|can't open|cannot stat")
_NO_POD: Final = re.compile(
    r"\(NotFound\)|container not found|cannot exec into a (?:completed|con)"
)


@dataclass(frozen=True, kw_only=True)
class InPod:
    """Answers as text, of one ready pod of the part. No ready pod, no such file, no such process,
    and a port that nothing listens on are Absent."""

    IDENTITY: ClassVar[Identity] = Identity.INSPECTOR

    part: Part
    look: Look
    of: str
    namespace: Var = field(default=Var("NAMESPACE"))
    context: Var = field(default=Var("CONTEXT"))

    def __post_init__(self) -> None:
        """Raises ValueError for what is no absolute path, name or port."""
        shape = {Look.PROCESS: r"[\w.][\w.+-]*", Look.LISTENS: r"\d{1,5}"}
        if not re.fullmatch(shape.get(self.look, r"/[^\x00-\x1f\x7f]*"), self.of):
            raise ValueError(f"{self.look} of {self.of!r}: give a path from / on, a name, a port")
        only_reads(self.command())

    @property
    def words(self) -> tuple[str, ...]:
        """What runs in the container. What is not there ends none of those whose answer may be
        that it is not: the folder is listed, and all processes are."""
        if self.look is Look.EXISTS:
            return ("ls", "-a", str(PurePosixPath(self.of).parent))
        if self.look is Look.CONTENT:
            return ("cat", self.of)
        if self.look in _STAT:
            return ("stat", "-c", _STAT[self.look], self.of)
        if self.look is Look.PROCESS:
            return ("pgrep", "-l", ".")
        if self.look is Look.LISTENS:
            return ("ss", "-Hltn")
        if self.look in (Look.CERTIFICATE, Look.DAYS):
            return ("openssl", "x509", "-in", self.of, "-noout", "-enddate")
        return ("df", _DF.get(self.look, ("-P", 0))[0], self.of)

    def command(self) -> Command:
        place = join(f"{self.part.kind.lower()}/", self.part.name)
        words: tuple[Word, ...] = (
            *("kubectl", "--context", self.context, "-n", self.namespace, "exec", place),
            *("-c", self.part.container, "--", *self.words),
        )
        return command(*words)

    def parse(self, text: str) -> Answer:
        gone = Absent(f"{self.look} of {self.of}")
        lines = text.strip().splitlines()
        if self.look is Look.EXISTS:
            name = PurePosixPath(self.of).name or "."
            return self.of if name in lines else gone
        if self.look is Look.PROCESS:
            # The kernel keeps fifteen characters of a name.
            named = [line for line in lines if line.partition(" ")[2] == self.of[:15]]
            return str(len(named)) if named else gone
        if self.look is Look.LISTENS:
            local = [columns[3] for line in lines if len(columns := line.split()) > 3]
            return " ".join(one for one in local if one.endswith(f":{self.of}")) or gone
        if not text.strip():
            return gone
        if self.look in (Look.CERTIFICATE, Look.DAYS):
            return self._end(text)
        if self.look in _DF or self.look is Look.MOUNT:
            return self._file_system(lines[-1])
        return text.strip()

    def _end(self, text: str) -> Answer:
        try:
            told = text.strip().removeprefix("notAfter=")
            end = datetime.fromtimestamp(ssl.cert_time_to_seconds(told), UTC)
        except ValueError as error:
            raise CouldNotTell(f"no end of a certificate: {beginning(text)!r}") from error
        if self.look is Look.DAYS:
            return str((end - datetime.now(UTC)).days)
        return end.strftime("%Y-%m-%dT%H:%M:%SZ")

    def _file_system(self, line: str) -> Answer:
        columns = line.split(maxsplit=5)
        if len(columns) < 6:
            raise CouldNotTell(f"not what df prints: {beginning(line)!r}")
        if self.look is Look.MOUNT:
            return columns[5]
        found = columns[_DF[self.look][1]].rstrip("%")
        if not found.isdigit():
            raise CouldNotTell(f"df tells no {self.look} of {self.of}: {beginning(line)!r}")
        return found

    def read(self, clients: Connections) -> Reading:
        within_s = DEADLINE_S + REQUESTS * clients.request_timeout
        return within(within_s, f"a container of {self.part.role}", lambda: self._read(clients))

    def _read(self, clients: Connections) -> Reading:
        with asking("the Kubernetes API about pods"):
            pods = clients.core.list_namespaced_pod(
                clients.resolve(self.namespace),
                label_selector=clients.resolve(self.part.selector),
                _request_timeout=clients.request_timeout,
            )
            ready = sorted(pod.metadata.name for pod in pods.items if _is_ready(pod))
        if not ready:
            return Reading(answer=Absent(f"a ready pod of the {self.part.role}"))
        done = self._run(clients, ready[0])
        said = " ".join(done.stderr.split())
        if done.rc == 0:
            return Reading(answer=self.parse(done.stdout))
        if _NO_POD.search(said) or (self.look in _PATHS and _NO_FILE.search(said)):
            return Reading(answer=Absent(beginning(said)))
        what = f"`{' '.join(self.words)}` in {ready[0]}: {beginning(said) or f'exit {done.rc}'}"
        if done.rc in (126, 127) or "executable file not found" in said:
            what += f". Its image has no {self.words[0]}: ask another way, or add it to the image."
        raise CouldNotTell(what)

    def _run(self, clients: Connections, pod: str) -> Any:
        host = _backend()(
            pod,
            container=self.part.container,
            namespace=clients.resolve(self.namespace),
            context=clients.resolve(self.context),
        )
        host.environment = clients.acting_as(self.IDENTITY).environment()
        return host.run(" ".join(["%s"] * len(self.words)), *self.words)


def _is_ready(pod: Any) -> bool:
    if pod.metadata.deletion_timestamp is not None:
        return False
    return any(one.type == "Ready" and one.status == "True" for one in pod.status.conditions or ())


def _backend() -> Any:
    """testinfra's kubectl backend, as the inspector, and with an end."""
    from testinfra.backend.kubectl import KubectlBackend

    class Bounded(KubectlBackend):  # type: ignore[misc]
        environment: ClassVar[dict[str, str]] = {}

        def run_local(self, command: str, *args: str) -> Any:
            line = self.quote(command, *args)
            try:
                done = subprocess.run(
                    ["sh", "-c", f"exec {line}"],
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=DEADLINE_S,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise CouldNotTell(
                    f"{self.name}: no answer in {DEADLINE_S} s: is its node there, is it busy?"
                ) from error
            return self.result(done.returncode, self.encode(line), done.stdout, done.stderr)

        @property
        def encoding(self) -> str:
            return "utf-8"

    return Bounded
