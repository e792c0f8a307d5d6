#!/usr/bin/env python3
"""When did it happen last? Reads a series whose value is a Unix time and answers in words."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

HELP = """Print when something happened last, by a series of Prometheus whose value is a Unix time.

  moment.py "last batch" 'last_batch_timestamp_seconds{namespace="shop"}[1m]'
  last batch: 4 s ago, at 1764332000; your last change: 11 s ago

PROMETHEUS holds the server's address, CHANGED_AT the Unix time of your last change, if there was
one. Only reads. Exit codes: 0 answered (also when there is no sample), 2 bad usage, 4 no answer.
"""
DEADLINE_S = 10


def newest(base: str, query: str) -> float | None:
    """The value of the newest sample of a range query's series. Raises OSError, ValueError."""
    with urlopen(f"{base}/api/v1/query?{urlencode({'query': query})}", timeout=DEADLINE_S) as got:  # noqa: S310
        data = json.load(got)["data"]
    if data["resultType"] != "matrix":
        raise ValueError(f"{query!r} selects no range: end it with [1m]")
    samples = [(float(at), float(value)) for one in data["result"] for at, value in one["values"]]
    return max(samples)[1] if samples else None


def in_words(what: str, moment: float | None, changed: str, now: float) -> str:
    """Pure. `moment` and `now`: Unix times in seconds."""
    change = f"; your last change: {now - float(changed):.0f} s ago" if changed else ""
    if moment is None:
        return f"{what}: no sample in that time{change}"
    return f"{what}: {now - moment:.0f} s ago, at {moment:.15g}{change}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", metavar="WHAT", help="what happened then, in words")
    parser.add_argument("query", metavar="QUERY", help="one series with a range, in PromQL")
    given = parser.parse_args()
    base = os.environ.get("PROMETHEUS", "")
    if not base.startswith(("http://", "https://")):
        parser.error("PROMETHEUS is not set to an address: run the page's block `Connect` first")
    try:
        moment = newest(base.rstrip("/"), given.query)
    except (URLError, OSError, ValueError, LookupError) as error:
        print(f"no usable answer from {base}: {error}", file=sys.stderr)
        return 4
    print(in_words(given.what, moment, os.environ.get("CHANGED_AT", ""), time.time()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
