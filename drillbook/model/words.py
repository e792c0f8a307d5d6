"""The words of command lines, and lengths of time as people write them."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, total_ordering
from typing import NewType, TypeAlias


@dataclass(frozen=True)
class Var:
    """A shell variable of the page: `APP` prints as `"$APP"`; a drill puts its value in the
    environment, so a value never enters the text of a command."""

    name: str


@dataclass(frozen=True)
class Guarded(Var):
    """A variable without which a line must not run: the shell ends it when it is empty or unset."""


@dataclass(frozen=True)
class Joined:
    """Literals and variables that make one word, such as `deployment/"$APP"`."""

    parts: tuple[str | Var, ...]


Word: TypeAlias = str | Var | Joined
Key = NewType("Key", str)
"""A builder's argument that is a name of a setting, not a value: it may stand on a line."""
Values: TypeAlias = Mapping[str, str]
"""Variable name -> value, as the environment of a drill's commands holds it."""


def join(*parts: Word) -> Word:
    """One word out of several; neighbouring literals merge, so equal words compare equal."""
    flat: list[str | Var] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Joined) else (part,):
            if isinstance(piece, str) and flat and isinstance(flat[-1], str):
                flat[-1] += piece
            elif piece != "":
                flat.append(piece)
    return flat[0] if len(flat) == 1 else Joined(tuple(flat)) if flat else ""


def setting(name: str, value: Word) -> Word:
    """`PGUSER="$USER"`, in front of a line: a variable for that program only. The name and its `=`
    stay outside of the quotes, else the shell would take it for a program."""
    return Joined((f"{name}=", *parts_of(value)))


def parts_of(word: Word) -> tuple[str | Var, ...]:
    """A word's literals and variables, in order."""
    return word.parts if isinstance(word, Joined) else (word,)


def shell(word: Word) -> str:
    """A word as a shell reads it: exactly one argument, whatever the variables hold."""
    return "".join(_shell(piece) for piece in parts_of(word))


def _shell(piece: str | Var) -> str:
    if isinstance(piece, Guarded):
        return f'"${{{piece.name}:?run the lines above}}"'
    return f'"${piece.name}"' if isinstance(piece, Var) else shlex.quote(piece)


def resolve(word: Word, values: Values) -> str:
    """A word with its variables filled in. Raises KeyError for a variable without a value."""
    return "".join(values[p.name] if isinstance(p, Var) else p for p in parts_of(word))


@dataclass(frozen=True)
class Command:
    """One command line: a tuple of words. Its text is what a page prints and `bash -eu` runs."""

    words: tuple[Word, ...]
    stdin: Word = ""
    """What it reads: bash's `<<<`, so also data, whatever the variables hold."""

    def __str__(self) -> str:
        return f"{_line(self.words)} <<< {shell(self.stdin)}" if self.stdin else _line(self.words)

    @property
    def variables(self) -> frozenset[str]:
        """The names of the variables that the line reads."""
        words = (*self.words, self.stdin)
        found = (p for word in words for p in parts_of(word) if isinstance(p, Var))
        return frozenset(var.name for var in found)


@lru_cache(maxsize=4096)
def _line(words: tuple[Word, ...]) -> str:
    # A large book prints the same lines for a thousand runbooks.
    return " ".join(shell(word) for word in words)


def command(*words: Word) -> Command:
    """`command("kubectl", "get", "pods")` reads better than a nested tuple."""
    return Command(tuple(words))


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
DURATION_PATTERN = r"\d+(?:ms|s|m|h|d)"


@total_ordering
@dataclass(frozen=True)
class Duration:
    """A length of time as people write it: `90s`, `3m`, `15m`, `500ms`. `seconds` is a float."""

    text: str

    def __post_init__(self) -> None:
        if not re.fullmatch(DURATION_PATTERN, self.text):
            raise ValueError(
                f"{self.text!r} is not a duration: write a number and a unit, such as 90s or 3m"
            )

    @property
    def seconds(self) -> float:
        number = self.text.rstrip("mshd")
        return int(number) * _UNITS[self.text[len(number) :]]

    def __lt__(self, other: "Duration") -> bool:
        return self.seconds < other.seconds

    def __str__(self) -> str:
        return self.text
