"""Which command lines only read: what runs by itself on a live incident, what checks are made of.
A closed list; what is not on it counts as a change. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from drillbook.model.words import Command

KUBECTL: Final = frozenset({"get", "logs"})
IN_POD: Final = frozenset({"cat", "df", "ls", "pgrep", "ss", "stat"})
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
    words = [word if isinstance(word, str) else "" for word in line.words]
    program = words[0] if words else ""
    check = _CHECKS.get(program)
    return f"`{program}` is not on the list of what only reads" if check is None else check(words)


def _kubectl(words: list[str]) -> str:
    """The verb stands after `--context C -n N`, which every line of ours begins with."""
    rest = words[1:]
    while rest and rest[0] in ("--context", "-n"):
        rest = rest[2:]
    verb = rest[0] if rest else ""
    if verb == "exec" and "--" in rest:
        inside = rest[rest.index("--") + 1 :]
        if inside[:2] == ["openssl", "x509"] or (inside and inside[0] in IN_POD):
            return ""
        return f"what it runs in the pod is none of {', '.join(sorted(IN_POD))}, openssl x509"
    return "" if verb in KUBECTL else f"`kubectl {verb}` is none of {', '.join(sorted(KUBECTL))}"


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
    kept = [words[n + 1] for n, word in enumerate(words[:-1]) if word == "-o"]
    return "" if set(kept) <= {"/dev/null"} else "curl would write a file"


def _python(words: list[str]) -> str:
    tool = words[1] if len(words) > 1 else ""
    return "" if tool in TOOLS else f"{tool or 'python3'} is no tool that only reads"


_CHECKS: Final[Mapping[str, Callable[[list[str]], str]]] = {
    "curl": _curl,
    "kubectl": _kubectl,
    "python3": _python,
}
