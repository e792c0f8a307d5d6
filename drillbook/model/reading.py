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
_KUBECTL: Final = {
    "get": re.compile("-[AR]*w|--watch"),
    "logs": re.compile("-p*f|--follow"),
}
"""What kubectl may do, and the options with which it would not end."""
TOOLS: Final = frozenset(
    {
        "scripts/kubernetes/quantity.py",
        "scripts/prometheus/moment.py",
        "scripts/spark/diagnose_driver.py",
    }
)
"""Tools whose every request a test has seen (tests/scripts): none of them writes."""


def why_not(line: Command) -> str:
    """Why a line may change something, in words; empty when it only reads."""
    words = [_literal(word) for word in line.words]
    program = words[0] if words else ""
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


_CHECKS: Final[Mapping[str, Callable[[list[str]], str]]] = {
    "curl": _curl,
    "kubectl": _kubectl,
    "python3": _python,
}
