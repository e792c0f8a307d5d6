"""What must not be written: known secret values, and text that has the shape of one.

Two ways of finding: by value (the values of Secrets that the caller knows, and of this process's
environment variables whose name says what they hold; in plain, base64, URL and JSON form, also
inside of a longer text that is encoded), and by shape (private keys, tokens, passwords in URLs,
assignments to a name such as `DB_PASSWORD`). It errs on the side of removing: a lost word of
evidence is cheaper than a committed password.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote, quote_plus

from drillbook.evidence.markdown import visible
from drillbook.evidence.records import Drill

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
_NAMED = (*_ALONE, *_ENDINGS, "key", "pwd")
"""What the name of every secret holds, in lower case."""
_FILE_WORDS = frozenset(["dir", "file", "folder", "name", "path", "public", "ref"])

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# Names are taken whole and never given back, so that a log of one long word costs linear time.
_ASSIGNMENT = re.compile(
    r"""(?P<head>(?:(?<![\w.\\-])|(?<=\\)|(?<=\\[nrt]))(?P<name>[\w.-]++)(?P<close>\\?["']|</name>\s*<value>)?
        (?P<sign>\s{0,3}[=:]\s{0,3}|(?<=</name><value>)|(?<=</name>\s<value>)))
        (?P<value>\[redacted\]
          |\\"(?:(?!\\").)*(?:\\")?            # a string inside of a JSON string
          |"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?
          |(?:(?![,;](?:\s|$|[\w.-]+[=:]))[^\s&<>"'}\]])+)""",
    re.VERBOSE,
)
_OPTION = re.compile(r"(?P<head>(?<!\S)--(?P<name>[A-Za-z][\w-]*)\s+)(?P<value>[^\s-]\S*)")
_HARMLESS = frozenset({"true", "false", "null", "none", "nil", "[redacted]"})
_REFERENCE = re.compile(r"\$(?:[A-Z_][A-Z0-9_]{2,}|\{[A-Z_][A-Z0-9_]{2,}\}|\(.*)")
"""A shell's variable or command in the place of a secret: it says where one is, not what it is."""


_SCHEME = re.compile(r"\b[a-z][a-z0-9+.-]{0,30}\Z", re.I)


def _credentials(match: re.Match[str]) -> str:
    """A URL's, which are looked for from its `://`: a pattern that begins with letters would be
    tried at each one."""
    start = match.start()
    before = match.string[max(0, start - 32) : start]
    return f"://{MARK}@" if _SCHEME.search(before) else match[0]


@dataclass(frozen=True)
class _Shape:
    """A text that looks like a secret by itself. To look for a word is a hundred times cheaper
    than to try a pattern at every character, and most texts hold none of these."""

    words: tuple[str, ...]
    """In lower case; without any of them there is nothing to find."""
    pattern: re.Pattern[str]
    instead: str | Callable[[re.Match[str]], str] = MARK

    def removed(self, text: str, lowered: str) -> str:
        if not any(word in lowered for word in self.words):
            return text
        return self.pattern.sub(self.instead, text)


_SHAPES: Final = (
    # Evidence is trimmed: a private key may have lost its first or its last line.
    _Shape(
        ("private key-----",),
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S
        ),
    ),
    _Shape(
        ("private key-----",),
        re.compile(
            r"(?<![A-Za-z0-9+/=])(?:[A-Za-z0-9+/=]{16,}+(?:\s|\\n)++)++"
            r"-----END [A-Z ]*PRIVATE KEY-----"
        ),
    ),
    # A page begins a sentence with a capital letter, whatever the word is.
    # A key or certificate of a kubeconfig: base64 of `-----BEGIN `.
    _Shape(("ls0tls1crudjti",), re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/=]{8,}")),
    _Shape(("eyj",), re.compile(r"\b[eE]yJ[\w-]{6,4096}\.[\w-]{6,}(?:\.[\w-]*)?")),
    _Shape(
        ("author",),  # a Turkish i has no lower case that is an i
        re.compile(r"(?i)(\bauthorization\b[\"']?\s*[:=]\s*[\"']?(?:[a-z]+ +)?)[^\s\"',]+"),
        rf"\1{MARK}",
    ),
    _Shape(
        ("bearer",),
        re.compile(r"(?i)(\bbearer +)(?=[\w.~+/=-]*\d)[\w.~+/=-]{12,}"),
        rf"\1{MARK}",
    ),
    _Shape(("akia", "asia"), re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    _Shape(
        (*(f"gh{kind}_" for kind in "pousr"), "github_pat_", *(f"xox{kind}-" for kind in "abprs")),
        re.compile(r"\b(?:[gG]h[pousr]_\w{30,}|[gG]ithub_pat_\w{30,}|[xX]ox[abprs]-[\w-]{10,})"),
    ),
    # The last @ before the path ends the credentials, whatever the password holds.
    _Shape(("://",), re.compile(r"://[^\s/@:]*:[^\s/]*@"), _credentials),
    _Shape(("://",), re.compile(r"://[^\s/@:]{16,}@"), _credentials),
)


def redact(
    text: str, secrets: Collection[str] = (), environ: Mapping[str, str] | None = None
) -> str:
    """The text without secrets. `environ` is this process's environment when not given.

    Terminal codes and invisible characters inside of a secret do not hide it: where they do, the
    text comes back without them.
    """
    known = frozenset(secrets) | sensitive_values(os.environ if environ is None else environ)
    seen = visible(text)
    if seen != text and (bare := _redacted(seen, known)) != seen:
        return bare
    return _redacted(text, known)


def _redacted(text: str, known: frozenset[str]) -> str:
    for form, pattern in _known(known):
        if form in text:
            text = pattern.sub(MARK, text)
    lowered = text.lower()
    for shape in _SHAPES:
        text = shape.removed(text, lowered)
    if not any(word in lowered for word in _NAMED):
        return text
    return _OPTION.sub(_assignment, _ASSIGNMENT.sub(_assignment, text))


def redact_drill(
    drill: Drill, secrets: Collection[str] = (), environ: Mapping[str, str] | None = None
) -> Drill:
    """A record whose free text (what was seen, said and run) is redacted; its identity is kept."""
    return mapped(drill, lambda field, text: redact(text, secrets, environ))


def mapped(drill: Drill, change: Callable[[str, str], str]) -> Drill:
    """A record whose free text went through `change`, which takes a field's name and its text."""
    return Drill.model_validate(_walk(drill.model_dump(), "", change))


_FREE_TEXT = frozenset(
    ["command", "expected", "left", "observed", "outcome", "printed", "reason", "text", "workload"]
)


def _walk(value: Any, field: str, change: Callable[[str, str], str]) -> Any:
    if isinstance(value, dict):
        return {name: _walk(inner, name, change) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_walk(inner, field, change) for inner in value)
    if isinstance(value, str) and field in _FREE_TEXT:
        return change(field, value)
    return value


def inner_values(value: str) -> frozenset[str]:
    """The secrets that a Secret's value holds inside: a password in a JSON document, in lines of
    `NAME=value`, or in a URL. The whole value is not among them."""
    assigned = (m["value"].strip("\\\"'") for m in _ASSIGNMENT.finditer(value) if _is_secret(m))
    urls = (m["secret"] for m in _URL_PASSWORD.finditer(value))
    return frozenset(one for one in (*assigned, *urls) if one and one != value)


_URL_PASSWORD = re.compile(r"\b[a-z][a-z0-9+.-]{0,30}://[^\s/@:]*:(?P<secret>[^\s/]+)@", re.I)


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
    if not _is_secret(match):
        return match[0]
    value = match["value"]
    bare = value.strip("\\\"'")
    start = value.find(bare)
    return f"{match['head']}{value[:start]}{MARK}{value[start + len(bare) :]}"


def _is_secret(match: re.Match[str]) -> bool:
    """Whether what an assignment assigns is a secret."""
    name, bare = match["name"], match["value"].strip("\\\"'")
    if name[0] in "nrt" and match.string[: match.start("name")].endswith("\\"):
        name = name[1:] if _assigned_secret(name[1:]) else name  # the n of a `\\n` in a JSON string
    if not _assigned_secret(name) or not bare:
        return False
    if bare.lower() in _HARMLESS or _REFERENCE.fullmatch(bare):
        return False
    # `Unexpected token: }` speaks of no secret; a password may be as short as its owner likes.
    return _words(name)[-1] != "token" or bool(re.match(r"[\w+/.$-]{4}", bare))


# --------------------------------------------------------------------------- known values


@lru_cache(maxsize=64)
def _known(values: frozenset[str]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each known value in its forms, the longest first: one may hold another. A form is looked for
    as it is, which is fast; its pattern says how much goes with it."""
    found: dict[str, str] = {}
    for value in values:
        bare = value.strip()
        if len(bare) < SHORTEST or bare.lower() in _HARMLESS:
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
    yield bare
    for safe in ("", "/", "!'()*"):
        yield from _either_case(quote(bare, safe=safe))
    yield from _either_case(quote_plus(bare))
    yield quote(quote(bare, safe=""), safe="")
    yield json.dumps(bare)[1:-1]
    yield json.dumps(bare, ensure_ascii=False)[1:-1]
    yield repr(bare)[1:-1]
    yield html.escape(bare)
    yield bare.encode().hex()
    for text in (bare, f"{bare}\n"):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(text.encode()).decode()
            yield encoded
            yield encoded.rstrip("=")
            # As `base64` and OpenSSL break their lines.
            for width in (76, 64):
                lines = [encoded[at : at + width] for at in range(0, len(encoded), width)]
                yield from (line for line in lines[:-1] if len(lines) > 1)
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
            yield core
            yield core.replace("+", "-").replace("/", "_")
