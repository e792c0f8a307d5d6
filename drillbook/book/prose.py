"""The prose of a runbook: its labelled lines, which lint asks for and a page prints. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

LABELS: Final = ("Meaning", "Impact", "Normal", "Not this page", "Escalation")
"""The lines of a Feature's description that have a place of their own on the page."""
REQUIRED: Final = ("Meaning", "Impact", "Escalation")
"""What a responder must find on every page."""

_TRANSLATED: Final[Mapping[str, tuple[str, ...]]] = {
    "de": ("Bedeutung", "Auswirkung", "Normal", "Nicht diese Seite", "Eskalation"),
    "es": ("Significado", "Impacto", "Normal", "No es esta página", "Escalado"),
    "fr": ("Signification", "Impact", "Normal", "Pas cette page", "Escalade"),
    "ru": ("Значение", "Влияние", "Норма", "Не эта страница", "Эскалация"),  # noqa: RUF001
}
"""In the order of LABELS. In every language the English words do as well."""

_STRUCTURE = re.compile(r"\s*(?:[-*+] |\d+[.)] |\||```|~~~|> |#{1,6} |<\w)")


def canonical(text: str, language: str) -> str:
    """The text with the labels of the feature's language in English."""
    words = dict(zip(_TRANSLATED.get(language, LABELS), LABELS, strict=True))
    lines = (line.partition(":") for line in text.split("\n"))
    return "\n".join(
        f"{head.replace(head.strip(), words.get(head.strip(), head.strip()))}{colon}{rest}"
        for head, colon, rest in lines
    )


def sections(text: str) -> dict[str, str]:
    """The text of each label that is there, and what has none under the empty string. A line
    without a label goes on with the one before; a blank line ends it. Indentation says nothing."""
    found: dict[str, list[str]] = {"": []}
    now = ""
    for line in text.splitlines():
        head, colon, rest = line.strip().partition(":")
        if colon and head in LABELS:
            now, line = head, rest
        elif not line.strip():
            now = ""
        found.setdefault(now, []).append(line.strip())
    return {label: " ".join(lines).strip() for label, lines in found.items()}


def structured(text: str) -> str:
    """The first line that begins a list, a table, a block of code or the like; a page prints a
    description as running text, in which none of these is left. Empty: there is none."""
    return next((line.strip() for line in text.splitlines() if _STRUCTURE.match(line)), "")
