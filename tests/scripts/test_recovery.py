"""The tools that bring objects back, and keep them: on a real SeaweedFS, and what they decide."""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scripts.cluster import BadUsage
from scripts.recovery import restore_objects
from scripts.recovery.bucket import connect
from scripts.recovery.bucket_guard import sparing, statement, with_statement, without
from scripts.recovery.restore_objects import (
    State,
    Version,
    mismatch,
    newest_first,
    parsed,
    state_at,
)
from tests.forked import ROOT, Ended, forked
from tests.sources import real_servers
from tests.sources.real_servers import SECRET

T = datetime(2026, 11, 29, 6, 0, 0, tzinfo=UTC)
JOBS = "arn:aws:iam::000000000000:user/jobs"


def one(seconds: int, *, latest: bool = False, marker: bool = False, etag: str = "e") -> Version:
    """A version, that many seconds after T."""
    at = T + timedelta(seconds=seconds)
    return Version(key="k", id=f"{at:%S}", at=at, latest=latest, marker=marker, etag=etag)


@pytest.mark.parametrize(
    ("versions", "state", "good"),
    [
        ([one(-9, latest=True)], State.RIGHT, -9),
        ([one(-9), one(5, latest=True, marker=True)], State.RESTORE, -9),
        ([one(-9), one(-5), one(5, latest=True, etag="f")], State.RESTORE, -5),
        ([one(-9), one(0, latest=True, etag="f")], State.RESTORE, -9),  # the accident's own second
        ([one(-9, etag="f"), one(-9, latest=True, marker=True)], State.WAS_DELETED, None),
        ([one(-9), one(-5, marker=True), one(5, latest=True)], State.WAS_DELETED, None),
        ([one(1, latest=True)], State.NEWER, None),
        ([one(1), one(2), one(2, latest=True, marker=True)], State.RESTORE, 2),
        ([one(-9), one(5, marker=True), one(7, latest=True)], State.RIGHT, -9),  # brought back
    ],
)
def test_what_a_moment_says(versions: list[Version], state: State, good: int | None) -> None:
    found, version = state_at(newest_first(versions), T)
    assert found is state
    assert good is None or (version is not None and version.at == T + timedelta(seconds=good))


def test_bytes_that_are_not_those_that_were_stored() -> None:
    head: dict[str, Any] = {"ContentLength": 3, "ETag": '"900150983cd24fb0d6963f7d28e17f72"'}
    sha256 = {"ChecksumSHA256": "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="}
    assert mismatch(head, [b"a", b"bc"]) == mismatch(head | sha256, [b"abc"]) == ""
    assert "MD5" in mismatch(head, [b"abd"])
    assert "SHA-256" in mismatch(head | sha256, [b"abd"])
    assert "2 bytes" in mismatch(head, [b"ab"])


@pytest.mark.parametrize("text", ["yesterday", "2026-11-29T06:00:00", "2026-11-29T06:00:01Z"])
def test_a_moment_that_is_none(text: str) -> None:
    with pytest.raises(BadUsage):
        parsed(text, T)


def test_a_policy_keeps_what_it_says_besides() -> None:
    other = {"Sid": "x", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    mine = statement("sales", "orders/", JOBS, "PutObject")
    policy = with_statement({"Version": "2012-10-17", "Statement": [other]}, mine)
    assert policy["Statement"] == [other, mine]
    stored = {**policy, "Statement": [other, {**mine, "Action": "s3:PutObject"}]}
    assert with_statement(stored, mine) == stored
    assert without(stored, mine)["Statement"] == [other]
    another = statement("sales", "orders/", f"{JOBS}-2", "PutObject")
    assert another["Sid"].isalnum()
    assert another["Sid"] != mine["Sid"], "S3 takes a name once"


def test_only_rules_that_expire_the_prefix_are_disabled() -> None:
    def rule(name: str, **more: Any) -> dict[str, Any]:
        return {"ID": name, "Status": "Enabled", "Expiration": {"Days": 1}, **more}

    rules = [
        rule("all", Filter={}),
        rule("tmp", Filter={"Prefix": "tmp/"}),
        rule("deeper", Prefix="orders/2026/"),
        rule("tagged", Filter={"And": {"Prefix": "ord", "Tags": []}}),
        rule("markers", Filter={}, Expiration={"ExpiredObjectDeleteMarker": True}),
        rule("off", Filter={}, Status="Disabled"),
    ]
    new, disabled = sparing(rules, "orders/")
    assert disabled == ["all", "deeper", "tagged"]
    assert [one["ID"] for one in new if one["Status"] == "Enabled"] == ["tmp", "markers"]


Run = Callable[..., Ended]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """A tool as the bucket's owner."""
    import runpy

    def ran(tool: str, *words: str) -> Ended:
        script = f"scripts/recovery/{tool}.py"
        account = {"AWS_ACCESS_KEY_ID": "owner", "AWS_SECRET_ACCESS_KEY": SECRET}

        def program() -> None:
            runpy.run_path(script, run_name="__main__")

        return forked(program, (script, *words), ROOT, {**os.environ, **account})

    for name, value in (("AWS_ACCESS_KEY_ID", "owner"), ("AWS_SECRET_ACCESS_KEY", SECRET)):
        monkeypatch.setenv(name, value)
    return ran


def put(store: Any, key: str, body: bytes) -> None:
    store.put_object(Bucket="lake", Key=key, Body=body, ChecksumAlgorithm="SHA256")


def test_on_a_real_store(nobodys: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with real_servers.object_store(nobodys) as address:
        owner, jobs = (real_servers.s3_client(address, name) for name in ("owner", "jobs"))
        place = (f"--endpoint-url=http://{address}", "--bucket=lake", "--prefix=orders/")
        restoring = (*place, "--before=2026-01-01T00:00:00Z")
        assert "keeps no versions" in run("restore_objects", *restoring).err
        for status in ("Suspended", "Enabled"):
            owner.put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": status})
            if status == "Suspended":
                assert "Enable them first" in run("restore_objects", *restoring).err
        assert "begins with 'orders/'" in run("restore_objects", *restoring).err
        for number in range(6):
            put(owner, f"orders/{number}", b"good %d" % number)
        put(owner, "other/0", b"good")
        done = run("restore_objects", *restoring)
        assert (done.code, "as old as that" in done.err) == (1, True)

        time.sleep(1.1)
        before = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for key in ("orders/0", "orders/1", "other/0"):
            jobs.delete_object(Bucket="lake", Key=key)
        put(jobs, "orders/2", b"")
        put(jobs, "orders/new", b"new")
        put(jobs, "orders/brief", b"brief")
        jobs.delete_object(Bucket="lake", Key="orders/brief")
        restoring = (*place, f"--before={before}", "--json")
        counts = {"restored": 4, "right": 3, "newer": 1, "was_deleted": 0, "lost": 0, "bytes": 23}
        for words, expected in (
            ((*restoring, "--dry-run"), counts),
            (restoring, counts),
            (restoring, counts | {"restored": 0, "right": 6, "newer": 2, "bytes": 0}),
        ):
            time.sleep(1.1)
            done = run("restore_objects", *words)
            assert done.code == 0, done.err
            assert expected.items() <= json.loads(done.out).items()
        listed = owner.list_objects_v2(Bucket="lake")["Contents"]
        assert "other/0" not in [one["Key"] for one in listed]
        assert owner.get_object(Bucket="lake", Key="orders/2")["Body"].read() == b"good 2"

        # What is lost is named, and what is undone while it runs is not called restored.
        jobs.delete_object(Bucket="lake", Key="orders/3")
        monkeypatch.setattr(restore_objects, "mismatch", lambda head, chunks: "other bytes")
        store, moment = connect(f"http://{address}"), datetime.fromisoformat(before)
        found = restore_objects.restore(store, "lake", "orders/", moment, dry_run=False)
        assert (found["lost"], found["failed"]) == (1, ["orders/3: other bytes"])

        denying = ("deny", *place, f"--account={JOBS}", "--action=DeleteObject")
        for changed in (True, False):
            done = run("bucket_guard", *denying, "--json")
            assert json.loads(done.out)["changed"] is changed, done.err
        with pytest.raises(jobs.exceptions.ClientError, match="AccessDenied"):
            jobs.delete_object(Bucket="lake", Key="orders/0")
        put(jobs, "orders/4", b"allowed")
        assert run("bucket_guard", *denying, "--take-back").code == 0
        jobs.delete_object(Bucket="lake", Key="orders/0")

        rule = {"ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}}
        rules = {"Rules": [{**rule, "Expiration": {"Days": 1}}]}
        owner.put_bucket_lifecycle_configuration(Bucket="lake", LifecycleConfiguration=rules)
        assert json.loads(run("bucket_guard", "spare", *place, "--json").out)["disabled"] == ["all"]
        (kept,) = owner.get_bucket_lifecycle_configuration(Bucket="lake")["Rules"]
        assert kept["Status"] == "Disabled"
    done = run("restore_objects", *restoring)
    assert (done.code, "no answer" in done.err or "connect" in done.err) == (4, True), done.err


@pytest.mark.parametrize("tool", ["restore_objects", "bucket_guard"])
def test_help_and_bad_usage(tool: str, run: Run) -> None:
    said = run(tool, "--help").out
    assert all(word in said for word in ("Example:", "Exit codes:", "--dry-run", "Safe to run"))
    words = ("deny", "--account=arn:x", "--action=PutObject") if tool == "bucket_guard" else ()
    done = run(tool, *words, "--bucket=b", "--prefix=", *(() if words else ("--before=x",)))
    assert (done.code, "the prefix" in done.err) == (2, True)
