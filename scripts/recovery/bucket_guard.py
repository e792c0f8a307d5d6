#!/usr/bin/env python3
"""Keeps a prefix of a bucket from being lost again: who may change it, which rules expire it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

# Run by its path, Python looks for modules in this file's folder instead of the checkout.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.cluster import BadUsage, errors_as_exit_codes
from scripts.recovery.bucket import asking, configured, connect

HELP = """Keep a prefix of a bucket from being lost again.

\b
  deny    adds to the bucket's policy that one account may not do one thing there, and leaves its
          other statements as they are; --take-back removes that statement again
  spare   disables each enabled lifecycle rule that expires objects of the prefix, and leaves the
          others; a rule stays, for its owner to narrow

Example:

\b
  bucket_guard.py deny --bucket sales --prefix orders/ --action DeleteObject \\
    --account arn:aws:iam::000000000000:user/jobs --endpoint-url http://lake:8333
  bucket_guard.py spare --bucket sales --prefix orders/ --dry-run

The account that runs it is that of AWS_ACCESS_KEY_ID. An account that is denied must be no
administrator of the store: SeaweedFS lets one delete several objects at once all the same. Safe to
run twice. Exit codes: 0 it is so, 1 refused, 2 bad usage, 4 the store gave no answer.
"""
ACTIONS = {
    "DeleteObject": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    "PutObject": ("s3:PutObject",),
    "PutLifecycleConfiguration": ("s3:PutLifecycleConfiguration",),
}
"""What may be denied. The last is of the bucket, not of its objects."""

app = typer.Typer(
    help=HELP, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)
Bucket = Annotated[str, typer.Option(help="The bucket.")]
Prefix = Annotated[str, typer.Option(help="What the objects' keys begin with.")]
Address = Annotated[str, typer.Option("--endpoint-url", help="The store's address; default: AWS.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Say, change nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")]


@app.command(help="One account may not do one thing there.")
def deny(
    bucket: Bucket,
    prefix: Prefix,
    account: Annotated[str, typer.Option(help="Its ARN.")],
    action: Annotated[str, typer.Option(help=f"One of {', '.join(ACTIONS)}.")],
    endpoint: Address = "",
    take_back: Annotated[bool, typer.Option("--take-back", help="Remove it again.")] = False,
    dry_run: Dry = False,
    as_json: AsJson = False,
) -> None:
    with errors_as_exit_codes():
        check(prefix)
        if action not in ACTIONS or not account.startswith("arn:"):
            raise BadUsage(f"{action} of {account}: give an ARN, and one of {', '.join(ACTIONS)}.")
        store, one = connect(endpoint), statement(bucket, prefix, account, action)
        with asking(f"the policy of {bucket}"):
            found = configured(store.get_bucket_policy, bucket, "NoSuchBucketPolicy")
            policy = json.loads(found.get("Policy", "{}"))
            new = without(policy, one) if take_back else with_statement(policy, one)
            if new != policy and not dry_run:
                write_policy(store, bucket, new)
        say({"changed": new != policy, "dry_run": dry_run, "policy": new}, as_json)


@app.command(help="No enabled lifecycle rule expires it any more.")
def spare(
    bucket: Bucket,
    prefix: Prefix,
    endpoint: Address = "",
    dry_run: Dry = False,
    as_json: AsJson = False,
) -> None:
    with errors_as_exit_codes():
        check(prefix)
        store = connect(endpoint)
        with asking(f"the lifecycle rules of {bucket}"):
            read = store.get_bucket_lifecycle_configuration
            rules = configured(read, bucket, "NoSuchLifecycleConfiguration").get("Rules", [])
            new, disabled = sparing(rules, prefix)
            if disabled and not dry_run:
                store.put_bucket_lifecycle_configuration(
                    Bucket=bucket, LifecycleConfiguration={"Rules": new}
                )
        say({"changed": bool(disabled), "dry_run": dry_run, "disabled": disabled}, as_json)


def write_policy(store: Any, bucket: str, policy: Mapping[str, Any]) -> None:
    if policy["Statement"]:
        store.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    else:
        store.delete_bucket_policy(Bucket=bucket)


def say(done: Mapping[str, Any], as_json: bool) -> None:
    lines = (f"{key}: {json.dumps(value, default=str)}" for key, value in done.items())
    typer.echo(json.dumps(done, indent=2, default=str) if as_json else "\n".join(lines))


# --------------------------------------------------------------------------- pure


def check(prefix: str) -> None:
    """Raises BadUsage: an empty prefix would be the whole bucket."""
    if not prefix or "*" in prefix or "?" in prefix:
        raise BadUsage(f"the prefix {prefix!r} is empty or a pattern: write how the keys begin.")


def statement(bucket: str, prefix: str, account: str, action: str) -> dict[str, Any]:
    place = f"arn:aws:s3:::{bucket}"
    return {
        # S3 takes letters and digits, and a name once in a policy.
        "Sid": re.sub("[^0-9A-Za-z]", "", f"Deny{action}{account}{prefix}"),
        "Effect": "Deny",
        "Principal": {"AWS": account},
        "Action": list(ACTIONS[action]),
        "Resource": place if action == "PutLifecycleConfiguration" else f"{place}/{prefix}*",
    }


def with_statement(policy: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, Any]:
    """The policy and that statement, once."""
    rest = without(policy, one)
    if len(rest["Statement"]) < len(policy.get("Statement", [])):
        return dict(policy)
    return {**rest, "Statement": [*rest["Statement"], dict(one)]}


def without(policy: Mapping[str, Any], one: Mapping[str, Any]) -> dict[str, Any]:
    left = [other for other in policy.get("Statement", []) if not same(other, one)]
    return {"Version": "2012-10-17", **policy, "Statement": left}


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Two statements that say the same: a store writes a list of one as its only member, and a Sid
    is a name."""
    return meant(one) == meant(other)


def meant(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: sorted(value) if isinstance(value, list) else [value]
        for key, value in one.items()
        if key != "Sid"
    }


def sparing(
    rules: Sequence[Mapping[str, Any]], prefix: str
) -> tuple[list[dict[str, Any]], list[str]]:
    """The rules, with those disabled that expire present objects of the prefix, and their IDs."""
    new, disabled = [], []
    for rule in rules:
        one = dict(rule)
        if rule["Status"] == "Enabled" and expires(rule) and meets(rule, prefix):
            one["Status"] = "Disabled"
            disabled.append(rule.get("ID", ""))
        new.append(one)
    return new, disabled


def expires(rule: Mapping[str, Any]) -> bool:
    found: Mapping[str, int | datetime] = rule.get("Expiration", {})
    return "Days" in found or "Date" in found


def meets(rule: Mapping[str, Any], prefix: str) -> bool:
    """Whether its prefix covers some of these keys; its tags and sizes may leave some out."""
    chosen = rule.get("Filter", {})
    own = chosen.get("Prefix") or chosen.get("And", {}).get("Prefix") or rule.get("Prefix") or ""
    return bool(prefix.startswith(own) or own.startswith(prefix))


if __name__ == "__main__":
    app()
