"""Which command lines only read: what runs by itself on a live incident, what checks are made of.
A closed list; what is not on it counts as a change. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from drillbook.model.words import Command, Joined, Word

_ANY: Final = re.compile(".*", re.DOTALL)
IN_POD: Final[Mapping[str, re.Pattern[str]]] = {
    **dict.fromkeys(("cat", "df", "ls", "pgrep", "stat"), _ANY),
    "openssl x509": re.compile(
        r"-(?:in|inform|noout|text|subject|issuer|serial|dates|startdate|enddate|checkend|ext"
        r"|fingerprint|sha256|nameopt|purpose|checkhost)"
    ),
    # Not -K, which closes what it lists, and not -D, which writes a file.
    "ss": re.compile("-[0-9a-zA-CE-JL-Z]+"),
}
"""What may be run in a pod, and with which options."""
REDIS: Final[Mapping[str, int]] = {
    **dict.fromkeys(("CLIENT LIST", "DBSIZE", "LASTSAVE", "PING", "SLOWLOG LEN"), 0),
    **dict.fromkeys(("CONFIG GET", "EXISTS", "GET", "HLEN", "INFO", "LLEN", "MEMORY USAGE"), 1),
    **dict.fromkeys(("PTTL", "SCARD", "STRLEN", "TTL", "TYPE", "XLEN", "ZCARD"), 1),
    **dict.fromkeys(("HEXISTS", "HGET", "LINDEX", "SISMEMBER", "ZSCORE"), 2),
}
"""Commands of Redis that only read, and how many words each takes."""
_S3: Final = (
    *("get-bucket-lifecycle-configuration", "head-object"),
    *("list-object-versions", "list-objects-v2"),
)
_S3_OPTIONS: Final = re.compile(
    r"--(?:no-paginate|no-cli-pager|(?:endpoint-url|region|bucket|key|prefix|query|output|max-keys"
    r"|checksum-mode|cli-connect-timeout|cli-read-timeout)=(?!fileb?:).*)",
    re.DOTALL,
)
_SETTING: Final = re.compile(
    "(?:PGUSER|PGDATABASE|PGPASSWORD|PGOPTIONS|PGCONNECT_TIMEOUT|PGCLIENTENCODING|REDISCLI_AUTH"
    "|AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY)="
)
"""What may stand in front of a program; nothing that says where it is or what it loads."""
PG_READ_ONLY: Final = "-c default_transaction_read_only=on"
_KUBECTL: Final = {
    "get": re.compile("-[AR]*w|--watch"),
    "logs": re.compile("-p*f|--follow"),
}
"""What kubectl may do, and the options with which it would not end."""
TOOLS: Final = frozenset(
    {
        "scripts/kubernetes/quantity.py",
        "scripts/kubernetes/revision_before.py",
        "scripts/prometheus/moment.py",
    }
)
"""Tools whose every request a test has seen (tests/scripts): none of them writes."""


def why_not(line: Command) -> str:
    """Why a line may change something, in words; empty when it only reads."""
    words = [_literal(word) for word in line.words]
    settings = []
    while words and _SETTING.match(words[0]):
        settings.append(words.pop(0))
    if words[:1] == ["timeout"] and len(words) > 2 and words[1].isdigit():
        words = words[2:]
    program = words[0] if words else ""
    if program == "psql":
        return _psql(words, settings, line.stdin)
    if line.stdin:
        return f"`{program}` would be given something to read"
    check = _CHECKS.get(program)
    return f"`{program}` is not on the list of what only reads" if check is None else check(words)


def _literal(word: Word) -> str:
    """What a word says for certain; a variable beside it is `$`, one alone nothing."""
    if isinstance(word, Joined):
        return "".join(part if isinstance(part, str) else "$" for part in word.parts)
    return word if isinstance(word, str) else ""


def _kubectl(words: list[str]) -> str:
    """The verb stands after `--context C -n N`, which every line of ours begins with."""
    rest = words[1:]
    while rest and rest[0] in ("--context", "-n"):
        rest = rest[2:]
    verb = rest[0] if rest else ""
    if verb == "exec" and "--" in rest:
        return _in_pod(rest[rest.index("--") + 1 :])
    if verb not in _KUBECTL:
        return f"`kubectl {verb}` is none of {', '.join(sorted(_KUBECTL))}"
    endless = [word for word in rest[1:] if _KUBECTL[verb].match(word)]
    return f"`kubectl {verb} {endless[0]}` does not end by itself" if endless else ""


def _in_pod(words: list[str]) -> str:
    program = " ".join(words[: 2 if words[:1] == ["openssl"] else 1])
    if program not in IN_POD:
        return f"what it runs in the pod is none of {', '.join(sorted(IN_POD))}"
    strange = [w for w in words if w.startswith("-") and not IN_POD[program].fullmatch(w)]
    return f"`{program} {strange[0]}` is not on the list of what only reads" if strange else ""


def _curl(words: list[str]) -> str:
    """A GET that ends by itself. `--data-urlencode` with `--get` is part of the address."""
    allowed = {"-fsS", "-sS", "--get", "--max-time", "--data-urlencode", "-o", "-w"}
    strange = sorted({word for word in words[1:] if word.startswith("-")} - allowed)
    if strange:
        return f"`curl {strange[0]}` is not on the list of what only reads"
    if "--max-time" not in words:
        return "curl has no `--max-time`, so it may never end"
    if "--data-urlencode" in words and "--get" not in words:
        return "curl without `--get` sends what is given as data"
    kept = {words[n + 1] for n, word in enumerate(words[:-1]) if word == "-o"}
    shown = "".join(words[n + 1] or "@" for n, word in enumerate(words[:-1]) if word == "-w")
    writes = kept - {"/dev/null"} or "%output{" in shown or "@" in shown
    return "curl would write a file" if writes else ""


def _python(words: list[str]) -> str:
    tool = words[1] if len(words) > 1 else ""
    return "" if tool in TOOLS else f"{tool or 'python3'} is no tool that only reads"


def _psql(words: list[str], settings: list[str], query: Word) -> str:
    """One query in a transaction that only reads; no second statement could end it."""
    if not any(one.startswith(f"PGOPTIONS={PG_READ_ONLY} ") for one in settings):
        return f"psql has no `PGOPTIONS='{PG_READ_ONLY} ...'` in front of it"
    rest = words[1:]
    while rest and (rest[0] == "-XAtqw" or _pair(rest)):
        rest = rest[1 if rest[0] == "-XAtqw" else 2 :]
    if rest:
        return f"`psql {rest[0]}` is not on the list of what only reads"
    if not isinstance(query, str) or not re.match(r"(?i)(?:select|show|values|with)\b", query):
        return "psql reads no query that begins with select, show, values or with"
    return "the query holds `;` or a backslash" if re.search(r"[;\\]", query) else ""


def _pair(words: list[str]) -> bool:
    option, value = (*words, "")[:2]
    shape = {"-v": r"(?s)[A-Za-z_]\w*=.*", "-d": r"postgresql://[\w.:$-]*"}.get(option)
    return shape is not None and re.fullmatch(shape, value) is not None


def _redis(words: list[str]) -> str:
    rest = words[1:]
    while rest and rest[0].startswith("-"):
        if rest[0] not in ("-e", "--no-raw", "-u", "--user"):
            return f"`redis-cli {rest[0]}` is not on the list of what only reads"
        rest = rest[2 if rest[0] in ("-u", "--user") else 1 :]
    for length in (1, 2):
        if REDIS.get(" ".join(rest[:length])) == len(rest) - length:
            return ""
    return f"`{' '.join(rest[:2])}` is none of the commands {', '.join(sorted(REDIS))}"


def _aws(words: list[str]) -> str:
    operations = [word for word in words[1:] if not word.startswith("-")]
    if len(operations) != 2 or operations[0] != "s3api" or operations[1] not in _S3:
        return f"`aws {' '.join(operations)}` is none of s3api {', '.join(_S3)}"
    strange = [w for w in words[1:] if w.startswith("-") and not _S3_OPTIONS.fullmatch(w)]
    return f"`aws {strange[0]}` is not on the list of what only reads" if strange else ""


_CHECKS: Final[Mapping[str, Callable[[list[str]], str]]] = {
    "aws": _aws,
    "curl": _curl,
    "kubectl": _kubectl,
    "python3": _python,
    "redis-cli": _redis,
}
