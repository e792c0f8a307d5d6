"""A Redis server: what one of a closed list of commands answers."""

import ast
import re
from dataclasses import dataclass
from typing import Any, Final

from drillbook.cluster.clients import Connections
from drillbook.cluster.deadline import within
from drillbook.model import Absent, Answer, Command, Credential, Endpoint, Reading, Word, join
from drillbook.model.errors import CouldNotTell, beginning
from drillbook.model.words import setting
from drillbook.sources.forwarded import DEADLINE_S, no_answer, only_reads, through, value_of

_SENTENCES: Final = (
    ("Authentication required", "It wants a password, and the step names no credential."),
    ("WRONGPASS", "The Secret's password is not the server's: which of the two was changed?"),
    ("NOPERM", "The reading account may not do this: look at its ACL (ACL LIST)."),
    ("WRONGTYPE", "The key holds another type: read it with that type's command."),
    ("LOADING", "It is loading its data set: wait, or look at its log."),
    ("MASTERDOWN", "A replica without its primary: is the primary running?"),
    ("max number of clients", "No connection is free: look at maxclients and who is connected."),
    ("refused", "Nothing listens there: is the server running?"),
    ("timeout", "It answers nothing in time: is it paused, or busy with one slow command?"),
    ("closed", "Nothing listens in its pod, or it ended: read the pod's log."),
)
_LINE: Final = re.compile(r'(?:\d+\) )?(?:\(integer\) (-?\d+)|("(?:[^"\\]|\\.)*")|(\(nil\))|(.*))')


@dataclass(frozen=True, kw_only=True)
class Redis:
    """Answers as text. A key or field that is not there is Absent (a TTL of -2 too); of CLIENT LIST
    the number of clients, of CONFIG GET the value, of INFO the `field`."""

    endpoint: Endpoint
    asks: tuple[Word, ...]
    """Such as `("GET", "queue:state")`, `("INFO", "memory")`, `("CONFIG", "GET", "maxmemory")`."""
    field: str = ""
    user: Word = ""
    password: Credential | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for a command that is not on the list of what only reads."""
        only_reads(self.command())
        if bool(self.field) != (self.asks[0] == "INFO"):
            raise ValueError("INFO needs a field, such as used_memory, and nothing else has one")

    def command(self) -> Command:
        secret = (setting("REDISCLI_AUTH", self.password.var),) if self.password else ()
        user = ("--user", self.user) if self.user else ()
        words: tuple[Word, ...] = (
            *(*secret, "timeout", str(DEADLINE_S), "redis-cli", "-e", "--no-raw"),
            *("-u", join("redis://", self.endpoint.var), *user, *self.asks),
        )
        return Command(words)

    def parse(self, text: str) -> Answer:
        if self.asks[0] in ("INFO", "CLIENT"):
            return self._answer(text.encode())
        found = [_plain(line) for line in text.splitlines()]
        if not found:
            raise CouldNotTell("redis-cli printed nothing")
        return self._answer(found if self.asks[0] == "CONFIG" else found[0])

    def _answer(self, reply: Any) -> Answer:
        what = " ".join(word if isinstance(word, str) else "$" for word in self.asks)
        if self.asks[0] == "INFO":
            found = re.search(rf"(?m)^{re.escape(self.field)}:(.*?)\r?$", _text(reply))
            return found[1] if found else Absent(f"{self.field} in {what}")
        if self.asks[0] == "CLIENT":
            return str(len([one for one in _text(reply).splitlines() if one.strip()]))
        if self.asks[0] == "CONFIG":
            return _text(reply[1]) if len(reply) > 1 else Absent(what)
        gone = reply is None or (self.asks[0] in ("TTL", "PTTL") and reply == -2)
        return Absent(f"no answer to {what}") if gone else _text(reply)

    def read(self, clients: Connections) -> Reading:
        return through(clients, self.endpoint, lambda address: self._ask(clients, address))

    def _ask(self, clients: Connections, address: str) -> Reading:
        import redis

        password, words = value_of(clients, self.password), map(clients.resolve, self.asks)
        host, _, port = address.rpartition(":")
        kind: Any = redis.Connection
        connection = kind(
            host=host,
            port=int(port),
            username=clients.resolve(self.user) or None,
            password=password or None,
            socket_timeout=DEADLINE_S,
            socket_connect_timeout=DEADLINE_S,
            protocol=2,
        )

        def ask() -> Any:
            try:
                connection.connect()
                # One word each, as the server's own command lines have it.
                connection.send_command(*words)
                return connection.read_response()
            finally:
                connection.disconnect()

        try:
            return Reading(answer=self._answer(within(3 * DEADLINE_S, f"Redis at {address}", ask)))
        except redis.RedisError as error:
            said = f"{_KINDS.get(type(error).__name__, '')} {error}"
            raise no_answer("Redis", self.endpoint.service, said, _SENTENCES) from error


_KINDS: Final = {
    "AuthenticationError": "WRONGPASS",
    "NoPermissionError": "NOPERM",
    "BusyLoadingError": "LOADING",
    "MasterDownError": "MASTERDOWN",
}
"""The library cuts the server's first word off."""


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _plain(line: str) -> bytes | int | None:
    """One line of `redis-cli --no-raw`, as the value that the server sent."""
    number, quoted, nothing, words = _LINE.fullmatch(
        line.strip(),
    ).groups()  # type: ignore
    if number is not None:
        return int(number)
    if quoted is not None:
        found: bytes = ast.literal_eval(f"b{quoted}")
        return found
    if nothing is not None:
        return None
    if words.startswith("(error)"):
        raise CouldNotTell(f"redis-cli printed {beginning(words)!r}")
    return str(words).encode()
