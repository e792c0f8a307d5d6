"""Prometheus' own judgement of the rules, where promtool is there: what a parser of expressions
cannot know, such as a template that names no function."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from drillbook.book import monitoring, rule_files
from drillbook.cluster.settings import Settings
from drillbook.model import Problem
from drillbook.model.errors import CouldNotTell

WITHIN_S: Final = 60
_SAYS: Final = re.compile(
    r"(?P<file>[^:\s]+): (?:\d+:\d+: )*"
    r'(?:group "(?P<group>.*?)", rule (?P<n>\d+), ".*?": )?(?P<what>.+)'
)


def rule_problems(settings: Settings) -> list[Problem]:
    """Everything wrong with the rules of every environment: our own reading first, promtool where
    that finds nothing. Raises CouldNotTell when promtool does not answer."""
    found = monitoring.problems(settings.root)
    program = _program(settings)
    return found or (check(program, settings.root, settings.environment) if program else [])


def _program(settings: Settings) -> str | None:
    path = f"{settings.tool_path}:{os.environ.get('PATH', '')}"
    return shutil.which("promtool", path=path)


def identity(settings: Settings) -> str:
    """Which promtool judges; empty where there is none."""
    program = _program(settings)
    status = os.stat(program) if program else None
    return f"{program} {status.st_size} {status.st_mtime_ns}" if status else ""


def check(program: str, root: Path, environment: str) -> list[Problem]:
    """What promtool has to say of the rules of an environment, by the lines of the checkout."""
    rendered = monitoring.rendered_rules(root, environment)
    if not rendered:
        return []
    with tempfile.TemporaryDirectory() as folder:
        for name, text in rendered.items():
            (Path(folder) / name).write_text(text, "utf-8")
        try:
            done = subprocess.run(
                [program, "check", "rules", "--lint=none", *rendered],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=WITHIN_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CouldNotTell(f"{program} does not check the rules: {error}.") from error
    if done.returncode == 0:
        return []
    said = [
        _problem(root, match) for match in map(_SAYS.fullmatch, done.stderr.split("\n")) if match
    ]
    if not said:
        raise CouldNotTell(f"{program} refuses the rules and does not say why: {done.stderr}.")
    return sorted(set(said))


def _problem(root: Path, match: re.Match[str]) -> Problem:
    file = next(f for f in rule_files.read_rules(root).files if f.path.name == match["file"])
    group = next((g for g in file.groups if g.name == match["group"]), None)
    line = group.rules[int(match["n"]) - 1].line if group else 1
    return rule_files.bad(file.shown, line, f"promtool: {match['what']}.", "Correct the rule.")
