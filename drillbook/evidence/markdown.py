"""Text from elsewhere (records, descriptions, logs) as Markdown whose structure it cannot change.
Only what would be read as markup is escaped; template braces are broken up, because site generators
expand them even inside of code."""

import re
from functools import lru_cache

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# Control characters but for tab and newline, and what turns the direction of text around.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
_BRACES = re.compile(r"\{(?=[{%#])")
# Underscores between letters are no emphasis; a run of them at the edge of a word is.
_MARKUP = re.compile(r"[\\*\[\]`]|(?<!_)(?:(?<![^\W_])_+|_+(?![^\W_]))(?!_)|~(?=~)|<|&(?=#?\w+;)")
_ENTITIES = {"<": "&lt;", "&": "&amp;"}
_ONE_LINE = 400
"""Characters of what was seen on one line."""
_BLOCK = re.compile(r"^(?=[#>+=~|-])|^(\d+)(?=[.)])")


def visible(text: str) -> str:
    """Without terminal codes and invisible characters; lines end with a newline."""
    text = _ANSI.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _INVISIBLE.sub("", text)


def clean(text: str) -> str:
    """What is visible, with template braces broken up."""
    return _BRACES.sub("{ ", visible(text))


@lru_cache(maxsize=8192)
def prose(text: str) -> str:
    """One line of prose. Pairs of backticks stay code; everything else is literal."""
    line = " ".join(clean(text).split())
    parts = line.split("`")
    # An odd number of backticks opens what nothing closes, and neighbouring ones hold no code.
    if len(parts) % 2 == 0 or not all(part.strip() for part in parts[1::2]):
        return _block_safe(_escape(line))
    escaped = (
        f"`{part.strip()}`" if number % 2 else _escape(part) for number, part in enumerate(parts)
    )
    return _block_safe("".join(escaped))


def cell(text: str) -> str:
    """A table's cell: prose without bare pipes (a pipe splits cells even in code)."""
    return prose(text).replace("|", r"\|")


def code(text: str) -> str:
    """One line of code inside of prose, with a delimiter that the text does not hold."""
    line = " ".join(clean(text).split())
    if not line:
        return "(nothing)"
    ticks = "`" * (_longest_run(line) + 1)
    pad = " " if line[0] == "`" or line[-1] == "`" else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def fence(text: str, language: str = "") -> str:
    """A fenced block of exactly this text, with a fence that the text does not hold."""
    ticks = "`" * max(3, _longest_run(text) + 1)
    return f"{ticks}{language}\n{text}\n{ticks}"


def evidence(text: str, around: str = "", lines: int = 12, width: int = 160) -> str:
    """What was seen, trimmed: the lines around the last one that holds `around`, else the last
    ones (a log says why at its end), each cut at `width` characters. One line is code inside of
    prose and wraps, so it may be longer; more are a block of their own."""
    found = [line.rstrip() for line in clean(text).split("\n") if line.strip()]
    shown = [cut(line, width if len(found) > 1 else _ONE_LINE) for line in found]
    hits = [number for number, line in enumerate(found) if around and around in line]
    end = min(len(found), hits[-1] + 1 + lines // 3) if hits else len(found)
    shown = shown[max(0, end - lines) : end]
    if len(found) > lines:
        shown.insert(0, f"({lines} of {len(found)} lines)")
    if len(shown) > 1:
        return "\n\n" + fence("\n".join(shown), "text")
    return code(shown[0] if shown else "")


def cut(text: str, width: int) -> str:
    """At most `width` characters, with an ellipsis instead of the last word where it is cut."""
    if len(text) <= width:
        return text
    words, _, last = text[: width + 1].rpartition(" ")
    # A "word" of half the width is no word: a path, an identifier, base64.
    return f"{words if words and len(last) < width // 2 else text[:width]} ..."


def mermaid(text: str) -> str:
    """A label of a Mermaid diagram, to stand between double quotes."""
    line = " ".join(clean(text).split()).replace("`", "").replace('"', "'")
    return re.sub(r"[^\w .,:'()/+=$-]", lambda m: f"#{ord(m[0])};", line)


def anchor(text: str) -> str:
    """A link's target: lower-case letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def cause_anchor(cause_id: str) -> str:
    """Where a page's links to a cause lead."""
    return f"cause-{anchor(cause_id)}"


def sentence(text: str) -> str:
    """With a capital first letter and a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text[-1:] in ("", ".", "!", "?") else ".")


def _escape(text: str) -> str:
    return _MARKUP.sub(lambda m: _ENTITIES.get(m[0], "".join(f"\\{mark}" for mark in m[0])), text)


def _block_safe(line: str) -> str:
    """Not a heading, a quote, a list or a rule, wherever the line stands."""
    return _BLOCK.sub(lambda m: f"{m[1]}\\" if m[1] else "\\", line, count=1)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
