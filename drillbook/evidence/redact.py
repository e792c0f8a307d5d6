"""What must not be written: known secret values, and text that has the shape of one. Known are the
caller's values, and those of environment variables whose name says so; they are found in plain,
base64, URL, JSON and other forms, also inside of a longer text."""

import base64
import html
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import quote, quote_plus

from drillbook.evidence import shapes
from drillbook.evidence.markdown import visible
from drillbook.evidence.shapes import MARK

SHORTEST: Final = 4
"""A known value with fewer characters would blank half of an ordinary text."""
ANYWHERE: Final = 8
"""From this length on a known value is removed inside of longer words, too."""

_HOLDS = re.compile(
    r"(?i)passw|passphrase|secret|tokens?(?:_|$)|credential|apikey|(?:^|_)key(?:_|$)|_pwd$|(?:^|_)(?:pass|auth)$"
)
_SAYS_WHERE = re.compile(r"(?i)(?:^|_)(?:dir|file|folder|name|path|public)(?:_|$)|_ref$")
_ORDINARY = frozenset({"true", "false", "null", "none"})


def redact(
    text: str, secrets: Collection[str] = (), environ: Mapping[str, str] | None = None
) -> str:
    """The text without secrets. `environ` is this process's environment when not given. Terminal
    codes and invisible characters inside of a secret do not hide it: where they do, the text comes
    back without them."""
    held = (os.environ if environ is None else environ).items()
    known = frozenset(secrets) | {value for name, value in held if holds_secret(name)}
    seen = visible(text)
    if seen != text and (bare := _redacted(seen, known)) != seen:
        return bare
    return _redacted(text, known)


def _redacted(text: str, known: frozenset[str]) -> str:
    for form, pattern in _patterns(known):
        if form in text:
            text = pattern.sub(MARK, text)
    return shapes.without(text)


def holds_secret(name: str) -> bool:
    """Whether an environment variable of this name holds a secret, not where one is kept."""
    return bool(_HOLDS.search(name)) and not _SAYS_WHERE.search(name)


@lru_cache(maxsize=64)
def _patterns(values: frozenset[str]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each known value in its forms, longest first; a pattern says how much goes with a form."""
    found: dict[str, str] = {}
    for value in values:
        bare = value.strip()
        if len(bare) < SHORTEST or bare.lower() in _ORDINARY:
            continue
        for form in _forms(bare):
            within = re.escape(form)
            alone = rf"(?<![\w-]){within}(?![\w-])"
            found.setdefault(form, within if len(form) >= ANYWHERE else alone)
        for core in _cores(bare.encode()):
            # All of the encoded text goes: its neighbours hold bits of the secret's ends.
            found[core] = rf"(?<![\w+/-])[\w+/-]*?{re.escape(core)}[\w+/-]*=*"
    forms = sorted(found, key=lambda form: (-len(form), form))
    return tuple((form, re.compile(found[form])) for form in forms)


def _forms(bare: str) -> Iterator[str]:
    """A known value in the shapes in which it is printed."""
    for safe in ("", "/", "!'()*"):
        yield from _either_case(quote(bare, safe=safe))
    yield from _either_case(quote_plus(bare))
    yield quote(quote(bare, safe=""), safe="")
    yield from (json.dumps(bare, ensure_ascii=ascii)[1:-1] for ascii in (True, False))
    yield from (bare, repr(bare)[1:-1], html.escape(bare), bare.encode().hex())
    # What is too short for a core, and what OpenSSL and `base64` break into lines.
    for text in (f"{bare}\n", bare):
        encoded = base64.b64encode(text.encode()).decode()
        for form in (encoded, _in_urls(encoded)):
            yield from (form, form.rstrip("="))
    for width in (64, 76):
        yield from (encoded[at : at + width] for at in range(0, len(encoded) - width, width))
    # A certificate or key file is printed line by line.
    if "\n" in bare:
        yield from (line.strip() for line in bare.splitlines() if len(line.strip()) >= 16)


def _either_case(quoted: str) -> tuple[str, str]:
    """%2F, and %2f as some libraries write it."""
    return quoted, re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), quoted)


def _cores(value: bytes) -> Iterator[str]:
    """What base64 of any text that holds the value must hold: for each of the three places at
    which a byte may begin, the characters that depend on the value alone."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + value).decode().rstrip("=")
        first = (0, 2, 3)[before]
        last = len(encoded) - (1 if (before + len(value)) % 3 else 0)
        core = encoded[first:last]
        if len(core) >= ANYWHERE:
            yield from (core, _in_urls(core))


def _in_urls(encoded: str) -> str:
    return encoded.replace("+", "-").replace("/", "_")
