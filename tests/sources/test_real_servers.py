"""Both faces of each source against its real server: one answer, or why there is none."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from drillbook.cluster.clients import Connections
from drillbook.cluster.settings import Settings
from drillbook.model import Absent, Answer, Credential, Endpoint, Reading, Source, Var
from drillbook.model.errors import CouldNotTell
from drillbook.sources import S3, Ask, Redis, Sql, forwarded
from tests.sources import real_servers
from tests.sources.real_servers import SECRET

PLACE = Endpoint(var=Var("PLACE"), service="store", port=1)
PASSWORD = Credential(var=Var("PASSWORD"), secret="reader", key="password")
ACCESS = Credential(var=Var("ACCESS"), secret="reader", key="id")
HOSTILE = ("it's; drop table orders", "$(touch /tmp/x) `id`", '-x "y"\n\\!', "é\u2028%s:x", "--")


@pytest.fixture(autouse=True)
def _the_pod_of_the_server_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the Kubernetes API would say of these servers, which run beside the tests."""
    ready = SimpleNamespace(read=lambda clients: Reading(answer="true"))
    monkeypatch.setattr(forwarded, "serving", lambda endpoint: ready)


class Local(Connections):
    """Connections to a server that needs no forward."""

    def reach(self, endpoint: Endpoint, *, again: bool = False) -> str | Absent:
        return self.values[endpoint.var.name]


def local(address: str, **values: str) -> Local:
    known = {"PLACE": address, "PASSWORD": SECRET, "ACCESS": "reader"}
    return Local(Settings(root=Path(), kubeconfig=Path("none")), {**known, **values})


def printed(source: Source, clients: Connections) -> Answer:
    """What a responder's shell gets. Raises CouldNotTell, also where the line fails."""
    done = subprocess.run(
        ["bash", "-eu", "-c", str(source.command())],
        env=clients.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CouldNotTell(f"exit {done.returncode}: {done.stderr} {done.stdout}")
    return source.parse(done.stdout)


def both(source: Source, clients: Connections) -> Answer:
    """The answer of both faces, which is one."""
    found = source.read(clients).answer
    shown = printed(source, clients)
    assert isinstance(found, Absent) == isinstance(shown, Absent), (found, shown)
    assert isinstance(found, Absent) or found == shown, str(source.command())
    return found


def neither(source: Source, clients: Connections, sentence: str) -> None:
    """Neither face can tell, and the read says what to do."""
    with pytest.raises(CouldNotTell, match=sentence):
        source.read(clients)
    with pytest.raises(CouldNotTell):
        printed(source, clients)


def sql(query: str, user: str = "reader", database: str = "postgres", **given: str | Var) -> Sql:
    parameters = tuple(given.items())
    return Sql(
        endpoint=PLACE,
        user=user,
        database=database,
        password=PASSWORD,
        query=query,
        parameters=parameters,
    )


def test_postgresql(nobodys: Path) -> None:
    with real_servers.postgresql(nobodys) as address:
        clients = local(address, REGION=HOSTILE[0])
        count = "select count(*) from orders where region = :'region'"
        assert both(sql(count, region=Var("REGION")), clients) == "1"
        assert both(sql(count, region="north"), clients) == "1"
        assert both(sql("select id from orders order by id"), clients) == "1\n2\n3"
        assert both(sql("select 7 % 4 = 3"), clients) == "t"
        assert both(sql('select id from :"t"', t='od"d; drop table orders'), clients) == "7"
        for text in HOSTILE:
            assert both(sql("select :'x' || '.'", x=text), clients) == f"{text}."
            where = sql("select id from orders where region = :'x'", x=Var("X"))
            found = both(where, local(address, X=text))
            assert isinstance(found, Absent) == (text != HOSTILE[0])
        assert isinstance(both(sql("select region from orders where id = 3"), clients), Absent)
        neither(sql("select id from nothing"), clients, "Was its schema created")
        neither(sql("select id from hidden"), clients, "grant it select")
        neither(sql("select 1", database="a=b host=x"), clients, "The database is not there")
        neither(sql("select pg_sleep(60)::text"), clients, "waits for a lock")
        neither(
            sql("with x as (delete from orders returning 1) select 1", "owner"), clients, "writes"
        )
        neither(sql("select 1"), local(address, PASSWORD="no"), "The Secret's password is not")
        with pytest.raises(CouldNotTell, match="2 columns"):
            sql("select 1, 2").read(clients)
    neither(sql("select 1"), clients, "Nothing listens there")


@pytest.mark.parametrize(
    ("query", "given"),
    [
        ("select 1; drop table orders", {}),
        ("delete from orders", {}),
        ("select 1 \\! id", {}),
        ("select :x", {"x": "1"}),
        ("select :'x'", {}),
        ("select 1", {"x": "1"}),
    ],
)
def test_a_query_that_may_be_more_than_a_read_is_refused(
    query: str, given: Mapping[str, str]
) -> None:
    with pytest.raises(ValueError, match=r"select|holds|named?s?|quotes"):
        sql(query, **given)


def redis(*asks: str | Var, field: str = "") -> Redis:
    return Redis(endpoint=PLACE, asks=asks, field=field, user="reader", password=PASSWORD)


def test_redis(nobodys: Path) -> None:
    with real_servers.redis(nobodys) as address:
        clients = local(address, KEY="it's; $(id)\n")
        assert both(redis("PING"), clients) == "PONG"
        assert both(redis("GET", Var("KEY")), clients) == 'a "b"\\ é'
        assert both(redis("GET", "-x"), clients) == ""
        assert both(redis("DBSIZE"), clients) == "5"
        assert both(redis("LLEN", "queue"), clients) == "2"
        assert both(redis("LINDEX", "queue", "-1"), clients) == "2"
        assert both(redis("HGET", "hash", "f"), clients) == "v"
        assert both(redis("EXISTS", "nothing"), clients) == "0"
        assert both(redis("TTL", "queue"), clients) == "-1"
        assert both(redis("TYPE", "queue"), clients) == "list"
        assert both(redis("CONFIG", "GET", "maxmemory"), clients) == "0"
        assert both(redis("INFO", "replication", field="role"), clients) == "master"
        assert both(redis("CLIENT", "LIST"), clients) == "2"
        for asks in (("GET", "no"), ("TTL", "no"), ("HGET", "hash", "g"), ("CONFIG", "GET", "no")):
            assert isinstance(both(redis(*asks), clients), Absent)
        for text in HOSTILE:
            assert isinstance(both(redis("GET", Var("KEY")), local(address, KEY=text)), Absent)
        assert isinstance(both(redis("INFO", "server", field="no"), clients), Absent)
        neither(redis("GET", "queue"), clients, "another type")
        neither(redis("LASTSAVE"), clients, "ACL")
        neither(redis("PING"), local(address, PASSWORD="no"), "The Secret's password is not")
        nobody = Redis(endpoint=PLACE, asks=("PING",))
        neither(nobody, clients, "names no credential")
    neither(redis("PING"), clients, "Nothing listens there")
    for writes in (("SET", "a", "b"), ("CONFIG", "SET", "a"), ("GET",), ("FLUSHALL",)):
        with pytest.raises(ValueError, match="none of the commands"):
            redis(*writes)


def s3(ask: Ask, key: str | Var = "", bucket: str = "lake") -> S3:
    return S3(endpoint=PLACE, bucket=bucket, ask=ask, key=key, access=ACCESS, secret=PASSWORD)


def expire(owner: Any, prefix: str) -> None:
    """A lifecycle rule; the empty prefix: a disabled one of everything."""
    status = "Enabled" if prefix else "Disabled"
    rule = {"Filter": {"Prefix": prefix}, "Expiration": {"Days": 1}, "ID": "x", "Status": status}
    owner.put_bucket_lifecycle_configuration(
        Bucket="lake", LifecycleConfiguration={"Rules": [rule]}
    )


def test_an_object_store(nobodys: Path) -> None:
    key = "a/it's $(id) `x`; é"
    with real_servers.object_store(nobodys) as address:
        owner = real_servers.s3_client(address, "owner")
        owner.put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"})
        for body in (b"one", b"three"):
            owner.put_object(Bucket="lake", Key=key, Body=body, ChecksumAlgorithm="SHA256")
        owner.put_object(Bucket="lake", Key=f"{key}.longer", Body=b"x")
        owner.put_object(Bucket="lake", Key="gone", Body=b"x")
        owner.delete_object(Bucket="lake", Key="gone")
        clients = local(address, KEY=key)
        assert both(s3(Ask.COUNT, "a/"), clients) == "2"
        assert both(s3(Ask.COUNT, "nothing"), clients) == "0"
        assert both(s3(Ask.SIZE, Var("KEY")), clients) == "5"
        assert both(s3(Ask.ETAG, key), clients) == "35d6d33467aae9a2e3dccb4b6b027878"
        assert str(both(s3(Ask.MODIFIED, key), clients)).endswith("Z")
        assert str(both(s3(Ask.NEWEST, "a/"), clients)).endswith("Z")
        assert both(s3(Ask.VERSIONS, key), clients) == "2"
        assert both(s3(Ask.LATEST, key), clients) == "present"
        assert both(s3(Ask.LATEST, "gone"), clients) == "deleted"
        assert (
            both(s3(Ask.CHECKSUM, key), clients)
            == "SHA256:i1udsME9skJWyCmqNkqpDG0uujGLkjKkq5MTuVTTVV8="
        )
        assert both(s3(Ask.DELETED, "g"), clients) == "1"
        assert s3(Ask.DELETED, "a/").read(clients).answer == "0"
        assert s3(Ask.EXPIRES, "a/x").read(clients).answer == "0"  # no rules at all
        rules = (("", "0"), ("tmp/", "0"), ("a/", "1"))
        for prefix, answer in rules:
            expire(owner, prefix)
            assert s3(Ask.EXPIRES, "a/x").read(clients).answer == answer
        assert both(s3(Ask.EXPIRES, Var("KEY")), local(address, KEY="a/it's $(id)")) == "1"
        with pytest.raises(CouldNotTell, match="would end the query"):
            s3(Ask.EXPIRES, 'a/"').read(clients)
        for ask in (Ask.SIZE, Ask.ETAG, Ask.MODIFIED, Ask.LATEST):
            # The beginning of another key is no object.
            assert isinstance(both(s3(ask, "a/it"), clients), Absent)
        assert isinstance(s3(Ask.CHECKSUM, "a/it").read(clients).answer, Absent)
        # The AWS command line cannot say `--` alone: it ends with an error.
        for text in (*HOSTILE[:-1], "--x"):
            assert isinstance(both(s3(Ask.SIZE, Var("KEY")), local(address, KEY=text)), Absent)
        neither(s3(Ask.SIZE, key, "nothing"), clients, "The bucket is not there")
        neither(s3(Ask.COUNT, "", "nothing"), clients, "The bucket is not there")
        neither(s3(Ask.COUNT), local(address, PASSWORD="no"), "is not the store's")
        neither(s3(Ask.COUNT), local(address, ACCESS="no"), "does not know the Secret's key")
    neither(s3(Ask.COUNT), clients, "Nothing listens there")
    with pytest.raises(ValueError, match="prefix=file://"):
        s3(Ask.SIZE, "file:///etc/passwd")
    with pytest.raises(CouldNotTell, match="from a file"):
        s3(Ask.SIZE, Var("KEY")).read(local(address, KEY="file:///etc/passwd"))
