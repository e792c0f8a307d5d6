"""Names as parts of pytest's node ids. Pure, so that lint can find two names that would be one."""

from __future__ import annotations

import re
import unicodedata


def slug(text: str) -> str:
    """A scenario's name, in any script, without brackets, blanks or colons, at which pytest cuts
    ids."""
    return re.sub(r"[\W_]+", "-", unicodedata.normalize("NFKC", text)).strip("-").lower()
