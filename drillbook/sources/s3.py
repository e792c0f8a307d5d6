"""A bucket of an S3 store: how many objects, one object, its versions, what expires it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from drillbook.cluster.clients import Connections
from drillbook.cluster.deadline import within
from drillbook.model import Absent, Answer, Command, Credential, Endpoint, Reading, Word, join
from drillbook.model.errors import CouldNotTell, beginning
from drillbook.model.words import setting
from drillbook.sources.forwarded import DEADLINE_S, no_answer, only_reads, through, value_of

LISTING_S: Final = 20
"""All pages of one listing."""
MOST: Final = 1000
"""Names that one page of a listing holds."""
REGION: Final = "us-east-1"
_SENTENCES: Final = (
    ("NoSuchBucket", "The bucket is not there: was it deleted, or is its name another?"),
    ("InvalidAccessKeyId", "The store does not know the Secret's key: was the key removed?"),
    ("SignatureDoesNotMatch", "The Secret's key is not the store's: which of the two changed?"),
    ("AccessDenied", "The reading account may not: look at its policy (Read and List)."),
    ("(403)", "The key is unknown or may not read: look at the Secret and at the policy."),
    ("SlowDown", "The store is overloaded: look at its load before you ask again."),
    ("timeout", "It answers nothing in time: look at its load and its disks."),
    ("Could not connect", "Nothing listens there: is the server running?"),
    ("Connection was closed", "Nothing listens in its pod, or it ended: read the pod's log."),
)


class Ask(StrEnum):
    """What can be asked. Of a bucket, `key` is the prefix; else it is one object's key."""

    COUNT = "count"
    """Objects under a prefix."""
    NEWEST = "newest"
    """When the last of them was written, as `2026-11-28T15:54:20Z`."""
    SIZE = "size"
    """Bytes; this is also how an object is known to be there."""
    ETAG = "etag"
    MODIFIED = "modified"
    CHECKSUM = "checksum"
    """As it was stored with the object, `SHA256:...`; an object without one is Absent."""
    VERSIONS = "versions"
    """How many of them there are, without delete markers; of the first thousand."""
    LATEST = "latest"
    """`present` or `deleted`; never there, or without versions, is Absent."""
    DELETED = "deleted"
    """Keys under a prefix whose newest version is a delete marker."""
    EXPIRES = "expires"
    """Enabled lifecycle rules that expire present versions, and whose prefix covers the key. Where
    the bucket has no rules at all it is 0, and the printed line ends with the store's error."""


# A listing says for which prefix it is, so nobody has to put a key into a query, and an object that
# is not there is an answer, not an error. SeaweedFS lists a versioned key behind its longer ones.
_ONE: Final = "[IsTruncated, Prefix, Contents[].[Key, {}]]"
_SUMS: Final = ("SHA256", "SHA1", "CRC64NVME", "CRC32C", "CRC32")
_QUERIES: Final[Mapping[Ask, tuple[str, str]]] = {
    Ask.COUNT: ("list-objects-v2", "length(Contents || `[]`)"),
    Ask.NEWEST: ("list-objects-v2", "sort(Contents[].LastModified || `[]`)[-1]"),
    Ask.SIZE: ("list-objects-v2", _ONE.format("Size")),
    Ask.ETAG: ("list-objects-v2", _ONE.format("ETag")),
    Ask.MODIFIED: ("list-objects-v2", _ONE.format("LastModified")),
    Ask.CHECKSUM: (
        "head-object",
        f"[{', '.join(f'Checksum{name}' for name in _SUMS)}]",
    ),
    Ask.VERSIONS: ("list-object-versions", "[IsTruncated, Prefix, Versions[].Key]"),
    Ask.LATEST: (
        "list-object-versions",
        "[IsTruncated, Prefix, Versions[?IsLatest].Key, DeleteMarkers[?IsLatest].Key]",
    ),
    Ask.DELETED: ("list-object-versions", "length(DeleteMarkers[?IsLatest] || `[]`)"),
    Ask.EXPIRES: (
        "get-bucket-lifecycle-configuration",
        'length(Rules[?Status==`"Enabled"` && (Expiration.Days || Expiration.Date) && '
        'starts_with(`"{}"`, Filter.Prefix || Filter.And.Prefix || Prefix || `""`)] || `[]`)',
    ),
}
_EVERY: Final = (Ask.COUNT, Ask.NEWEST, Ask.DELETED)
"""What goes through all pages."""
_NUMBERS: Final = (Ask.COUNT, Ask.DELETED, Ask.EXPIRES)


@dataclass(frozen=True, kw_only=True)
class S3:
    """Answers as text; `ask` says what."""

    endpoint: Endpoint
    bucket: Word
    ask: Ask
    access: Credential
    """The key's id."""
    secret: Credential
    key: Word = ""

    def __post_init__(self) -> None:
        """Raises ValueError for a key that is missing, or that the command line would read from a
        file."""
        if not self.key and self.ask not in _EVERY:
            raise ValueError(f"{self.ask}: of which key?")
        only_reads(self.command())

    def command(self) -> Command:
        operation, query = _QUERIES[self.ask]
        named = "--key=" if self.ask is Ask.CHECKSUM else "--prefix="
        more = (join(named, self.key),) if self.key else ()
        asked: Word = query
        if self.ask is Ask.EXPIRES:
            # The configuration does not say for which key it is asked.
            before, after = query.split("{}")
            more, asked = (), join(before, self.key, after)
        elif self.ask is Ask.CHECKSUM:
            more = (*more, "--checksum-mode=ENABLED")
        elif self.ask not in _EVERY:
            # Only one page says which prefix was asked for.
            more = (*more, "--no-paginate", f"--max-keys={MOST}")
        words: tuple[Word, ...] = (
            setting("AWS_ACCESS_KEY_ID", self.access.var),
            setting("AWS_SECRET_ACCESS_KEY", self.secret.var),
            *("timeout", str(LISTING_S), "aws", "s3api", operation),
            *(join("--endpoint-url=http://", self.endpoint.var), f"--region={REGION}"),
            *(join("--bucket=", self.bucket), *more, join("--query=", asked), "--output=json"),
        )
        return Command(words)

    def parse(self, text: str) -> Answer:
        try:
            return self._answer(json.loads(text))
        except (ValueError, TypeError, LookupError) as error:
            raise CouldNotTell(f"not an answer of an S3 store: {beginning(text, 80)!r}") from error

    def _answer(self, found: Any) -> Answer:
        gone = Absent(f"{self.ask} in the bucket")
        if self.ask in _NUMBERS:
            return str(int(found))
        if self.ask is Ask.NEWEST:
            return _stamp(found) if found else gone
        if self.ask is Ask.CHECKSUM:
            pairs = zip(_SUMS, found or [], strict=False)
            return next((f"{name}:{value}" for name, value in pairs if value), gone)
        truncated, key, there, *more = found
        if self.ask is Ask.VERSIONS:
            answer: Answer = str((there or []).count(key))
        elif self.ask is Ask.LATEST:
            deleted = key in (more[0] or [])
            answer = "deleted" if deleted else "present" if key in (there or []) else gone
        else:
            told = next((value for name, value in there or [] if name == key), None)
            answer = gone if told is None else str(told).strip('"')
            if self.ask is Ask.MODIFIED and told is not None:
                answer = _stamp(told)
        if truncated and (self.ask is Ask.VERSIONS or answer == gone):
            raise CouldNotTell(f"more than {MOST} names begin with the key: ask for a longer one.")
        return answer

    def read(self, clients: Connections) -> Reading:
        return through(clients, self.endpoint, lambda address: self._ask(clients, address))

    def _ask(self, clients: Connections, address: str) -> Reading:
        import boto3
        import jmespath
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        access, secret = value_of(clients, self.access), value_of(clients, self.secret)
        bucket, key = clients.resolve(self.bucket), clients.resolve(self.key)
        if key.startswith(("file://", "fileb://")):
            raise CouldNotTell(f"the key {key!r}: the AWS command line would read it from a file")
        operation, query = _QUERIES[self.ask]
        if self.ask is Ask.EXPIRES:
            if set(key) & set('"`\\'):
                raise CouldNotTell(f"the key {key!r}: a quote or a backslash would end the query")
            query = query.replace("{}", key)

        def ask() -> Any:
            client = boto3.session.Session().client(
                "s3",
                endpoint_url=f"http://{address}",
                region_name=REGION,
                aws_access_key_id=access,
                aws_secret_access_key=secret,
                config=Config(
                    connect_timeout=DEADLINE_S,
                    read_timeout=DEADLINE_S,
                    retries={"total_max_attempts": 1},
                    proxies={},
                    s3={"addressing_style": "path"},
                ),
            )
            try:
                if self.ask in _EVERY:
                    pages = client.get_paginator(operation.replace("-", "_"))
                    return pages.paginate(Bucket=bucket, Prefix=key).build_full_result()
                if self.ask is Ask.CHECKSUM:
                    return client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
                if self.ask is Ask.EXPIRES:
                    return client.get_bucket_lifecycle_configuration(Bucket=bucket)
                listing = getattr(client, operation.replace("-", "_"))
                return listing(Bucket=bucket, Prefix=key, MaxKeys=MOST)
            finally:
                client.close()

        try:
            answer = within(LISTING_S, f"the S3 store at {address}", ask)
        except ClientError as error:
            if self.ask is Ask.CHECKSUM and error.response["Error"]["Code"] == "404":
                return Reading(answer=Absent("the object, or its bucket"))
            if error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration":
                return Reading(answer="0")
            raise no_answer("the store", self.endpoint.service, str(error), _SENTENCES) from error
        except BotoCoreError as error:
            raise no_answer("the store", self.endpoint.service, str(error), _SENTENCES) from error
        # As the command line prints it: dates are text there.
        plain = json.loads(json.dumps(answer, default=str))
        return Reading(answer=self.parse(json.dumps(jmespath.search(query, plain))))


def _stamp(text: str) -> str:
    at = datetime.fromisoformat(text).astimezone(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
