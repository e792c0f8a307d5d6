"""A PostgreSQL database: one value, or one column."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from drillbook.cluster.clients import Connections
from drillbook.cluster.deadline import within
from drillbook.model import Absent, Answer, Command, Credential, Endpoint, Reading, Word, join
from drillbook.model.errors import CouldNotTell
from drillbook.model.reading import PG_READ_ONLY
from drillbook.model.words import setting
from drillbook.sources.forwarded import DEADLINE_S, no_answer, only_reads, through, value_of

if TYPE_CHECKING:
    import psycopg

OPTIONS: Final = f"{PG_READ_ONLY} -c statement_timeout={DEADLINE_S}s"
_PLACE: Final = re.compile(r""":'(?P<value>\w+)'|:"(?P<name>\w+)"|%""")
_SENTENCES: Final = (
    ("28P01", "Its password is not the one in the Secret: was it changed in one place only?"),
    ("password authentication failed", "The Secret's password is not the server's: which changed?"),
    ("no pg_hba.conf entry", "The server lets this account in from nowhere here: see pg_hba.conf."),
    ('FATAL: database "', "The database is not there: restore it, or correct the name."),
    ('" does not exist', "Was its schema created, and restored completely? Or correct the name."),
    ("42501", "The reading account may not read this: grant it select."),
    ("25006", "The query writes: a read must not."),
    ("57014", "The server is too busy, or the query waits for a lock: look at pg_stat_activity."),
    ("too many clients", "No connection is free: look at pg_stat_activity for who holds them."),
    ("starting up", "It is starting: wait, or read its log for what it recovers."),
    ("refused", "Nothing listens there: is the server running?"),
    ("timeout expired", "It accepts no connection in time: look at its load and its node."),
    ("closed the connection", "Nothing listens in its pod, or it ended: read the pod's log."),
)


@dataclass(frozen=True, kw_only=True)
class Sql:
    """Answers with what psql prints of one column, a line for each row; no row, and nothing but
    empty values and NULLs, are Absent. `query` names its parameters as psql does: `:'region'` is a
    value, `:"table"` an identifier; both are data, whatever they hold."""

    endpoint: Endpoint
    user: Word
    database: Word
    query: str
    parameters: tuple[tuple[str, Word], ...] = ()
    password: Credential | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for a query that is not on the list of what only reads."""
        named = {m["value"] or m["name"] for m in _PLACE.finditer(self.query)} - {None}
        if named != {name for name, _ in self.parameters}:
            raise ValueError(f"{self.query!r} names {sorted(named)}, given are {self.parameters}")
        if bare := re.search(rf"(?<!:):(?:{'|'.join(named) or '(?!)'})\b|:\{{", self.query):
            raise ValueError(f"{self.query!r}: write {bare[0]!r} in quotes, else it is no data")
        only_reads(self.command())

    def command(self) -> Command:
        secret = (setting("PGPASSWORD", self.password.var),) if self.password else ()
        pairs = (("-v", join(name, "=", value)) for name, value in self.parameters)
        words: tuple[Word, ...] = (
            *(setting("PGUSER", self.user), setting("PGDATABASE", self.database), *secret),
            *(f"PGCONNECT_TIMEOUT={DEADLINE_S}", "PGCLIENTENCODING=UTF8"),
            *(setting("PGOPTIONS", OPTIONS), "psql", "-XAtqw", "-v", "ON_ERROR_STOP=1"),
            *(word for pair in pairs for word in pair),
            *("-d", join("postgresql://", self.endpoint.var)),
        )
        return Command(words, self.query)

    def parse(self, text: str) -> Answer:
        return text.strip() or Absent("a row, or a value in it")

    def read(self, clients: Connections) -> Reading:
        return through(clients, self.endpoint, lambda address: self._ask(clients, address))

    def _ask(self, clients: Connections, address: str) -> Reading:
        import psycopg

        password = value_of(clients, self.password)

        def ask() -> Reading:
            host, _, port = address.rpartition(":")
            with psycopg.connect(
                host=host,
                port=port,
                user=clients.resolve(self.user),
                dbname=clients.resolve(self.database),
                password=password,
                connect_timeout=DEADLINE_S,
                client_encoding="utf8",
                options=OPTIONS,
            ) as connection:
                connection.read_only = True
                return Reading(answer=self.parse(self._column(clients, connection)))

        try:
            return within(3 * DEADLINE_S, f"PostgreSQL at {address}", ask)
        except psycopg.Error as error:
            said = f"{error} ({error.sqlstate})" if error.sqlstate else str(error)
            raise no_answer("PostgreSQL", self.endpoint.service, said, _SENTENCES) from error

    def _column(self, clients: Connections, connection: "psycopg.Connection") -> str:
        """As psql prints it: the server's own text of each value."""
        from psycopg import sql

        values = {name: clients.resolve(value) for name, value in self.parameters}

        def placed(found: re.Match[str]) -> str:
            if found["name"]:
                quoted = sql.Identifier(values[found["name"]]).as_string(connection)
                return quoted.replace("%", "%%")
            return f"%({found['value']})s" if found["value"] else "%%"

        cursor = connection.cursor()
        # Checked: one query of the list; what it is given is bound, or quoted as an identifier.
        cursor.execute(_PLACE.sub(placed, self.query).encode(), values)
        found = cursor.pgresult
        if found is None or found.nfields != 1:
            columns = found.nfields if found else 0
            raise CouldNotTell(f"{self.query!r} has {columns} columns: select one.")
        rows = (found.get_value(row, 0) or b"" for row in range(found.ntuples))
        return "\n".join(row.decode("utf-8", "replace") for row in rows)
