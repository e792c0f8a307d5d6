"""Names as parts of pytest's node ids. Pure, so that lint can find two names that would be one."""

from __future__ import annotations

import re


def slug(text: str) -> str:
    """A scenario's name without brackets, blanks or colons, at which pytest cuts ids."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower()
