#!/usr/bin/env python3
"""Brings the objects of a prefix back to what they were at a moment, from their older versions."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

# Run by its path, Python looks for modules in this file's folder instead of the checkout.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.cluster import BadUsage, NotDone, errors_as_exit_codes
from scripts.recovery.bucket import CONNECTIONS, asking, connect

HELP = """Bring the objects of a prefix back to what they were before a moment.

For each object its newest version from before the moment is copied over the present one, read back
and compared with the checksum that was stored with it (SHA-256, else the MD5 in its ETag). It only
adds versions; what it covers stays below. It counts:

\b
  restored        brought back, and verified
  right           its present version is that one, or has the same bytes
  newer           first written since the moment, and there: left alone
  was_deleted     deleted before the moment: left alone
  lost            could not be brought back; the first ones are named

An object that was first written since the moment and is deleted now gets its newest version back.
What an unversioned bucket lost is not there to be found: the tool refuses it. Stop whoever deletes
or overwrites first: it ends with 1 when its own work is undone while it runs.

Example:

\b
  export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
  restore_objects.py --endpoint-url http://lake:8333 --bucket sales --prefix orders/ \\
    --before 2026-11-29T06:00:00Z --dry-run

Safe to run twice: what is right is left alone. Exit codes: 0 all are right, 1 refused, or an object
is lost, 2 bad usage, 4 the store gave no answer.
"""
ROUNDS = 5
"""How often it looks again for what was undone meanwhile."""
PAUSE_S = 1.0
SAY_S = 5.0
NAMED = 10

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@dataclass(frozen=True, kw_only=True)
class Version:
    """One entry of a bucket's list of versions. `at`: when it was written, whole seconds (UTC)."""

    key: str
    id: str
    at: datetime
    latest: bool
    marker: bool = False
    """A delete marker, which has neither bytes nor checksum."""
    etag: str = ""
    size: int = 0


class State(StrEnum):
    """What the moment says of an object."""

    RESTORE = "restore"
    RIGHT = "right"
    NEWER = "newer"
    WAS_DELETED = "was_deleted"


@app.command(help=HELP)
def main(
    bucket: Annotated[str, typer.Option(help="The bucket.")],
    prefix: Annotated[str, typer.Option(help="What the objects' keys begin with.")],
    before: Annotated[str, typer.Option(help="The moment, such as 2026-11-29T06:00:00Z.")],
    endpoint_url: Annotated[str, typer.Option(help="The store's address; default: AWS.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count and say, change nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    with errors_as_exit_codes():
        if not prefix:
            raise BadUsage("the prefix is empty: it would mean every object of the bucket.")
        moment, began = parsed(before, datetime.now(UTC)), time.monotonic()
        found = restore(connect(endpoint_url), bucket, prefix, moment, dry_run=dry_run)
        place = {"bucket": bucket, "prefix": prefix, "before": before, "dry_run": dry_run}
        done = {**place, **found, "seconds": round(time.monotonic() - began, 1)}
        typer.echo(json.dumps(done, indent=2) if as_json else as_text(done))
        if done["lost"]:
            raise NotDone(f"{done['lost']} objects are lost: {'; '.join(done['failed'])}")


def restore(
    store: Any, bucket: str, prefix: str, moment: datetime, *, dry_run: bool
) -> dict[str, Any]:
    """Until a list of the bucket shows nothing left to do. Raises NotDone, NoAnswer."""
    with asking(f"the bucket {bucket}"):
        status = store.get_bucket_versioning(Bucket=bucket).get("Status")
    if status is None:
        raise NotDone(
            f"the bucket {bucket} keeps no versions, so nothing of it can be brought back from "
            "itself. Look for a replica or a backup."
        )
    if status != "Enabled":
        raise NotDone(
            f"the versions of {bucket} are {status.lower()}: a copy would replace what is there "
            "now. Enable them first (`aws s3api put-bucket-versioning`), then run this again."
        )
    restored: dict[str, int] = {}
    failed: dict[str, str] = {}
    for _ in range(ROUNDS):
        found = listed(store, bucket, prefix)
        refuse_strange(found, prefix, moment)
        states = {key: state_at(versions, moment) for key, versions in found.items()}
        todo = [good for state, good in states.values() if state is State.RESTORE and good]
        todo = [good for good in todo if good.key not in failed]
        if dry_run or not todo:
            break
        for good, why in copied(store, bucket, todo):
            if why:
                failed[good.key] = why
            else:
                restored[good.key] = good.size
        time.sleep(PAUSE_S)
    else:
        failed |= {good.key: "undone again meanwhile: something still runs" for good in todo}
    count = Counter(state for key, (state, _) in states.items() if key not in {*restored, *failed})
    return {
        "restored": len(todo) if dry_run else len(restored.keys() - failed.keys()),
        **{str(state): count[state] for state in State if state is not State.RESTORE},
        "lost": len(failed),
        "bytes": sum(good.size for good in todo) if dry_run else sum(restored.values()),
        "failed": [f"{key}: {why}" for key, why in sorted(failed.items())[:NAMED]],
    }


def listed(store: Any, bucket: str, prefix: str) -> Mapping[str, list[Version]]:
    """Key -> its versions and delete markers, the newest first. Raises NotDone, NoAnswer."""
    found: dict[str, list[Version]] = defaultdict(list)
    with asking(f"the versions of {bucket}/{prefix}"):
        for page in store.get_paginator("list_object_versions").paginate(
            Bucket=bucket, Prefix=prefix
        ):
            for kind in ("Versions", "DeleteMarkers"):
                for one in page.get(kind, ()):
                    found[one["Key"]].append(version_of(one, marker=kind == "DeleteMarkers"))
    return {key: newest_first(versions) for key, versions in found.items()}


def copied(store: Any, bucket: str, todo: Sequence[Version]) -> Iterator[tuple[Version, str]]:
    """Each version, and why it could not be copied and verified; empty when it was."""
    said = time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        under_way = {pool.submit(copy, store, bucket, one): one for one in todo}
        for number, future in enumerate(as_completed(under_way), start=1):
            yield under_way[future], future.result()
            if time.monotonic() - said > SAY_S:
                said = time.monotonic()
                typer.echo(f"{number} of {len(todo)} objects", err=True)


def copy(store: Any, bucket: str, good: Version) -> str:
    """Copy one version over the present one and read it back; why it did not work, or empty."""
    source = {"Bucket": bucket, "Key": good.key, "VersionId": good.id}
    try:
        head = store.head_object(**source, ChecksumMode="ENABLED")
        store.copy_object(Bucket=bucket, Key=good.key, CopySource=source)  # of 5 GiB at most
        body = store.get_object(Bucket=bucket, Key=good.key)["Body"]
        return mismatch(head, body.iter_chunks(1 << 20))
    except (BotoCoreError, ClientError) as error:
        return str(error)


# --------------------------------------------------------------------------- pure


def parsed(text: str, now: datetime) -> datetime:
    """A moment with its zone. Raises BadUsage, also for one that has not been yet."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadUsage(f"{text!r} is no moment: write it as 2026-11-29T06:00:00Z.") from error
    if moment.tzinfo is None:
        raise BadUsage(f"{text!r} says no zone: put a Z behind it for UTC.")
    if moment > now:
        raise BadUsage(f"{text} has not been yet; it is {now:%Y-%m-%dT%H:%M:%SZ}.")
    return moment


def version_of(entry: Mapping[str, Any], *, marker: bool) -> Version:
    return Version(
        key=entry["Key"],
        id=entry["VersionId"],
        at=entry["LastModified"],
        latest=entry["IsLatest"],
        marker=marker,
        etag=entry.get("ETag", "").strip('"'),
        size=entry.get("Size", 0),
    )


def newest_first(versions: Iterable[Version]) -> list[Version]:
    """By their whole seconds; of one second the present one first, and bytes before markers."""
    return sorted(versions, key=lambda one: (one.at, one.latest, not one.marker), reverse=True)


def refuse_strange(found: Mapping[str, Sequence[Version]], prefix: str, moment: datetime) -> None:
    """Raises NotDone where the prefix or the moment must be a slip."""
    if not found:
        raise NotDone(f"no object, and no version of one, begins with {prefix!r}: is it right?")
    oldest = min(versions[-1].at for versions in found.values())
    if oldest >= moment:
        raise NotDone(
            f"nothing under {prefix!r} is as old as that: its oldest version is of "
            f"{oldest:%Y-%m-%dT%H:%M:%SZ}. Take a later moment."
        )


def state_at(versions: Sequence[Version], moment: datetime) -> tuple[State, Version | None]:
    """What is to be done with an object, and the version that counts. `versions`: newest first. A
    version of the moment's own second does not count: it may be the accident's."""
    present = versions[0]
    older = next((one for one in versions if one.at < moment), None)
    if older is not None and older.marker:
        return State.WAS_DELETED, None
    if older is None and not present.marker:
        return State.NEWER, None
    good = older or next((one for one in versions if not one.marker), None)
    if good is None:
        return State.WAS_DELETED, None
    same = (present.etag, present.size) == (good.etag, good.size)
    return (State.RIGHT if not present.marker and same else State.RESTORE), good


def mismatch(head: Mapping[str, Any], chunks: Iterable[bytes]) -> str:
    """How the bytes differ from what was stored with a version; empty when they do not. What was
    uploaded in parts, or encrypted by a key, has no checksum of its bytes but its size."""
    sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    for chunk in chunks:
        sha256.update(chunk)
        md5.update(chunk)
        size += len(chunk)
    stored, etag = head.get("ChecksumSHA256", "-"), head["ETag"].strip('"')
    if size != head["ContentLength"]:
        return f"{size} bytes were read back, not {head['ContentLength']}"
    if "-" not in stored:
        return "" if b64encode(sha256.digest()).decode() == stored else "its SHA-256 is another"
    plain = "-" not in etag and "aws:kms" not in head.get("ServerSideEncryption", "")
    return "its MD5 is another" if plain and md5.hexdigest() != etag else ""


def as_text(done: Mapping[str, Any]) -> str:
    """The outcome for people."""
    words = {
        "restored": "would be restored" if done["dry_run"] else "restored and verified",
        "right": "were right already",
        "newer": "are newer than the moment",
        "was_deleted": "had been deleted before it",
        "lost": "lost",
    }
    told = "".join(f"\n  {done[name]:>8} {what}" for name, what in words.items())
    head = f"{done['bucket']}/{done['prefix']} as it was before {done['before']}:"
    dry = "\n(dry run: nothing was changed)" if done["dry_run"] else ""
    return f"{head}{told}\n  {done['bytes']} bytes in {done['seconds']} s{dry}"


if __name__ == "__main__":
    app()
