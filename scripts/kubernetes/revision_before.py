#!/usr/bin/env python3
"""Says which revision of a Deployment was live before one."""

from __future__ import annotations

import argparse
import sys

HELP = """Print the number of the revision that was live before revision N.

  revision_before.py 7    6

Kubernetes gives each release the next number, one that is rolled back to too; so the revision live
before has the number before. Only prints. Exit codes: 0 printed, 2 bad usage.
"""


def before(revision: str) -> int:
    """Raises ValueError for the first revision, and for what is none."""
    if not (revision.isascii() and revision.isdecimal()) or int(revision) < 1:
        raise ValueError(f"{revision!r} is no revision such as 7")
    if int(revision) == 1:
        raise ValueError("revision 1 is the first: there is none to go back to")
    return int(revision) - 1


def main() -> int:
    parser = argparse.ArgumentParser(
        description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("revision", metavar="N", help="the number of a revision, such as 7")
    try:
        print(before(parser.parse_args().revision))
    except ValueError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
