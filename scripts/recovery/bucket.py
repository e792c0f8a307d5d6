"""What every tool needs of an S3 store: a client with a deadline, and errors that a responder can
act on. The account is that of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from scripts.cluster import BadUsage, NoAnswer, NotDone

CONNECT_S, ANSWER_S = 5, 60
"""A large object is copied within one answer."""
CONNECTIONS = 8
_SAYS = {
    "AccessDenied": "This account may not. Use one that may, such as the bucket owner's.",
    "InvalidAccessKeyId": "The store does not know this key: look at AWS_ACCESS_KEY_ID.",
    "SignatureDoesNotMatch": "The key's secret is another: look at AWS_SECRET_ACCESS_KEY.",
    "NoSuchBucket": "Look at the bucket's name.",
}


def connect(endpoint: str) -> Any:
    """A client of the store at an address; the empty string is AWS. Raises BadUsage."""
    try:
        return boto3.client(
            "s3",
            endpoint_url=endpoint or None,
            region_name=boto3.Session().region_name or "us-east-1",
            config=Config(
                connect_timeout=CONNECT_S,
                read_timeout=ANSWER_S,
                retries={"total_max_attempts": 3},
                max_pool_connections=CONNECTIONS,
                s3={"addressing_style": "path"} if endpoint else {},
            ),
        )
    except (BotoCoreError, ValueError) as error:
        raise BadUsage(f"{error}. An endpoint is an address such as http://lake:8333.") from error


@contextmanager
def asking(what: str) -> Iterator[None]:
    """Around requests. Raises NotDone when the store refused, NoAnswer when it gave no answer."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        kind = NoAnswer if status >= 500 else NotDone
        raise kind(f"{what}: {error}. {_SAYS.get(code, '')}".strip()) from error
    except BotoCoreError as error:
        raise NoAnswer(f"{what}: {error}. Is the endpoint right, and does it run?") from error


def configured(read: Any, bucket: str, missing: str) -> dict[str, Any]:
    """One configuration of a bucket; empty when the store says that there is none."""
    try:
        found: dict[str, Any] = read(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] == missing:
            return {}
        raise
    return found
