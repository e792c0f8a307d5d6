"""What the Gherkin parser complains of, in words for a tired engineer."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from gherkin.dialect import DIALECTS

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
        r"end of file",
        "the file ends in the middle of something.",
        'Complete or remove the last block; a doc string ends with the """ that it began with.',
    ),
    # The parser lists what it would have taken: before the Feature line, nothing of a runbook.
    (
        r"expected: (?:#EOF, #Language, )?#TagLine, #FeatureLine,",
        "{line!r} stands where the Feature should begin.",
        "Begin the file with its tags and `Feature: <symptom>`.",
    ),
)


def explain(line: str, message: str, language: str = "en") -> tuple[str, str]:
    """What is wrong and how to mend it, from the line that was met and the parser's message."""
    for pattern, what, fix in _BY_MESSAGE:
        if found := re.search(pattern, message):
            return what.format(*found.groups(), line=line), fix
    title = line.partition(":")[0]
    if title in _words(language, "feature"):
        what = "a second Feature begins here; one file holds one runbook."
        return what, "Move it to a file of its own."
    if title in _words(language, "background"):
        fix = "Write one for the Feature and one for each Rule, before the first Scenario."
        return "a Background stands here too late, or for the second time.", fix
    return f"{line!r} does not belong here.", _hint(line, language)


def prose(line: str, language: str = "en") -> tuple[str, str]:
    """Of a line between the title of a Scenario or Background and its first step."""
    fix = _hint(line, language)
    if not fix.startswith("Did"):
        fix = "Move prose to the description of the Feature or the Rule: pages show it there."
    return f"the line {line!r} below this title is no step.", fix


def swallowed(description: str, language: str = "en") -> tuple[str, str] | None:
    """Of a description in which Gherkin took a title or a step for prose, without a word."""
    for line in map(str.strip, description.splitlines()):
        title, colon, _ = line.partition(":")
        if colon and title in _words(language, "feature"):
            return explain(line, "", language)
        # A high cutoff: `Impact:` and the like are lines that belong here.
        if colon and difflib.get_close_matches(title, _titles(language), n=1, cutoff=0.8):
            return f"{line!r} was taken for prose.", _hint(line, language)
        if line.startswith(tuple(f"{word} " for word in _words(language, "given"))):
            fix = "Write `Background:` above it, or begin the prose with another word."
            return f"the step {line!r} was taken for prose.", fix
    return None


def _hint(line: str, language: str) -> str:
    """Most such lines are a keyword with a typing error."""
    title, colon, _ = line.partition(":")
    named = colon and " " not in title
    known = _titles(language) if named else _steps(language)
    word = title if named else line.split(" ")[0]
    near = difflib.get_close_matches(word.capitalize(), known, n=1, cutoff=0.6)
    if near and near[0] != word:
        return f"Did you mean `{near[0]}{':' if named else ''}`?"
    return (
        "Steps stand below a Scenario or a Background, tables (with as many cells in each row) and "
        "doc strings below their step, tags above a Feature, Rule or Scenario, prose below one."
    )


def _titles(language: str) -> list[str]:
    kinds = ("feature", "rule", "background", "scenario", "scenarioOutline", "examples")
    return [word for kind in kinds for word in _words(language, kind)]


def _steps(language: str) -> list[str]:
    kinds = ("given", "when", "then", "and", "but")
    return [word for kind in kinds for word in _words(language, kind)]


def _words(language: str, kind: str) -> list[str]:
    dialect: Mapping[str, Any] = DIALECTS.get(language, DIALECTS["en"])
    return [word.strip() for word in dialect[kind] if word.strip() != "*"]
