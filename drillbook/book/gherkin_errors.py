"""What the Gherkin parser complains of, in words for a tired engineer."""

from __future__ import annotations

import difflib
import re

_TITLES = ("Feature", "Rule", "Background", "Scenario", "Scenario Outline", "Examples")
_STEPS = ("Given", "When", "Then", "And", "But")

_BY_MESSAGE: tuple[tuple[str, str, str], ...] = (
    (
        r"Language not supported: (\S+)",
        "the language {0!r} is not one that Gherkin knows.",
        "Remove the `# language:` line for English, or correct it, such as `# language: de`.",
    ),
    (
        r"tag may not contain whitespace",
        "a tag holds a blank.",
        "Write `@name:value` without blanks; put @ before each tag.",
    ),
    (
        r"inconsistent cell count",
        "a row of this table has more or fewer cells than its first row.",
        "Give every row as many cells; write a | inside a cell as \\|.",
    ),
    (
        r"end of file, expected: .*#DocStringSeparator",
        'a doc string is opened with """ or ``` and never closed.',
        "Close it with the same line that opened it.",
    ),
    (
        r"end of file, expected: .*#TagLine",
        "the file ends after tags: what they belong to is missing.",
        "Write the Scenario below them, or remove them.",
    ),
    (
        r"end of file",
        "the file ends in the middle of something.",
        "Complete the last block, or remove it.",
    ),
    # The parser lists what it would have taken: before the Feature line, nothing of a runbook.
    (
        r"expected: #EOF, #Language, #TagLine, #FeatureLine,",
        "{line!r} stands before the Feature.",
        "Begin the file with its tags and `Feature: <symptom>`.",
    ),
    (
        r"expected: #TagLine, #FeatureLine,",
        "{line!r} stands where the Feature should begin.",
        "Write `Feature: <symptom>` below the file's first tags.",
    ),
)

_BY_LINE: tuple[tuple[str, str, str], ...] = (
    (
        r"(Feature|Business Need|Ability):",
        "a second Feature begins here; one file holds one runbook.",
        "Move it to a file of its own.",
    ),
    (
        r"Background:",
        "a Background stands here too late, or for the second time.",
        "Write one Background for the Feature and one for each Rule, before the first Scenario.",
    ),
    (
        r"(Examples|Scenarios):",
        "Examples without a Scenario Outline.",
        "Write a Scenario for each case: runbooks have no outlines.",
    ),
    (
        r"Rule:",
        "a Rule cannot begin here.",
        "Give the lines above it what they lack: tags need a Rule or a Scenario below them.",
    ),
    (
        r"(Given|When|Then|And|But|\*) ",
        "the step {line!r} belongs to no Scenario.",
        "Write `Scenario: <what it shows>` or `Background:` above it.",
    ),
    (
        r"\|",
        "a table row that belongs to no step.",
        "Put it directly below its step.",
    ),
    (
        r"\"\"\"|```",
        "a doc string that belongs to no step.",
        "Put it directly below its step.",
    ),
    (
        r"@",
        "tags in a place where nothing can be tagged.",
        "Tags stand directly above a Feature, a Rule or a Scenario.",
    ),
)


def explain(line: str, message: str) -> tuple[str, str]:
    """What is wrong and how to mend it, from the line that was met and the parser's message."""
    for pattern, what, fix in _BY_MESSAGE:
        if found := re.search(pattern, message):
            return what.format(*found.groups(), line=line), fix
    for pattern, what, fix in _BY_LINE:
        if re.match(pattern, line):
            return what.format(line=line), fix
    return f"{line!r} is neither a step nor a title.", _hint(line)


def prose(line: str) -> tuple[str, str]:
    """Of a line between the title of a Scenario or Background and its first step."""
    fix = _hint(line)
    if not fix.startswith("Did"):
        fix = "Move prose to the description of the Feature or the Rule: pages show it there."
    return f"the line {line!r} below this title is no step.", fix


def swallowed(description: str) -> tuple[str, str] | None:
    """Of a description in which Gherkin took a title or a step for prose, without a word."""
    for line in description.splitlines():
        title, colon, _ = line.strip().partition(":")
        if colon and title == "Feature":
            return explain(line.strip(), "")
        # A high cutoff: `Impact:` and the like are lines that belong here.
        if colon and difflib.get_close_matches(title, _TITLES, n=1, cutoff=0.8):
            return f"{line.strip()!r} was taken for prose.", _hint(line.strip())
        if line.strip().startswith("Given "):
            fix = "Write `Background:` above it, or begin the prose with another word."
            return f"the step {line.strip()!r} was taken for prose.", fix
    return None


def _hint(line: str) -> str:
    """Most such lines are a keyword with a typing error."""
    title, colon, _ = line.partition(":")
    word, known = (title, _TITLES) if colon and " " not in title else (line.split(" ")[0], _STEPS)
    near = difflib.get_close_matches(word.capitalize(), known, n=1, cutoff=0.6)
    if near:
        return f"Did you mean `{near[0]}{':' if colon and known is _TITLES else ''}`?"
    return (
        "Begin a step with Given, When, Then, And or But; "
        "write prose directly below a Feature, Rule or Scenario line."
    )
