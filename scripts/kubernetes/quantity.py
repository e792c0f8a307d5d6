#!/usr/bin/env python3
"""Multiplies a quantity of Kubernetes, such as a memory limit."""

from __future__ import annotations

import argparse
import re
import sys
from decimal import Decimal, InvalidOperation

HELP = """Print a quantity of Kubernetes times a number, in the same unit.

  quantity.py --times 3 1Gi      3Gi
  quantity.py --times 1.5 500m   750m

Only prints. Exit codes: 0 printed, 2 bad usage.
"""
SHAPE = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
"""Source: the API's serialization format of a quantity, without exponents."""
SMALLER = {"Gi": "Mi", "Mi": "Ki", "Ki": "", "Ti": "Gi"}


def times(quantity: str, factor: Decimal) -> str:
    """`quantity` times `factor`; a unit smaller where it would not be a whole number. Raises
    ValueError for what is no quantity, or no number above zero."""
    found = SHAPE.fullmatch(quantity.strip())
    if found is None:
        raise ValueError(f"{quantity!r} is no quantity such as 1Gi, 512Mi or 500m")
    number, unit = Decimal(found[1]) * factor, found[2] or ""
    if not number.is_finite() or number <= 0:
        raise ValueError(f"{quantity} times {factor} is not above zero")
    while number != number.to_integral_value() and unit in SMALLER:
        number, unit = number * 1024, SMALLER[unit]
    return f"{number.normalize():f}{unit}"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("quantity", metavar="QUANTITY", help="what it is now, such as 1Gi")
    parser.add_argument("--times", required=True, metavar="N", help="the factor")
    given = parser.parse_args()
    try:
        print(times(given.quantity, Decimal(given.times)))
    except InvalidOperation:
        parser.error(f"--times: {given.times!r} is no number")
    except ValueError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
