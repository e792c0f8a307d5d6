"""What must not be committed: known secret values, and text that has the shape of one.

Two ways of finding: by value (the values of Secrets that the caller knows, and of this process's
environment variables whose name says what they hold; in plain, base64, URL and JSON form), and by
shape (private keys, tokens, passwords in URLs, assignments to a name such as `DB_PASSWORD`). It
errs on the side of removing: a lost word of evidence is cheaper than a committed password.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

from drillbook.records import Drill

MARK: Final = "[redacted]"

SHORTEST: Final = 4
"""A known value with fewer characters would blank half of an ordinary text."""
ANYWHERE: Final = 8
"""From this length on a known value is removed inside of longer words, too."""

_ALONE = frozenset(
    ["apikey", "credential", "credentials", "passphrase", "secret", "secrets", "token"]
)
_ENDINGS = ("password", "passwd", "secret")
"""PGPASSWORD and dbpasswd are one word each."""
_BEFORE_KEY = frozenset(
    """access account api auth client encryption fernet master private secret shared
    signing""".split()  # noqa: SIM905 - a list of words reads as a list of words
)
_FILE_WORDS = frozenset(["dir", "file", "folder", "name", "path", "public", "ref"])

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ASSIGNMENT = re.compile(
    r"""(?P<head>(?P<name>[A-Za-z_][\w.-]*)(?P<close>\\?["']|</name>\s*<value>)?
        (?P<sign>\s{0,3}[=:]\s{0,3}|(?<=</name><value>)|(?<=</name>\s<value>)))
        (?P<value>\[redacted\]
          |\\"(?:(?!\\").)*(?:\\")?            # a string inside of a JSON string
          |"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?
          |(?:(?![,;](?:\s|$|[\w.-]+[=:]))[^\s&<>"'}\]])+)""",
    re.VERBOSE,
)
_OPTION = re.compile(r"(?P<head>(?<!\S)--(?P<name>[A-Za-z][\w-]*)\s+)(?P<value>[^\s-]\S*)")
_HARMLESS = frozenset({"true", "false", "null", "none", "nil", "[redacted]"})

_SHAPES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    # Evidence is trimmed: a private key may have lost its first or its last line.
    (
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S
        ),
        MARK,
    ),
    (re.compile(r"(?:[A-Za-z0-9+/=]{16,}(?:\s|\\n)+)+-----END [A-Z ]*PRIVATE KEY-----"), MARK),
    (re.compile(r"\beyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*)?"), MARK),
    (
        re.compile(r"(?i)(\bauthorization\b[\"']?\s*[:=]\s*[\"']?(?:[a-z]+ +)?)[^\s\"',]+"),
        rf"\1{MARK}",
    ),
    (re.compile(r"(?i)(\bbearer +)(?=[\w.~+/=-]*\d)[\w.~+/=-]{12,}"), rf"\1{MARK}"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), MARK),
    (re.compile(r"\b(?:gh[pousr]_\w{30,}|github_pat_\w{30,}|xox[abprs]-[\w-]{10,})"), MARK),
    # The last @ before the path ends the credentials, whatever the password holds.
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@:]*:[^\s/]*@", re.I), rf"\1{MARK}@"),
)


def redact(
    text: str, secrets: Collection[str] = (), environ: Mapping[str, str] | None = None
) -> str:
    """The text without secrets. `environ` is this process's environment when not given."""
    known = frozenset(secrets) | sensitive_values(os.environ if environ is None else environ)
    for pattern in _known(known):
        text = pattern.sub(MARK, text)
    for shape, instead in _SHAPES:
        text = shape.sub(instead, text)
    return _OPTION.sub(_assignment, _ASSIGNMENT.sub(_assignment, text))


def redact_drill(
    drill: Drill, secrets: Collection[str] = (), environ: Mapping[str, str] | None = None
) -> Drill:
    """A record whose free text (what was seen, said and run) is redacted; its identity is kept."""
    return Drill.model_validate(_walk(drill.model_dump(), "", secrets, environ))


_FREE_TEXT = frozenset(["command", "expected", "left", "observed", "outcome", "reason", "workload"])


def _walk(
    value: Any, field: str, secrets: Collection[str], environ: Mapping[str, str] | None
) -> Any:
    if isinstance(value, dict):
        return {name: _walk(inner, name, secrets, environ) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_walk(inner, field, secrets, environ) for inner in value)
    if isinstance(value, str) and field in _FREE_TEXT:
        return redact(value, secrets, environ)
    return value


def sensitive_values(environ: Mapping[str, str]) -> frozenset[str]:
    """The values of the variables whose name says that they hold a secret."""
    return frozenset(value for name, value in environ.items() if holds_secret(name))


def holds_secret(name: str) -> bool:
    """Whether an environment variable of this name holds a secret, not where one is kept."""
    words = _words(name)
    if not words or _FILE_WORDS & set(words):
        return False
    return "key" in words or any(_secret_word(words, place) for place in range(len(words)))


def _assigned_secret(name: str) -> bool:
    """Whether what stands behind `name=` or `name:` in a text is a secret. In a text the last word
    decides: `secretName` and `max_tokens` are not, `spark.hadoop.fs.s3a.secret.key` is."""
    words = _words(name)
    if not words:
        return False
    if words[-1] == "key":
        # A bare `key: value` is ordinary; FERNET_KEY and s3a.access.key are not.
        return len(words) > 1 and (words[-2] in _BEFORE_KEY or (name.isupper() and "_" in name))
    return _secret_word(words, len(words) - 1)


def _secret_word(words: list[str], place: int) -> bool:
    word = words[place]
    if word == "pwd":
        # PWD is the working folder; MYSQL_PWD is a password.
        return place > 0
    return word in _ALONE or word.endswith(_ENDINGS)


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _assignment(match: re.Match[str]) -> str:
    value = match["value"]
    bare = value.strip("\\\"'")
    if not _assigned_secret(match["name"]) or bare.lower() in _HARMLESS or not bare:
        return match[0]
    # `Unexpected token: }` speaks of no secret; a password may be as short as its owner likes.
    if _words(match["name"])[-1] == "token" and not re.match(r"[\w+/.$-]{4}", bare):
        return match[0]
    start = value.find(bare)
    return f"{match['head']}{value[:start]}{MARK}{value[start + len(bare) :]}"


@lru_cache(maxsize=64)
def _known(values: frozenset[str]) -> tuple[re.Pattern[str], ...]:
    """Patterns of the known values, the longest first: one may hold another."""
    forms = sorted({f for v in values for f in _forms(v)}, key=lambda f: (-len(f), f))
    long = [re.escape(f) for f in forms if len(f) >= ANYWHERE]
    short = [rf"(?<![\w-]){re.escape(f)}(?![\w-])" for f in forms if len(f) < ANYWHERE]
    return (re.compile("|".join(long + short)),) if forms else ()


def _forms(value: str) -> Iterator[str]:
    """A known value in the shapes in which it is printed."""
    bare = value.strip()
    if len(bare) < SHORTEST or bare.lower() in _HARMLESS:
        return
    yield bare
    yield quote(bare, safe="")
    yield json.dumps(bare)[1:-1]
    for text in (bare, f"{bare}\n"):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(text.encode()).decode()
            yield encoded
            yield encoded.rstrip("=")
    # A certificate or key file is printed line by line.
    if "\n" in bare:
        yield from (line.strip() for line in bare.splitlines() if len(line.strip()) >= 16)
