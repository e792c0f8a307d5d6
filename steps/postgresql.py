"""Sentences about PostgreSQL servers."""

from __future__ import annotations

from drillbook.book.sentences import given, then, when
from drillbook.model import (
    Action,
    Command,
    Component,
    Credential,
    Duration,
    Endpoint,
    Fault,
    FilledIn,
    Finding,
    Probe,
    Risk,
    Var,
    Where,
    Word,
    join,
)
from drillbook.model.matchers import at_least, equals
from drillbook.sources import Sql, kubectl
from fixtures import postgresql
from fixtures.faults import postgresql as faults
from steps.kubernetes import controller, is_ready, only_one, variable

BLOCKS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
    "AND pg_blocking_pids(pid) = '{}' AND pid IN (SELECT unnest(pg_blocking_pids(pid)) "
    "FROM pg_stat_activity WHERE datname = current_database()) ORDER BY xact_start LIMIT 1"
)
"""Who blocks others of this database and is not blocked: of a queue its head, of several queues the
oldest."""
WHO = (
    "SELECT concat_ws(', ', usename, application_name, 'in a transaction since', xact_start, "
    "left(query, 80)) FROM pg_stat_activity WHERE pid = :'pid'::int"
)


@given("a PostgreSQL server {string}")
def postgresql_server(where: Where, name: str) -> Component:
    var = variable(name)
    own = only_one(where, name, var, "statefulsets", postgresql.LABEL)
    server = postgresql.server(own.word)
    return Component(
        title="a PostgreSQL server",
        manifests=postgresql.objects(name),
        ready=(is_ready(where, server),),
        names=(own,),
        parts=(server,),
        endpoints=(Endpoint(var=Var(f"{var.name}_AT"), service=own.word, port=5432),),
        credentials=(
            Credential(
                var=Var(f"{var.name}_PASSWORD"), secret=join(own.word, "-reader"), key="password"
            ),
        ),
    )


@given("a migration keeps its lock on the table {string} of {string}")
def table_is_locked(where: Where, name: str, database: Component) -> Fault:
    return faults.table_is_locked(where, name, database)


def asked(database: Component, query: str, **parameters: Word) -> Sql:
    """A query of the applications' database, by the account that can only read."""
    (endpoint,), (password,) = database.endpoints, database.credentials
    return Sql(
        endpoint=endpoint,
        user="reader",
        database="app",
        query=query,
        parameters=tuple(parameters.items()),
        password=password,
    )


def of_sessions(what: str, which: str = "true") -> str:
    """A query of the applications' sessions, the reader's own not among them."""
    ours = "datname = 'app' AND usename = 'app'"
    return f"SELECT {what} FROM pg_stat_activity WHERE {ours} AND {which}"  # noqa: S608 - our words


WAITING = of_sessions("count(*)", "wait_event_type = 'Lock'")


def told(where: Where, database: Component, statement: str, **parameters: Word) -> Command:
    """A statement of its superuser, given in its pod; `:'name'` in it is a parameter."""
    (server,) = database.parts
    pairs = (("-v", join(name, "=", value)) for name, value in parameters.items())
    line = kubectl(
        where,
        *("exec", "-i", controller(server), "-c", server.container, "--"),
        *("psql", "-h", "/tmp", "-U", "postgres", "-d", "app"),  # noqa: S108 - its socket
        *("-XAtq", "-v", "ON_ERROR_STOP=1"),
        *(word for pair in pairs for word in pair),
    )
    return Command(line.words, statement)


@then("{int} sessions or more of {string} idle in a transaction for {duration}")
def sessions_idle(where: Where, number: int, database: Component, least: Duration) -> Probe:
    idle = "state = 'idle in transaction' AND now() - state_change > :'least'::interval"
    source = asked(database, of_sessions("count(*)", idle), least=least.text)
    return Probe(source=source, expect=at_least(number))


@then("{int} % or more of the sessions of {string} work on something younger than {duration}")
def sessions_work(where: Where, share: int, database: Component, most: Duration) -> Probe:
    young = "state = 'active' AND now() - xact_start < :'most'::interval"
    query = of_sessions(f"round(100 * avg(({young})::int))")
    return Probe(source=asked(database, query, most=most.text), expect=at_least(share))


@then("sessions of {string} wait for a lock")
def sessions_wait(where: Where, database: Component) -> Probe:
    return Probe(source=asked(database, WAITING), expect=at_least(1))


@then("no session of {string} waits for a lock within {duration}")
def no_session_waits(where: Where, database: Component, budget: Duration) -> Probe:
    return Probe(source=asked(database, WAITING), expect=equals("0"), within=budget)


@when("the session of {string} that blocks the others is ended")
def blocker_is_ended(where: Where, database: Component) -> Action:
    pid, who = Var("BLOCKING_PID"), Var("BLOCKING_SESSION")
    return Action(
        command=told(where, database, "SELECT pg_terminate_backend(:'pid'::int)", pid=pid),
        reads=(
            Finding(var=pid, command=asked(database, BLOCKS).command()),
            Finding(var=who, command=asked(database, WHO, pid=pid).command()),
        ),
        risk=Risk.DESTROYS,
        note="What its transaction did so far is rolled back, which cannot be undone: ask whoever "
        "began it to commit it first, where that takes no longer than you have.",
    )


@when("{string} ends a session of the service that idles in a transaction for {string}")
def idle_sessions_end(where: Where, database: Component, limit: str) -> Action:
    most = Var("IDLE_LIMIT")
    says = "longer than the service ever pauses inside of a transaction, such as `30s`."
    role = "ALTER ROLE app {} idle_in_transaction_session_timeout"
    return Action(
        command=told(where, database, f"{role.format('SET')} = :'limit'", limit=most),
        reads=(FilledIn(var=most, says=says, in_drill=limit),),
        note="It holds for sessions that begin after it.",
        rollback=told(where, database, role.format("RESET")),
    )
