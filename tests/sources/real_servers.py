"""Real servers, as an unprivileged user in a folder of the test's: PostgreSQL, Redis, SeaweedFS."""

import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

PG = Path("/usr/lib/postgresql/15/bin")
SECRET = "p@ss w'rd"  # noqa: S105


def program(name: str, *others: str) -> str:
    """Where a program is; the test is skipped where it is not installed."""
    folders = f"{Path(sys.executable).parent}:{PG}:{os.environ['PATH']}"
    found = next(filter(None, (shutil.which(one, path=folders) for one in (name, *others))), None)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def free_ports(number: int) -> list[int]:
    """Below those that the kernel gives away; SeaweedFS listens 10,000 above each too."""
    found: list[int] = []
    while len(found) < number:
        port = random.randrange(20000, 22000)  # noqa: S311 - two servers must not have one
        with socket.socket() as one, socket.socket() as other, suppress(OSError):
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + 10000))
            found.append(port)
    return found


def _as_nobody(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root, and nothing else here needs to."""
    if os.geteuid() != 0:
        return []
    shutil.chown(folder, "nobody", "nogroup")
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


@contextmanager
def running(folder: Path, words: Sequence[str], ready: Callable[[], bool]) -> Iterator[None]:
    """The server until the end of the block."""
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([*_as_nobody(folder), *words], cwd=folder, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 60
        while not ready():
            said = (folder / "log").read_text()[-2000:]
            assert server.poll() is None, said
            assert time.monotonic() < until, said
            time.sleep(0.1)
        yield
    finally:
        server.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            server.wait(2)
        server.kill()  # SeaweedFS takes its time, and nobody needs its data again
        server.wait()


def _works(*words: str) -> bool:
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Its address. `reader` may only read, by its password; the rest is the superuser's."""
    program("psql")
    port = str(free_ports(1)[0])
    data, initdb = str(folder / "data"), program("initdb")
    as_nobody = _as_nobody(folder)
    initial = [initdb, "-D", data, "-A", "scram-sha-256", "-U", "owner", "-N", "--no-instructions"]
    (folder / "pw").write_text(SECRET)
    (folder / "pw").chmod(0o644)
    subprocess.run([*as_nobody, *initial, "--pwfile", str(folder / "pw")], check=True, cwd=folder)
    words = [program("postgres"), "-D", data, "-p", port, "-k", str(folder), "-h", "127.0.0.1"]
    with running(folder, words, lambda: _works(program("pg_isready"), "-qh127.0.0.1", "-p", port)):
        quoted = SECRET.replace("'", "''")
        statements = (
            "create table orders (id int, region text)",
            "insert into orders values (1,'north'), (2,'it''s; drop table orders'), (3,null)",
            'create table "od""d; drop table orders" as select 7 as id',
            "create table hidden (id int)",
            f"create role reader login password '{quoted}'",
            'grant select on orders, "od""d; drop table orders" to reader',
        )
        owner = {**os.environ, "PGPASSWORD": SECRET}
        place = ["-h", "127.0.0.1", "-p", port, "-U", "owner", "-d", "postgres"]
        subprocess.run(
            ["psql", "-qXv", "ON_ERROR_STOP=1", *place, "-c", ";".join(statements)],
            env=owner,
            check=True,
        )
        yield f"127.0.0.1:{port}"


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Its address. `reader` may only read, by its password."""
    import redis as library

    program("redis-cli")
    port = free_ports(1)[0]
    # Debian's redis-tools hold the server too, under the name of a check.
    (folder / "redis-server").symlink_to(program("redis-server", "redis-check-rdb"))
    rights = "~* +@read +ping +info +dbsize +config|get +client|list"
    (folder / "redis.conf").write_text(
        f"port {port}\nbind 127.0.0.1\nsave ''\n"
        f'user default on "#{hashlib.sha256(SECRET.encode()).hexdigest()}" ~* +@all\n'
        f'user reader on "#{hashlib.sha256(SECRET.encode()).hexdigest()}" {rights}\n'
    )
    client = library.Redis(port=port, password=SECRET)

    def ready() -> bool:
        try:
            return bool(client.ping())
        except library.RedisError:
            return False

    with running(folder, ["./redis-server", "redis.conf"], ready), client:
        client.set("it's; $(id)\n", 'a "b"\\ é')
        client.set("-x", "")
        client.rpush("queue", "1", "2")
        client.hset("hash", "f", "v")
        client.set("soon", "1", ex=5000)
        yield f"127.0.0.1:{port}"


@contextmanager
def object_store(folder: Path) -> Iterator[str]:
    """Its address. The key `reader` may read and list, `jobs` write too, `owner` may do all."""
    weed = program("weed")
    program("aws")
    master, volume, filer, s3, metrics, iceberg = free_ports(6)
    identities = [
        {
            "name": name,
            "credentials": [{"accessKey": name, "secretKey": SECRET}],
            "actions": actions,
        }
        for name, actions in (
            ("owner", ["Admin", "Read", "Write", "List"]),
            ("jobs", ["Read", "Write", "List"]),
            ("reader", ["Read", "List"]),
        )
    ]
    (folder / "cfg.json").write_text(json.dumps({"identities": identities}))
    words = [
        *(weed, "-logtostderr=true", "server", f"-dir={folder}", "-ip=127.0.0.1"),
        *("-ip.bind=127.0.0.1", "-master.telemetry=false", f"-master.port={master}"),
        *(f"-volume.port={volume}", "-filer", f"-filer.port={filer}", "-s3", f"-s3.port={s3}"),
        *(f"-s3.port.iceberg={iceberg}", "-s3.port.lance=0", f"-s3.config={folder / 'cfg.json'}"),
        *("-volume.max=50", "-master.volumeSizeLimitMB=64", f"-metricsPort={metrics}"),
    ]

    client = s3_client(f"127.0.0.1:{s3}", "owner")

    def ready() -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            client.create_bucket(Bucket="lake")
            client.put_object(Bucket="lake", Key="first", Body=b"")
        except (BotoCoreError, ClientError):
            return False
        return True

    with running(folder, words, ready):
        yield f"127.0.0.1:{s3}"


def s3_client(address: str, name: str):  # type: ignore[no-untyped-def]
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=f"http://{address}",
        region_name="us-east-1",
        aws_access_key_id=name,
        aws_secret_access_key=SECRET,
    )
