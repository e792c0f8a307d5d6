"""What looks like a secret by itself: private keys, tokens, passwords in URLs, and what is assigned
to a name such as `DB_PASSWORD`. It errs on the side of removing: a lost word of evidence is cheaper
than a committed password. A shell's variable is no secret: it says where one is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MARK: Final = "[redacted]"

_NAME = re.compile(
    r"""(?ix)(?: passw(?:or)?[dt] | passphrase | kennwort | contraseña | senha | пароль | секрет
      | (?:^|[_.-]|motde)passe | 密码 | 密碼 | パスワード | 비밀번호
      | secrets? | credentials? | token | [_.-]pwd | (?-i:[A-Z0-9]_KEY)
      | (?:access|account|api|auth|client|encryption|fernet|master|private|secret|shared|signing)
        [_.-]?key )$"""
)
"""The end of a name that is given a secret. `secretName` and `max_tokens` end with other words."""
_NAMED = (
    *("passw", "passphrase", "kennwort", "contraseña", "senha", "passe", "пароль", "секрет"),
    *("密码", "密碼", "パスワード", "비밀번호", "secret", "credential", "token", "key", "pwd"),
)
_REFERENCE = re.compile(
    r"""(?:["']*\$(?:[A-Z_][A-Z0-9_]{2,}|\{[A-Z_][A-Z0-9_]{2,}[^}]*\}|\(.*)["'`]*)+"""
)
_HARMLESS = frozenset({"", "true", "false", "null", "none", "nil", MARK})
_PROSE = re.compile(r"\s+[^\W\d_]+(?:[\s.,;]|$)")


@dataclass(frozen=True)
class _Shape:
    """To look for a word is a hundred times cheaper than to try a pattern at every character, and
    most texts hold none of these."""

    words: tuple[str, ...]
    """In lower case; without any of them there is nothing to find."""
    pattern: str
    """With the group `secret`."""

    def found(self, text: str, lowered: str) -> Iterator[tuple[int, int]]:
        if any(word in lowered for word in self.words):
            for match in re.finditer(self.pattern, text):
                yield from _bare(match)


def _bare(match: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Where a secret begins and ends, without its quotes."""
    bare = match["secret"].strip("\\\"'")
    start = match.start("secret") + match["secret"].find(bare)
    if bare.lower() not in _HARMLESS and not _REFERENCE.fullmatch(bare):
        yield start, start + len(bare)


@dataclass(frozen=True)
class _Assigned:
    """What stands behind a name."""

    name: str
    """The pattern of a name and its sign, with the group `name`."""

    def found(self, text: str, lowered: str) -> Iterator[tuple[int, int]]:
        at = 0 if any(word in lowered for word in _NAMED) else len(text)
        while match := re.compile(self.name).search(text, at):
            at = match.end()
            if _NAME.search(match["name"][-40:]) and (value := _VALUE.match(text, at)):
                at = value.end()
                if not _is_prose(match, value):
                    yield from _bare(value)


def _is_prose(name: re.Match[str], value: re.Match[str]) -> bool:
    """Neither "for the password: see the vault" nor `Unexpected token: }` gives one. A password may
    be as short as its owner likes."""
    word = value["secret"]
    if name["name"].lower().endswith("token") and not re.match(r"[\"'\\]*[\w+/.$-]{4}", word):
        return True
    said = name[0].endswith(": ") and word.isalpha()
    return said and bool(_PROSE.match(value.string, value.end()))


_URL = _Shape(
    ("://",),
    # The last @ before the path ends the credentials, whatever the password holds.
    r"""(?<=[\w+.-])://(?:[^\s/@:]*:(?P<secret>[^\s/]+)@)""",
)
_VALUE = re.compile(
    r"""(?x)(?P<secret>\[redacted\]
      |\\"(?:(?!\\").)*(?:\\")?            # a string inside of a JSON string
      |"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?
      |(?:(?![,;](?:\s|$|[\w.-]+[=:]))[^\s&<>"'}\]])+)"""
)
# Names are taken whole and never given back, so that a log of one long word costs linear time.
_ASSIGNED = _Assigned(
    r"""(?x)(?<![\w.-])(?<!\$\{)(?P<name>[\w.-]++)(?:\\?["']|</name>\s*<value>)?
        (?:\s{0,3}[=:\uff1a]\s{0,3}|(?<=<value>))"""
)
_SHAPES: Final = (
    _URL,
    _ASSIGNED,
    _Assigned(r"(?<!\S)--(?P<name>[A-Za-z][\w-]*)\s+(?=[^\s-])"),
    _Shape(("://",), r"(?<=[\w+.-])://(?P<secret>[^\s/@:]{16,})@"),
    # Evidence is trimmed: a private key may have lost its first or its last line.
    _Shape(
        ("private key-----",),
        r"(?s)(?P<secret>-----BEGIN [A-Z ]*PRIVATE KEY-----.*?"
        r"(?:-----END [A-Z ]*PRIVATE KEY-----|\Z))",
    ),
    _Shape(
        ("private key-----",),
        r"(?<![A-Za-z0-9+/=])(?<![A-Za-z0-9+/=]{16}\s)(?<![A-Za-z0-9+/=]{16}\\n)"
        r"(?P<secret>(?:[A-Za-z0-9+/=]{16,}+(?:\s|\\n)++)++"
        r"-----END [A-Z ]*PRIVATE KEY-----)",
    ),
    # A key or certificate of a kubeconfig: base64 of `-----BEGIN `.
    _Shape(("ls0tls1crudjti",), r"(?P<secret>LS0tLS1CRUdJTi[A-Za-z0-9+/=]{8,})"),
    # A page begins a sentence with a capital letter, whatever the word is.
    _Shape(("eyj",), r"\b(?P<secret>[eE]yJ[\w-]{6,4096}\.[\w-]{6,}(?:\.[\w-]*)?)"),
    _Shape(
        ("author",),  # a Turkish i has no lower case that is an i
        r"(?i)\bauthorization\b[\"']?\s*[:=]\s*[\"']?(?:[a-z]+ +)?(?P<secret>[^\s\"'`<,]+)",
    ),
    _Shape(("bearer",), r"(?i)\bbearer +(?P<secret>(?=[\w.~+/=-]*\d)[\w.~+/=-]{12,})"),
    _Shape(("akia", "asia"), r"\b(?P<secret>(?:AKIA|ASIA)[A-Z0-9]{16})\b"),
    _Shape(
        (*(f"gh{kind}_" for kind in "pousr"), "github_pat_", *(f"xox{kind}-" for kind in "abprs")),
        r"\b(?P<secret>[gG]h[pousr]_\w{30,}|[gG]ithub_pat_\w{30,}|[xX]ox[abprs]-[\w-]{10,})",
    ),
)


def without(text: str) -> str:
    """The text with MARK in the place of everything that looks like a secret."""
    lowered = text.lower()
    end, kept = 0, []
    for start, stop in sorted(span for shape in _SHAPES for span in shape.found(text, lowered)):
        if start >= end:
            kept += [text[end:start], MARK]
        end = max(end, stop)
    return "".join([*kept, text[end:]]) if kept else text


def inside(text: str) -> frozenset[str]:
    """The passwords that a longer value holds: in a JSON document, in lines of `NAME=value`, in a
    URL."""
    lowered = text.lower()
    spans = [*_URL.found(text, lowered), *_ASSIGNED.found(text, lowered)]
    return frozenset(text[start:stop] for start, stop in spans) - {text}
